"""Plants violations in a temporary copy of the sources and sees that .ci/check_layers reports each, and only those."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["engine", "ops", "graph", "quant", "apps", "bench", "tests"]

# file, its content, what the report must say (None: no violation)
PLANTED = [
    ("engine/planted.cpp", '#include "ops/planted.hpp"\n', 'engine may not include "ops/planted.hpp"'),
    ("ops/planted.cpp", '#include "apps/planted.hpp"\n', 'ops may not include "apps/planted.hpp"'),
    ("graph/planted.cpp", ' # include "quant/planted.hpp"\n', 'graph may not include "quant/planted.hpp"'),
    ("apps/planted.cpp", '#include "tests/planted.hpp"\n', 'apps may not include "tests/planted.hpp"'),
    ("bench/planted.cpp", '#include "tests/planted.hpp"\n', 'bench may not include "tests/planted.hpp"'),
    ("engine/planted.cpp", "#include <engine/planted.hpp>\n", "belongs in quotes"),
    ("ops/planted.cpp", '#include "planted.hpp"\n', "not written from the root"),
    ("ops/planted.cpp", '#include "engine/../ops/planted.hpp"\n', "goes up the tree"),
    ("ops/planted.cpp", '#include "engine/missing.hpp"\n', "does not exist"),
    ("quant/fixed/planted.cpp", '#include "engine/planted.hpp"\n', "quant/fixed may include only"),
    ("quant/fixed/planted.cpp", "#include <fmt/format.h>\n", "quant/fixed may include only"),
    ("graph/umbrella.hpp", '#pragma once\n// All of it.\n#include "engine/planted.hpp"\n', "an umbrella header"),
    ("quant/fixed/planted.cpp", '#include <cstdint>\n#include "quant/fixed/planted.hpp"\n', None),
    ("apps/planted.cpp", '#include "engine/planted.hpp"\n#include "quant/fixed/planted.hpp"\n', None),
    ("tests/planted.cpp", '#include "apps/planted.hpp"\n#include "tests/planted.hpp"\n', None),
]


def check(root):
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/check_layers", root], stdout=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stdout


class CheckLayers(unittest.TestCase):
    def test_the_tree_itself_keeps_its_layers(self):
        code, report = check(ROOT)
        self.assertEqual(code, 0, report)

    def test_each_planted_violation_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for name in FOLDERS:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, copy / name)
                (copy / name).mkdir(exist_ok=True)
                (copy / name / "planted.hpp").write_text("#pragma once\nint planted();\n")
            (copy / "quant/fixed").mkdir(parents=True, exist_ok=True)
            (copy / "quant/fixed/planted.hpp").write_text("#pragma once\nint planted();\n")
            for name, content, expected in PLANTED:
                with self.subTest(name=name, content=content):
                    (copy / name).write_text(content)
                    code, report = check(copy)
                    (copy / name).unlink()
                    lines = [line for line in report.splitlines() if line.startswith(name)]
                    if expected is None:
                        self.assertEqual((code, lines), (0, []), report)
                    else:
                        self.assertEqual((code, len(lines)), (1, 1), report)
                        self.assertIn(expected, lines[0])
                        self.assertIn(" 1 violations", report)


if __name__ == "__main__":
    unittest.main()

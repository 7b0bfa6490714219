"""Installs the build into a temporary folder and builds a program against it, with pkg-config and a compiler alone.

  test_install.py BUILD_FOLDER COMPILER...
"""
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM = """
#include <cstdio>

#include "engine/cpu.hpp"
#include "engine/tape.hpp"

int main() {
  jsc::Tape tape;
  const jsc::Variable x = tape.input(16, 100);
  std::printf("%td rows, %s\\n", tape.value(x).rows, jsc::isa_name(jsc::detected_isa()).data());
}
"""


def output_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def only(paths, what):
    paths = list(paths)
    assert len(paths) == 1, f"{what}: expected one, found {paths}"
    return paths[0]


def main():
    build, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder)
        output_of("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", folder)

        headers = only(stage.rglob("include/jsc"), "the folder of headers")
        for header in headers.rglob("*.hpp"):
            for name in re.findall(r'^#include "([^"]+)"', header.read_text(), re.M):
                assert (headers / name).is_file(), f"{header} includes {name}, which is not installed"
        assert not list(headers.rglob("*.cpp")), "sources are installed"

        package = only(stage.rglob("jsc.pc"), "the pkg-config file")
        prefix = headers.parents[1]
        flags = output_of("env", f"PKG_CONFIG_PATH={package.parent}", "pkg-config", "--cflags", "--libs",
                          f"--define-variable=prefix={prefix}", "jsc").split()
        source, program = stage / "outside.cpp", stage / "outside"
        source.write_text(PROGRAM)
        output_of(*compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", str(source), "-o", str(program), *flags)
        printed = output_of(str(program))
        assert printed.startswith("16 rows, "), printed


if __name__ == "__main__":
    main()

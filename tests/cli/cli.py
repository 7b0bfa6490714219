"""What the tests of jsc-train share: running it, and readers of its files that are written from the published formats alone."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

JSC_TRAIN = pathlib.Path(os.environ["JSC_TRAIN"])


def run(*args, code=0, **options):
    """Runs jsc-train and returns (stdout, stderr); any other exit code than `code` is a failure that shows both."""
    done = subprocess.run(
        [JSC_TRAIN, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options
    )
    if done.returncode != code:
        raise AssertionError(
            f"jsc-train {' '.join(map(str, args))}: expected exit code {code}, found {done.returncode}\n"
            f"{done.stdout}\n{done.stderr}"
        )
    return done.stdout, done.stderr


def read_safetensors(path):
    """(metadata, {name: (dtype, shape, values)}) by the format's published description; checks what it demands."""
    data = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    assert data[8:9] == b"{"
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(v, str) for v in metadata.values())
    body, covered, tensors = data[8 + size :], [], {}
    codes = {"F32": "f", "F64": "d", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "U8": "B"}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        count = 1
        for n in entry["shape"]:
            count *= n
        code = codes[entry["dtype"]]
        assert end - begin == count * struct.calcsize("<" + code), name
        tensors[name] = (entry["dtype"], entry["shape"], struct.unpack(f"<{count}{code}", body[begin:end]))
        covered.append((begin, end))
    position = 0
    for begin, end in sorted(covered):
        assert begin == position, "the tensors leave a hole or overlap"
        position = end
    assert position == len(body)
    return metadata, tensors


class CliTest(unittest.TestCase):
    """A test with an empty folder of its own as self.dir."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="jsc-cli-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def refuses(self, *args, says=(), **options):
        """Bad input: exit code 2, one line on standard error with these words, nothing on standard output."""
        out, err = run(*args, code=2, **options)
        lines = [line for line in err.splitlines() if line]
        self.assertEqual(len(lines), 1, err)
        self.assertTrue(lines[0].startswith("jsc-train: "), err)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, lines[0])
        self.assertEqual(out, "")


def main():
    unittest.main(argv=[sys.argv[0]], verbosity=1)

"""What ./dev test prints last is counted by .ci/count_cases from meson's log; no way to fail may count as a pass."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / ".ci/count_cases"


def count(*tests):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for result, stdout in tests:
            log.write(json.dumps({"name": "t", "result": result, "duration": 1.0, "stdout": stdout}) + "\n")
        log.flush()
        return run(log.name)


def run(path):
    done = subprocess.run(
        [sys.executable, SCRIPT, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    )
    return done.stdout.splitlines()[-1], done.returncode


ALL_PASSED = "All tests passed (20 assertions in 12 test cases)\n"
SOME_FAILED = "test cases: 12 | 10 passed | 2 failed\nassertions: 20 | 17 passed | 3 failed\n"
AS_EXPECTED = "test cases: 12 | 11 passed | 1 failed as expected\n"


class CountCases(unittest.TestCase):
    def test_catch2_cases_and_plain_tests_are_added_up(self):
        self.assertEqual(count(("OK", ALL_PASSED), ("OK", ""), ("SKIP", "")), ("13 passed, 0 failed", 0))

    def test_failed_cases_are_counted(self):
        self.assertEqual(count(("FAIL", SOME_FAILED), ("OK", ALL_PASSED)), ("22 passed, 2 failed", 1))

    def test_cases_that_fail_as_expected_are_not_failures(self):
        self.assertEqual(count(("OK", AS_EXPECTED)), ("11 passed, 0 failed", 0))

    def test_a_plain_test_that_fails_is_a_failed_case(self):
        self.assertEqual(count(("FAIL", "")), ("0 passed, 1 failed", 1))

    def test_cases_of_a_python_unittest_count(self):
        text = "Ran 9 tests in 1.2s\n\nFAILED (failures=2, errors=1, skipped=1)\n"
        self.assertEqual(count(("FAIL", text)), ("5 passed, 3 failed", 1))
        self.assertEqual(count(("OK", "Ran 4 tests in 0.1s\n\nOK (skipped=1)\n")), ("3 passed, 0 failed", 0))

    def test_a_crash_or_timeout_fails_even_without_a_summary(self):
        self.assertEqual(count(("TIMEOUT", ""), ("OK", ALL_PASSED)), ("12 passed, 1 failed", 1))
        self.assertEqual(count(("ERROR", "")), ("0 passed, 1 failed", 1))

    def test_a_crash_after_a_good_summary_fails(self):
        self.assertEqual(count(("FAIL", ALL_PASSED)), ("12 passed, 1 failed", 1))

    def test_an_executable_without_tests_fails(self):
        self.assertEqual(count(("OK", "No tests ran\n")), ("0 passed, 1 failed", 1))

    def test_no_log_and_an_empty_log_fail(self):
        self.assertEqual(count(), ("0 passed, 1 failed", 1))
        self.assertEqual(run("/nonexistent/testlog.json"), ("0 passed, 1 failed", 1))


if __name__ == "__main__":
    unittest.main()

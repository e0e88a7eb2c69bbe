# SPDX-License-Identifier: Apache-2.0
"""tools/test-report adds up real cases: none twice, none lost to a crash or a time-out."""
import json
import subprocess
import sys

from millrace import SOURCE

GTEST = """<testsuites><testsuite name="A">
<testcase name="One" classname="A" status="run" result="completed"/>
<testcase name="Two" classname="A" status="run" result="completed"/>
<testcase name="Off" classname="A" status="notrun" result="suppressed"/>
<testcase name="Skip" classname="A" status="run" result="skipped"><skipped message="a.cc:3&#x0A;no NIC"/></testcase>
</testsuite></testsuites>"""

GTEST_FAILED = """<testsuites><testsuite name="A"><testcase name="One" classname="A" status="run">
<failure message="a.cc:9&#x0A;1 != 2" type=""/></testcase></testsuite></testsuites>"""


def report(tmp_path, tests, xml=None, failed_steps=()):
    """Run the report on a made-up suite `unit`: tests are lines of meson's log, xml maps a test to its file."""
    build = tmp_path / "build"
    (build / "meson-logs").mkdir(parents=True)
    (build / "tests" / "unit").mkdir(parents=True)
    lines = [json.dumps({"returncode": 0, "stdout": "", **test}) for test in tests]
    (build / "meson-logs" / "unit.json").write_text("\n".join(lines), encoding="utf-8")
    for name, text in (xml or {}).items():
        (build / "tests" / "unit" / f"{name}.xml").write_text(text, encoding="utf-8")
    options = [word for step in failed_steps for word in ("--failed-step", step)]
    done = subprocess.run([sys.executable, SOURCE / "tools" / "test-report", *options, f"{build}:unit"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_cases_count_and_their_test_does_not(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "OK"}], {"a": GTEST})
    assert (rc, lines[-1]) == (0, "2 passed, 0 failed, 1 skipped")
    assert "  build unit a: A.Skip: a.cc:3 no NIC" in lines


def test_a_test_without_cases_is_one(tmp_path):
    rc, lines = report(tmp_path, [{"name": "fuzz-x", "result": "OK"}, {"name": "m / b", "result": "OK"}])
    assert (rc, lines[-1]) == (0, "2 passed, 0 failed, 0 skipped")


def test_a_failed_case_is_named_and_counts_once(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "FAIL", "returncode": 1}], {"a": GTEST_FAILED})
    assert (rc, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")
    assert any(line.startswith("  build unit a: A.One: a.cc:9") for line in lines)


def test_a_crash_behind_good_cases_is_a_failure(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "FAIL", "returncode": -11}], {"a": GTEST})
    assert (rc, lines[-1]) == (1, "2 passed, 1 failed, 1 skipped")
    assert "  build unit a: FAIL, exit status -11" in lines


def test_a_time_out_without_any_file_is_a_failure(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "TIMEOUT", "returncode": -15}])
    assert (rc, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_a_half_written_file_is_a_failure(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "FAIL"}], {"a": GTEST[:50]})
    assert (rc, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_a_skipped_test_tells_its_last_line(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "OK"},
                                  {"name": "b", "result": "SKIP", "stdout": "x\nno hugepages\n"}])
    assert (rc, lines[-1]) == (0, "1 passed, 0 failed, 1 skipped")
    assert "  build unit b: no hugepages" in lines


def test_a_skipped_pytest_file_tells_why(tmp_path):
    xml = """<testsuites><testsuite><testcase name="functional.test_x"><skipped message="collection skipped">
(&#x27;/x.py&#x27;, 17, &#x27;Skipped: millrace is not built: no app/millrace&#x27;)</skipped></testcase></testsuite></testsuites>"""
    rc, lines = report(tmp_path, [{"name": "x", "result": "SKIP", "returncode": 77}], {"x": xml})
    assert (rc, lines[-1]) == (1, "0 passed, 0 failed, 1 skipped")
    assert "  build unit x: functional.test_x: millrace is not built: no app/millrace" in lines


def test_a_failed_step_counts(tmp_path):
    rc, lines = report(tmp_path, [{"name": "a", "result": "OK"}], failed_steps=["build with sanitizers"])
    assert (rc, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped")


def test_nothing_run_is_no_success(tmp_path):
    rc, lines = report(tmp_path, [])
    assert (rc, lines[-1]) == (1, "0 passed, 0 failed, 0 skipped")


def test_a_run_without_log_is_a_failure(tmp_path):
    done = subprocess.run([sys.executable, SOURCE / "tools" / "test-report", f"{tmp_path}:unit"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"

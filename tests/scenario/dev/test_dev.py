# SPDX-License-Identifier: Apache-2.0
"""The door ./dev and what stands behind it: results are counted rightly, a skip is no pass, a failure is never lost."""
import json
import os
import re
import subprocess
import textwrap

import pytest

from tests.lab.net import ROOT
from tools.dev import peers, results, steps


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "LOGS", tmp_path)
    monkeypatch.setattr(results, "FILE", tmp_path / "results.json")
    monkeypatch.delenv("CI", raising=False)
    return results.Results()


def last_line(record, capsys):
    code = record.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == ""  # alone
    return code, lines[-1]


def test_last_line_counts(record, capsys):
    record.add("a", "passed")
    record.add("b", "passed")
    assert last_line(record, capsys) == (0, "2 passed, 0 failed")
    record.add("c", "skipped", "no such program")
    assert last_line(record, capsys) == (0, "2 passed, 0 failed, 1 skipped")
    record.add("d", "failed")
    assert last_line(record, capsys) == (1, "2 passed, 1 failed, 1 skipped")


def test_skip_is_a_failure_in_ci(record, capsys, monkeypatch):
    monkeypatch.setenv("CI", "true")
    record.add("a", "passed")
    record.add("c", "skipped")
    assert last_line(record, capsys) == (1, "1 passed, 1 failed")


def test_nothing_ran_is_a_failure(record, capsys):
    assert last_line(record, capsys)[0] == 1


def test_a_test_keeps_its_worst_end(record):
    for outcome in ("failed", "passed"):
        record.add("a", outcome)
    assert record.tests == {"a": "failed"}


def meson_entry(build, result, stdout):
    return json.dumps({"name": "base/mem", "command": [f"{build}/tests/unit/base/test_mem"], "result": result,
                       "stdout": stdout, "stderr": ""})


def test_unit_results_name_each_function(record, tmp_path):
    log = tmp_path / "testlog.json"
    log.write_text(meson_entry(tmp_path, "FAIL", "[ RUN      ] test_a\n[       OK ] test_a\n[ RUN      ] test_b\n"
                                                 "[  FAILED  ] test_b\n[  FAILED  ] 1 test(s), listed below:\n"))
    assert results.add_meson(record, log, tmp_path) == 1
    assert {k.split("::")[1]: v for k, v in record.tests.items()} == {"test_a": "passed", "test_b": "failed"}


def test_unit_program_that_dies_fails(record, tmp_path):
    log = tmp_path / "testlog.json"
    log.write_text(meson_entry(tmp_path, "FAIL", "[ RUN      ] test_a\n[       OK ] test_a\n[ RUN      ] test_b\n"))
    results.add_meson(record, log, tmp_path)
    assert sorted(record.tests.values()) == ["failed", "passed"]
    record.tests.clear()
    log.write_text(meson_entry(tmp_path, "FAIL", "[ RUN      ] test_a\n[       OK ] test_a\n"))
    results.add_meson(record, log, tmp_path)
    assert "failed" in record.tests.values()


def test_pytest_results_are_read(record, tmp_path):
    inner = tmp_path / "tests"
    inner.mkdir()
    (inner / "test_x.py").write_text(textwrap.dedent("""
        import pytest
        @pytest.mark.parametrize("n", [1, 2])
        def test_p(n): assert n == 1
        def test_s(): pytest.skip("why")
        class TestIn:
            def test_m(self): pass
        @pytest.fixture
        def broken(): raise RuntimeError
        def test_e(broken): pass
    """))
    subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-o", "junit_family=xunit1", "--junitxml=out.xml",
                    "-p", "no:cacheprovider", "--rootdir=.", "tests"], cwd=tmp_path, capture_output=True, check=False)
    assert results.add_junit(record, tmp_path / "out.xml") == 5
    assert record.tests == {"tests/test_x.py::test_p[1]": "passed", "tests/test_x.py::test_p[2]": "failed",
                            "tests/test_x.py::test_s": "skipped", "tests/test_x.py::TestIn::test_m": "passed",
                            "tests/test_x.py::test_e": "failed"}
    assert results.add_junit(record, tmp_path / "none.xml") == -1


def test_step_keeps_exit_code_and_whole_log(record, tmp_path, capsys):
    assert steps.run("x", ["sh", "-c", "echo one; echo two >&2; exit 3"], "x.log") == 3
    assert (tmp_path / "x.log").read_text() == "one\ntwo\n"
    assert "exit 3" in capsys.readouterr().out


def test_door_refuses_an_unknown_command():
    done = subprocess.run([ROOT / "dev", "explode"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "usage" in done.stderr


def test_ci_runs_the_whole_test_and_counts_skips():
    text = (ROOT / ".ci/run").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "export CI=true" in text and text.rstrip().endswith("exec ./dev test") and "|" not in text


def test_peers_are_unpacked_never_installed():
    """None of the mail servers is known to the package manager, and each is below the build folder."""
    for packages in peers.WANTED.values():
        done = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status}", packages[0]], capture_output=True, text=True,
                              check=False)
        assert done.stdout != "installed", packages[0]
    assert peers.PEERS.is_relative_to(ROOT / "build")


def test_every_wanted_package_is_named_once():
    names = [line.split()[0] for line in (ROOT / "tools/packages.txt").read_text().splitlines()
             if line and not line.startswith("#")]
    assert len(names) == len(set(names))


def test_npm_comes_from_the_distribution_only_if_none_is_there(tmp_path):
    """An npm of the machine's owner stays: the package, which would replace it, is wanted only where none is."""
    script = f"{re.search(r'^wanted_packages.*?^}$', (ROOT / 'dev').read_text(), re.M | re.S)[0]}\nwanted_packages"

    def wanted():
        return subprocess.run(["/bin/bash", "-c", script], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True,
                              text=True, check=True).stdout.split()
    assert "npm" in wanted() and "meson" in wanted()
    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    assert "npm" not in wanted() and "meson" in wanted()

# SPDX-License-Identifier: Apache-2.0
"""A letter is read with curl and cookies alone."""
import subprocess

from tests.lab.net import ROOT
from tests.scenario.center import letters

TOOL = ROOT / "tests/tools/read-letter"


def test_curl_suffices(stage, tmp_path):
    reading = subprocess.Popen([TOOL, "--ca", stage.ca, stage.link, tmp_path], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    out, _ = reading.communicate(stage.code() + "\n", timeout=60)
    assert reading.returncode == 0
    assert "subject: Befund: <script>alert(1)</script> 日本語\n" in out
    assert letters.TEXT.strip() in out
    assert "attachment 1: " in out and (tmp_path / "1").read_bytes() == letters.PDF


def test_wrong_code_does_not_open(stage):
    done = subprocess.run([TOOL, "--ca", stage.ca, "--code-from", "echo 00000000", stage.link], capture_output=True,
                          text=True, timeout=60, check=False)
    stage.code()
    assert done.returncode == 1 and "letter" in done.stderr

# SPDX-License-Identifier: Apache-2.0
"""The Message Center in a real browser: by keyboard alone, without script, on a phone, in both colour schemes, without
one request to anybody else, and with hostile content that must stay text (rows 27 and 28)."""
import hashlib
import json
import os
import shutil
import subprocess
import threading

import pytest

from tests.lab import npm
from tests.lab.net import BUILD, ROOT
from tests.scenario.center import letters
from tests.scenario.center.stage import Stage

HERE = ROOT / "tests/browser"
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


@pytest.fixture(scope="module")
def modules():
    if CHROMIUM is None:
        pytest.skip("chromium is not here: no browser is tried")
    return npm.install("browser", HERE / "package.json") / "node_modules"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("the live roles need root to take their own user ids")
    one = Stage(tmp_path_factory.mktemp("browser"), letters.MIXED)
    yield one
    one.stop()


def drive(modules, stage, **how):
    """Runs reader.js; what it found."""
    options = {"link": stage.link, "base": stage.base, "script": True, "width": 1200, "height": 900, "scheme": "light",
               "chromium": CHROMIUM, "shots": os.environ.get("SEALPOST_SHOTS"), **how}
    process = subprocess.Popen(["node", HERE / "reader.js", modules, json.dumps(options)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=dict(os.environ, HOME=str(BUILD / "npm/browser")))
    timer = threading.Timer(100, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            said = json.loads(line)
            if "need" in said:
                process.stdin.write(stage.code() + "\n")
                process.stdin.flush()
            else:
                assert "result" in said, said["failed"]
                return said["result"]
        raise AssertionError("the browser ended without a word")
    finally:
        timer.cancel()
        process.stdin.close()
        process.wait(30)


CASES = {
    "desk": {},
    "phone-no-script": {"script": False, "width": 320, "height": 568},
    "dark": {"scheme": "dark", "width": 800},
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_reads_a_letter(modules, stage, case):
    found = drive(modules, stage, **CASES[case])
    assert found["problems"] == []
    assert found["console"] == []
    assert found["dialogs"] == 0 and not found["pwned"]
    assert [r for r in found["requests"] if not r.startswith(stage.base + "/")] == []
    assert found["fields"]["subject"] == "Befund: <script>alert(1)</script> 日本語"
    assert found["text"].strip() == letters.TEXT.strip()
    assert {d["name"] for d in found["downloads"]} == {"Befund Müller.pdf", "passwd.html", "x.svg"}
    assert hashlib.sha256(letters.PDF).hexdigest() in {d["sha256"] for d in found["downloads"]}
    assert found["typed"] == "passwd.html"
    assert found["after"] == "Please open the link again"
    assert all(c["httpOnly"] and c["secure"] and c["sameSite"] == "Strict" for c in found["cookies"])

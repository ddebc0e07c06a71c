# SPDX-License-Identifier: Apache-2.0
"""./dev run as a program: right with verification, and with verification taken out of the build its five rows turn
red, because the table believes the receivers and not the daemon."""
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import processes, readonly
from tests.lab.net import BUILD, ROOT

FIVE = {"no-tls", "tls10", "tls11", "self-signed", "expired"}


def run_once(build):
    env = dict(os.environ, SEALPOST_BUILD=str(build), PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, str(ROOT / "tools/run/main.py"), "--once", "--json"], env=env,
                          capture_output=True, text=True, timeout=220, cwd=ROOT)
    return done, json.loads(done.stdout)


@pytest.mark.timeout(240)
def test_run_once_is_right():
    done, result = run_once(os.environ.get("SEALPOST_BUILD", BUILD / "debug"))
    assert done.returncode == 0 and result["ok"], done.stderr
    outcomes = {r["receiver"]: r["outcome"] for r in result["rows"]}
    assert outcomes == {**dict.fromkeys(FIVE, "posted"), "tls12": "delivered", "tls13": "delivered"}
    assert all(r["right"] for r in result["rows"])


@pytest.mark.timeout(240)
def test_run_writes_only_below_the_build_folder():
    """Everything but the build folder is mounted read-only, and ./dev run works all the same."""
    readonly.require()
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=str(ROOT))
    done = subprocess.run(readonly.command(BUILD, sys.executable, str(ROOT / "tools/run/main.py"), "--once", "--json"),
                          env=env, capture_output=True, text=True, timeout=220, cwd=ROOT)
    assert done.returncode == 0 and json.loads(done.stdout)["ok"], done.stderr


@pytest.mark.timeout(240)
def test_run_stays_and_tells_how_to_send():
    """Without --once it stays up; the swaks line it prints works as it stands; Ctrl-C ends it and leaves nothing."""
    env = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")
    running = subprocess.Popen([sys.executable, str(ROOT / "tools/run/main.py")], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd=ROOT,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))  # as `./dev run &`
    told = []
    for line in running.stdout:
        told.append(line)
        if line.startswith("Staying up"):
            break
    text = "".join(told)
    family = processes.descendants(running.pid)
    try:
        assert "7 of 7 rows are right" in text and "Message Center: https://" in text, text
        swaks = text[text.index("  swaks "):text.index("  TLS:")].replace("\\\n", " ")
        assert text.count("self-signed certificate") == 1, text  # the table once, no progress
        assert re.search(r"\| Subject: You have a secure message\n(.*\n)+.*\| https://\S+/l/", text), text
        # the notice for it is shown as it arrives, and so is the report in the sender's mailbox
        for recipient, shown in ("someone@self-signed.test", "/l/"), ("someone@nowhere.test", "domain does not exist"):
            sent = subprocess.run(["/bin/bash", "-c", swaks.replace("someone@self-signed.test", recipient)],
                                  capture_output=True, text=True, timeout=60, cwd=ROOT)
            assert sent.returncode == 0 and "250 2.0.0" in sent.stdout, sent.stdout
            for line in running.stdout:
                if shown in line:
                    break
    finally:
        running.send_signal(signal.SIGINT)
        running.stdout.read()
        assert running.wait(30) == 0
    assert not processes.wait_gone(family, 5)


@pytest.mark.timeout(240)
def test_run_turns_red_without_verification():
    build = Path(BUILD / "hole_verify")
    if not (build / "build.ninja").exists():
        pytest.skip("the build without verification is missing: ./dev test makes it")
    done, result = run_once(build)
    assert done.returncode == 1 and not result["ok"]
    assert {r["receiver"] for r in result["rows"] if not r["right"]} == FIVE, done.stderr

# SPDX-License-Identifier: Apache-2.0
"""What an operator meets before the first `ready`: a configuration that is looked at, and a start that fails whole."""
import os
import signal
import subprocess
import time

import pytest

from tests.lab import processes
from tests.lab.sealpost import program

SECONDS = 10


def look(sealpost):
    return subprocess.run([str(program("sealpostd")), "--check", "-c", str(sealpost.conf)], capture_output=True, text=True,
                          timeout=30)


@pytest.fixture
def stopped(lab):
    return lab.sealpost(start=False)


def test_good_configuration_is_called_good(stopped):
    done = look(stopped)
    assert done.returncode == 0 and "the configuration is good" in done.stdout
    assert "private.pem is still on this machine" in done.stdout


@pytest.mark.parametrize(("key", "value", "said"), [
    ("center.certificate", "/nope.pem", "cannot read the certificate /nope.pem"),
    ("keys.escrow", ["/nope.pem"], "keys.escrow: cannot read /nope.pem"),
    ("keys.escrow", ["escrow/private.pem"], "no public key in PEM form"),
    ("trust.ca-file", "/nope.pem", "trust.ca-file"),
    ("resolver.forward", ["dns.example"], "'dns.example' is not an address"),
    ("courier.source", ["10.9.9.9:25"], "'source' takes addresses without a port"),
    ("notice.from", "nonsense", "'notice.from' must be one mailbox"),
    ("postmaster", "a@b@c", "'postmaster' must be one mailbox"),
])
def test_bad_configuration_is_told_by_check_and_by_the_start(stopped, key, value, said):
    stopped.settings[key] = value
    stopped.write_configuration()
    done = look(stopped)
    assert done.returncode == 1 and said in done.stderr
    started = subprocess.run([str(program("sealpostd")), "-c", str(stopped.conf)], capture_output=True, text=True,
                             timeout=SECONDS)
    assert started.returncode == 1 and said in started.stderr and "ready" not in started.stdout


def test_foreign_key_is_told(stopped, lab):
    stopped.settings["center.key"] = lab.certificate("other.test").key_file
    stopped.write_configuration()
    assert "is not the private key of" in look(stopped).stderr


def run_to_its_end(sealpost, after=None):
    """Starts, does something, and returns the exit status; nothing may be left, and it may not take long."""
    with open(sealpost.log, "wb") as log:
        process = subprocess.Popen([str(program("sealpostd")), "-c", str(sealpost.conf)], stdout=log, stderr=log,
                                   start_new_session=True)
    time.sleep(0.3)
    family = processes.descendants(process.pid)
    if after:
        process.send_signal(after)
    try:
        code = process.wait(SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
    assert not processes.wait_gone(family, 3)
    return code


def test_no_process_needs_to_reach_the_files_by_itself(lab):
    """A checkout below /root, say: what stands in files is handed over, at the start and at a reload."""
    os.chmod(lab.folder, 0o700)
    sealpost = lab.sealpost()
    lab.receiver("tls13")
    assert sealpost.outcome(sealpost.submit("a@tls13.test"))["state"] == "delivered"
    offset = len(sealpost.log_bytes())
    sealpost.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + SECONDS
    while b"configuration read again" not in sealpost.log_bytes(offset) and time.monotonic() < end:
        time.sleep(0.05)
    assert sealpost.outcome(sealpost.submit("b@tls13.test"))["state"] == "delivered"
    assert "stay" not in sealpost.log_text(offset)


def test_role_that_cannot_start_ends_the_start(stopped):
    root = stopped.folder / "keys/root.key"
    root.write_text("this is no key\n")
    assert run_to_its_end(stopped) == 1
    log = stopped.log_text()
    assert "keyd.0 error" in log and "cannot start and stops" in log and "\nready\n" not in log


def test_term_ends_a_start_at_any_time(stopped):
    assert run_to_its_end(stopped, after=signal.SIGTERM) == 0

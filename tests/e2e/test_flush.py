# SPDX-License-Identifier: Apache-2.0
"""P2, 250 means kept: the 250 waits for the disk; when the disk refuses a flush there is none, the store ends for good
and tries no second time; what got its 250 survives the end of every process; a full disk is a 452, and mail that was
accepted before goes on."""
import os
import re
import shutil
import smtplib
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.sealpost import letter

FLUSHES = "fdatasync,fsync,sync_file_range,sync"
AUTHOR = "doctor@clinic.test"


class Tracer:
    """strace on the store's threads, tampering with its flushes as told."""

    def __init__(self, sealpost, tamper, folder):
        store = sealpost.roles()["store"][0]
        self.out = Path(folder) / f"strace-{time.monotonic_ns()}"
        self.process = subprocess.Popen(["strace", "-f", "-q", "-o", str(self.out), "-e", f"trace={FLUSHES}", "-e",
                                         f"inject={tamper}", "-p", str(store.pid)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        threads = Path(f"/proc/{store.pid}/task")
        while not all("TracerPid:\t0" not in (t / "status").read_text() for t in threads.iterdir()):
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, "strace did not attach"
            time.sleep(0.01)

    def lines(self):
        return self.out.read_text().splitlines() if self.out.exists() else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()


def settled(sealpost):
    """Waits until the store has written its spare segments, so that what it flushes from now on are waves."""
    end = time.monotonic() + 30
    while len(list(sealpost.folder.glob("store/journal/spare-*.ready"))) < 2:
        assert time.monotonic() < end, "no spare segments"
        time.sleep(0.05)
    time.sleep(0.3)  # the waves of what came before


def large(to):
    return letter(AUTHOR, [to], body=("z" * 76 + "\r\n") * 3000)


def refused_to(sealpost, to, content=None):
    """The code with which a message is refused, at whatever point."""
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        with sealpost.smtp() as client:
            sealpost.submit(to, content, client=client)
    return refused.value.smtp_code


@pytest.mark.parametrize("kind", ["small", "large"])
def test_the_250_waits_for_the_disk(lab, tmp_path, kind):
    sealpost = lab.sealpost()
    to = f"a@{sealpost.domain}"
    sealpost.outcome(sealpost.submit(to))
    content = large(to) if kind == "large" else None
    settled(sealpost)
    with Tracer(sealpost, "fdatasync,fsync:delay_exit=700000", tmp_path) as tracer, sealpost.smtp() as client:
        before, started = len(tracer.lines()), time.monotonic()
        message_id = sealpost.submit(to, content, client=client)
        took = time.monotonic() - started
        flushes = len(tracer.lines()) - before
    assert took >= (0.7 if kind == "small" else 1.4), took  # a large one: its file as well
    assert flushes >= 1
    assert sealpost.outcome(message_id)["state"] == "delivered"


@pytest.mark.parametrize("kind", ["small", "large"])
def test_a_failed_flush_ends_acceptance_and_is_not_retried(lab, tmp_path, kind):
    sealpost = lab.sealpost(settings={"courier.retry": ["1h"]})
    to, away = f"a@{sealpost.domain}", lab.receiver("away", "tls13", replies={"rcpt": ["450 4.2.1 later", "250 ok"]})
    kept = sealpost.submit(f"b@{away.domain}")
    sealpost.outcome(sealpost.submit(to))
    settled(sealpost)
    with sealpost.smtp() as client, Tracer(sealpost, "fdatasync,fsync:error=EIO", tmp_path) as tracer:
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            sealpost.submit(to, large(to) if kind == "large" else None, client=client)
        assert refused.value.smtp_code == 451
        tracer.process.wait(20)  # the store ends, and strace with it
        failed = [line for line in tracer.lines() if "INJECTED" in line]
    assert len(failed) == 1, failed
    time.sleep(1.5)
    assert "store" not in sealpost.roles()
    assert re.search(r"store\.0 ended with status 3 and is not started again", sealpost.log_text())
    assert refused_to(sealpost, to) == 451
    asked = sealpost.run("status", check=False, timeout=10)
    assert asked.returncode != 0 and "cannot reach" in asked.stderr
    assert set(sealpost.roles()) >= {"intake", "keyd", "courier", "resolver", "web"}
    sealpost.stop()
    sealpost.start()  # the operator's word
    assert sealpost.outcome(sealpost.submit(to))["state"] == "delivered"
    assert sealpost.trace(kept)[0]["state"] in ("queued", "delivered")
    sealpost.run("retry", "--all")
    assert sealpost.outcome(kept)["state"] == "delivered"
    sealpost.run("check", "--deep")


def test_what_got_250_survives_the_end_of_everything(lab):
    sealpost = lab.sealpost(settings={"courier.retry": ["300ms"]})
    receiver = lab.receiver("good", "tls13")
    for number in range(6):
        to = f"p{number}@{receiver.domain}"
        client = sealpost.smtp()
        content = large(to) if number % 2 else letter(AUTHOR, [to], f"Number {number}")
        message_id = sealpost.submit(to, content, client=client)
        sealpost.kill()
        client.close()
        sealpost.start()
        assert sealpost.outcome(message_id)["state"] == "delivered"
        assert f"p{number}@{receiver.domain}" in {r for m in receiver.messages for r in m.recipients}
        sealpost.run("check", "--deep")


def test_a_full_disk_is_452_and_delivery_goes_on(lab):
    free = shutil.disk_usage(lab.folder).free
    margin = 2 * 2**30
    if free < 3 * margin:
        pytest.skip("less than 6 GiB are free here: the disk cannot be filled a little")
    sealpost = lab.sealpost(settings={"limits.disk-reserve": f"{(free - margin) // 2**20}MiB", "courier.retry": ["1s"]})
    gate = {"open": False}
    receiver = lab.receiver("gate", "tls13", replies={
        "rcpt": lambda *_: "250 2.1.5 ok" if gate["open"] else "450 4.2.1 later"})
    to = f"a@{receiver.domain}"
    waiting = sealpost.submit(to)
    filler = Path(lab.folder) / "filler"
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2 * margin)
    end = time.monotonic() + 10
    try:
        code = 250
        while code != 452 and time.monotonic() < end:
            try:
                sealpost.submit(to)
                time.sleep(0.2)
            except smtplib.SMTPResponseException as refused:
                code = refused.smtp_code
        assert code == 452
        assert refused_to(sealpost, to, large(to)) == 452
        gate["open"] = True
        assert sealpost.outcome(waiting)["state"] == "delivered"  # the reserve is for this
    finally:
        filler.unlink()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            last = sealpost.submit(to)
            break
        except smtplib.SMTPResponseException:
            time.sleep(0.2)
    assert sealpost.outcome(last)["state"] == "delivered"

# SPDX-License-Identifier: Apache-2.0
"""accepted = delivered + posted + returned + queued (P3): at every instant, over a restart, in `status` and `check`; and
`check` notices when a recipient is gone or the journal is damaged."""
import sqlite3
import time

import pytest

PLACES = {"delivered": "tls13", "posted": "no-tls", "returned": "tls13", "queued": "tls13"}


@pytest.fixture
def domains(lab):
    """{outcome: domain}"""
    replies = {"returned": {"rcpt": "550 5.1.1 nobody"}, "queued": {"rcpt": "450 4.2.1 later"}}
    return {outcome: lab.receiver(f"{outcome}-here", state, replies=replies.get(outcome)).domain
            for outcome, state in PLACES.items()}


def counted(sealpost):
    """The counters, which must add up."""
    status = sealpost.json("status")
    parts = {outcome: status[outcome] for outcome in PLACES}
    assert status["accepted"] == sum(parts.values()), status
    return parts


def test_the_sum_holds_at_every_instant_and_over_a_restart(lab, domains):
    sealpost = lab.sealpost(settings={"courier.hold": "1h", "courier.retry": ["1s"]})
    with sealpost.smtp() as client:
        for number in range(3):
            for outcome, domain in domains.items():
                sealpost.submit([f"a{number}@{domain}", f"b{number}@{domain}"], client=client)
                counted(sealpost)
            sealpost.submit([f"c{number}@{domain}" for domain in domains.values()], client=client)
    wanted = dict.fromkeys(PLACES, 9)
    end = time.monotonic() + 30
    while counted(sealpost) != wanted:
        assert time.monotonic() < end, counted(sealpost)
        time.sleep(0.1)
    report = sealpost.run("check", "--deep").stdout
    assert "accepted 36 = delivered 9 + posted 9 + returned 9 + queued 9" in report and "BAD" not in report
    sealpost.restart()
    assert counted(sealpost) == wanted
    sealpost.kill()
    sealpost.start()
    assert counted(sealpost) == wanted
    sealpost.run("check", "--deep")


@pytest.mark.parametrize("harm", ["DELETE FROM recipient WHERE n = (SELECT max(n) FROM recipient)",
                                  "UPDATE recipient SET state = 2 WHERE state = 1"],
                         ids=["gone", "changed"])
def test_check_notices_a_recipient_that_is_gone(lab, domains, harm):
    sealpost = lab.sealpost(settings={"courier.hold": "1h", "courier.retry": ["1h"]})
    sealpost.submit(f"a@{domains['queued']}")
    sealpost.stop()
    with sqlite3.connect(sealpost.folder / "store/index.db") as index:
        assert index.execute(harm).rowcount == 1
    index.close()
    sealpost.start()
    found = sealpost.run("check", check=False)
    assert found.returncode == 1 and "BAD" in found.stdout, found
    sealpost.kill()


def test_deep_check_notices_damage_in_the_journal(lab, domains):
    sealpost = lab.sealpost(settings={"courier.hold": "1h", "courier.retry": ["1h"]})
    sealpost.submit(f"a@{domains['queued']}")
    sealpost.run("check", "--deep")
    segment = max(sealpost.folder.glob("store/journal/*.seg"))
    data = segment.read_bytes().rstrip(b"\0")
    with open(segment, "r+b") as file:
        file.seek(4096 + (len(data) - 4096) // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 0x55]))
    found = sealpost.run("check", "--deep", check=False)
    assert found.returncode == 1 and "BAD" in found.stdout, found
    sealpost.run("check")  # counters and index still agree
    sealpost.kill()

# SPDX-License-Identifier: Apache-2.0
"""Receivers that say a lot to many recipients: nobody is lost, the sender is told, and the couriers go on."""
import pytest

from tests.e2e.test_courier import AUTHOR, wait_for
from tests.lab.receiver import Reply
from tests.lab.sealpost import letter

HUNDRED = 100


def recipients(domain, count=HUNDRED):
    return [f"{n:03d}{'a' * 61}@{domain}" for n in range(count)]


def submit(sealpost, to, told):
    return sealpost.submit(to, content=letter(told, ["undisclosed@clinic.test"]), sender=told,
                           rcpt_options=[f"ORCPT=rfc822;{'o' * 64}@{'p' * 60}.{'q' * 60}.{'r' * 60}.test"])


def long_domain(lab, receiver):
    """A name of 250 octets whose mail goes to the receiver's host."""
    name = ".".join([receiver.domain.split(".")[0].ljust(60, "d"), "e" * 60, "f" * 60, "test"])
    lab.dns.add(name, "MX", f"10 {receiver.host}.")
    return name


def test_report_about_a_hundred_long_addresses(shared_lab, shared_sealpost):
    """All are refused: one report names every one of them."""
    receiver = shared_lab.receiver("wordless", "tls13", replies={"rcpt": "550 5.1.1 no such user"})
    told = f"hundred@{AUTHOR.split('@')[1]}"
    to = recipients(long_domain(shared_lab, receiver))
    rows = shared_sealpost.wait(submit(shared_sealpost, to, told), timeout=60)
    assert {r["state"] for r in rows} == {"returned"} and len(rows) == HUNDRED
    report = wait_for(shared_lab.receivers["mx.clinic.test"], told)
    assert report and all(f"Final-Recipient: rfc822;{t}".encode() in report.data.replace(b"\r\n ", b"") for t in to)


@pytest.mark.parametrize("filler", ["x", "\\"])
def test_long_replies_to_recipients_that_end_apart(shared_lab, shared_sealpost, filler):
    """Most are posted, the others returned, each with a reply as long as is kept."""
    text = filler * 1000

    def answer(_session, argument):
        posted = int(argument.split("<")[1][:3]) % 5 < 3
        return f"552 5.3.4 {text}" if posted else f"550 5.1.1 {text}"

    name = f"talkative{ord(filler)}"
    receiver = shared_lab.receiver(name, "tls13", replies={"rcpt": answer})
    told = f"{name}@{AUTHOR.split('@')[1]}"
    before = len(shared_sealpost.log_bytes())
    message = submit(shared_sealpost, recipients(long_domain(shared_lab, receiver)), told)
    rows = shared_sealpost.wait(message, timeout=60)
    assert sorted(r["state"] for r in rows) == ["posted"] * 60 + ["returned"] * 40
    assert wait_for(shared_lab.receivers["mx.clinic.test"], told)
    log = shared_sealpost.log_text(before)
    assert "does not fit" not in log and "cannot be told" not in log


def test_twenty_long_replies_of_backslashes_are_reported(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("slashes", "tls13", replies={"rcpt": Reply("550 5.1.1 " + "\\" * 1000)})
    told = f"slashes@{AUTHOR.split('@')[1]}"
    rows = shared_sealpost.wait(submit(shared_sealpost, recipients(receiver.domain, 20), told), timeout=60)
    assert {r["state"] for r in rows} == {"returned"}
    assert wait_for(shared_lab.receivers["mx.clinic.test"], told)

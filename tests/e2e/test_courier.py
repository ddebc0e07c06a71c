# SPDX-License-Identifier: Apache-2.0
"""Where mail goes and what becomes of it: look-ups of every kind, several hosts, retries, limits of receivers, sessions
used again, and what the next host is told."""
import re
import secrets
import socket
import time

import pytest

from tests.lab.receiver import DEFAULT_FEATURES, Reply
from tests.lab.sealpost import letter

AUTHOR = "doctor@clinic.test"
QUICK = {"courier.hold": "3s", "courier.retry": ["300ms", "500ms"]}


def features(*without, **replaced):
    return [replaced.get(f.split(" ")[0], f) for f in DEFAULT_FEATURES if f.split(" ")[0] not in without]


@pytest.fixture(scope="module")
def quick(shared_lab):
    """An instance whose holding limit is 3 s."""
    instance = shared_lab.sealpost(settings=QUICK)
    yield instance
    instance.check()


def outcome(sealpost, to, **more):
    return sealpost.outcome(sealpost.submit(to, **more))


# look-ups

def test_no_mx_means_the_address_itself(shared_lab, shared_sealpost):
    receiver = shared_lab.host("implicit.test")
    row = outcome(shared_sealpost, "a@implicit.test")
    assert row["state"] == "delivered" and receiver.messages[0].recipients == ["a@implicit.test"]


def test_alias_of_a_mail_domain(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("aliased", "tls13")
    shared_lab.dns.add("alias.test", "CNAME", "aliased.test.")
    assert outcome(shared_sealpost, "a@alias.test")["state"] == "delivered"
    assert receiver.messages[0].recipients == ["a@alias.test"]


def test_null_mx_is_returned(shared_lab, shared_sealpost):
    shared_lab.dns.add("null.test", "MX", "0 .")
    assert outcome(shared_sealpost, "a@null.test")["state"] == "returned"


def test_domain_that_does_not_exist_is_returned(shared_lab, shared_sealpost):
    assert outcome(shared_sealpost, "a@nowhere-at-all.test")["state"] == "returned"


def test_domain_without_mail_is_returned(shared_lab, shared_sealpost):
    shared_lab.dns.add("textonly.test", "TXT", '"nothing here"')
    assert outcome(shared_sealpost, "a@textonly.test")["state"] == "returned"


@pytest.mark.parametrize("how", ["servfail", "timeout", "refused"])
def test_failed_look_up_is_later_then_posted(shared_lab, quick, how):
    domain = f"dns-{how}.test"
    shared_lab.dns.add(domain, "MX", f"10 mx.{domain}.")
    shared_lab.dns.fail(domain, how)
    message = quick.submit(f"a@{domain}")
    time.sleep(0.5)
    assert quick.trace(message)[0]["state"] == "queued"
    assert quick.outcome(message)["state"] == "posted"


def test_look_up_that_recovers_delivers(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("recovers", "tls13")
    shared_lab.dns.fail(receiver.domain, "servfail")
    message = shared_sealpost.submit(f"a@{receiver.domain}")
    time.sleep(0.7)
    shared_lab.dns.fail(receiver.domain, None)
    assert shared_sealpost.outcome(message)["state"] == "delivered"


def test_truncated_answer_is_asked_again_by_tcp(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("truncated", "tls13")
    shared_lab.dns.fail(receiver.domain, "truncate")
    assert outcome(shared_sealpost, f"a@{receiver.domain}")["state"] == "delivered"


def test_alias_loop_is_later_then_posted(shared_lab, quick):
    shared_lab.dns.add("loop1.test", "CNAME", "loop2.test.")
    shared_lab.dns.add("loop2.test", "CNAME", "loop1.test.")
    assert outcome(quick, "a@loop1.test")["state"] == "posted"


def test_ipv6(shared_lab, shared_sealpost):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", shared_lab.smtp_port))
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback: {error}")
    receiver = shared_lab.host("mx.six.test", address="::1")
    shared_lab.dns.add("six.test", "MX", "10 mx.six.test.")
    assert outcome(shared_sealpost, "a@six.test")["state"] == "delivered"
    assert receiver.messages and "::1" in receiver.sessions[0].peer


def test_international_domain(shared_lab, shared_sealpost):
    receiver = shared_lab.host("mx.xn--bcher-kva.test")
    shared_lab.dns.add("xn--bcher-kva.test", "MX", "10 mx.xn--bcher-kva.test.")
    with shared_sealpost.smtp() as client:
        client.mail(AUTHOR, ["SMTPUTF8"])
        client.send("RCPT TO:<a@bücher.test>\r\n".encode())
        assert client.getreply()[0] == 250
        reply = client.data(letter(AUTHOR, ["a@xn--bcher-kva.test"]))
        assert reply[0] == 250
        message = reply[1].decode().split()[1]
    assert shared_sealpost.outcome(message)["state"] == "delivered"
    assert len(receiver.messages) == 1


# several hosts

def two_hosts(lab, name, first, second, **manner):
    domain = f"{name}.test"
    hosts = [lab.host(f"mx{n}.{domain}", state, domain, **(manner if n == 1 else {}))
             for n, state in ((1, first), (2, second))]
    lab.dns.mail_domain(domain, *(h.host for h in hosts))
    return f"a@{domain}", hosts


@pytest.mark.parametrize("first", ["no-tls", "self-signed", "expired", "tls10"])
def test_next_host_when_the_first_is_unproved(shared_lab, shared_sealpost, first):
    to, (bad, good) = two_hosts(shared_lab, f"mixed-{first}", first, "tls13")
    assert outcome(shared_sealpost, to)["state"] == "delivered"
    assert len(good.messages) == 1 and not bad.messages
    assert b"MAIL" not in bytes(bad.sessions[0].plain + bad.sessions[0].encrypted).upper()


def test_next_host_when_the_first_does_not_answer(shared_lab, shared_sealpost):
    to, (dead, good) = two_hosts(shared_lab, "dead", "tls13", "tls13")
    dead.close()
    assert outcome(shared_sealpost, to)["state"] == "delivered" and len(good.messages) == 1


def test_one_later_beats_post(shared_lab, quick):
    """One host unproved, the other not there: later, and posted at the limit only."""
    to, (_, dead) = two_hosts(shared_lab, "laterwins", "self-signed", "tls13")
    dead.close()
    message = quick.submit(to)
    time.sleep(1)
    assert quick.trace(message)[0]["state"] == "queued"
    assert quick.outcome(message)["state"] == "posted"


@pytest.mark.parametrize("reply,state", [("554 5.7.1 go away", "posted"), ("421 4.3.2 busy", "posted")])
def test_unproved_host_cannot_bounce(shared_lab, quick, reply, state):
    receiver = shared_lab.receiver(f"greets{reply[:3]}", "tls13", replies={"greeting": Reply(reply, close=True)})
    started = time.monotonic()
    assert outcome(quick, f"a@{receiver.domain}")["state"] == state
    if reply.startswith("4"):
        assert time.monotonic() - started > 2  # held until the limit


# replies of proved hosts

def test_temporary_refusal_is_tried_again(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("tries", "tls13", replies={"rcpt": ["451 4.7.1 later", "451 4.7.1 later", "250 ok"]})
    row = outcome(shared_sealpost, f"a@{receiver.domain}")
    assert row["state"] == "delivered" and len(row["attempts"]) == 3


def test_temporary_refusal_until_the_limit_is_posted(shared_lab, quick):
    receiver = shared_lab.receiver("never", "tls13", replies={
        "rcpt": lambda s, a: "250 ok" if "notice" in s.helo else "451 4.7.1 later"})
    assert outcome(quick, f"a@{receiver.domain}")["state"] == "posted"


@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_permanent_refusal_is_returned_with_a_dsn(shared_lab, shared_sealpost, stage):
    replies = {stage: "550 5.1.1 nobody here"}
    if stage == "dot":
        replies["bdat"] = replies["dot"]
    receiver = shared_lab.receiver(f"refuses-{stage}", "tls13", replies=replies)
    author = f"author-{stage}@clinic.test"
    mark = "Mk" + secrets.token_hex(8)
    content = letter(author, [f"a@{receiver.domain}"], mark, f"{mark}\r\n",
                     f"Message-ID: <{stage}-id@clinic.test>\r\nX-Private: {mark}\r\n")
    row = outcome(shared_sealpost, f"a@{receiver.domain}", content=content, sender=author)
    assert row["state"] == "returned" and "550" in repr(row)
    dsn = wait_for(shared_lab.receivers["mx.clinic.test"], author)
    assert b"multipart/report" in dsn.data and b"message/delivery-status" in dsn.data
    assert b"Action: failed" in dsn.data and b"5.1.1" in dsn.data and f"a@{receiver.domain}".encode() in dsn.data
    assert f"{stage}-id@clinic.test".encode() in dsn.data and mark.encode() not in dsn.data
    assert dsn.mail_from == "" and dsn.tls


def wait_for(receiver, recipient, timeout=20):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for message in receiver.messages:
            if recipient in message.recipients:
                return message
        time.sleep(0.05)
    raise AssertionError(f"nothing came for {recipient}")


def test_notify_never_makes_no_dsn(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("silent", "tls13", replies={"rcpt": "550 5.1.1 no"})
    row = outcome(shared_sealpost, f"a@{receiver.domain}", sender="quiet@clinic.test", rcpt_options=["NOTIFY=NEVER"])
    assert row["state"] == "returned"
    time.sleep(1.5)
    assert not [m for m in shared_lab.receivers["mx.clinic.test"].messages if "quiet@clinic.test" in m.recipients]


def test_recipients_of_one_message_end_apart(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("apart", "tls13", replies={
        "rcpt": lambda _s, a: "550 5.1.1 no" if "bad@" in a else "250 2.1.5 ok"})
    to = [f"{n}@{receiver.domain}" for n in ("one", "bad", "two")]
    rows = {r["recipient"]: r["state"] for r in shared_sealpost.wait(shared_sealpost.submit(to))}
    assert rows == {to[0]: "delivered", to[1]: "returned", to[2]: "delivered"}
    assert [m.recipients for m in receiver.messages] == [[to[0], to[2]]]


@pytest.mark.parametrize("harm", ["close_in_data", "reset_in_data", "tls_close_in_data"])
def test_connection_lost_in_data_is_tried_again(shared_lab, shared_sealpost, harm):
    receiver = shared_lab.receiver(harm.replace("_", "-"), "tls13", **{harm: 1})
    message = shared_sealpost.submit(f"a@{receiver.domain}", letter(AUTHOR, ["x"], body="line\r\n" * 20000))
    receiver.wait_sessions(1)
    setattr(receiver, harm, None)
    assert shared_sealpost.outcome(message)["state"] == "delivered"
    assert len(receiver.messages) == 1 and receiver.messages[0].data.endswith(b"line\r\n" * 20000)


def test_holding_limit_is_shortened_by_deliverby(shared_lab):
    sealpost = shared_lab.sealpost(settings={"courier.hold": "10m", "courier.retry": ["300ms"]})
    receiver = shared_lab.receiver("by", "tls13", replies={
        "rcpt": lambda s, a: "250 ok" if "notice" in s.helo else "451 4.7.1 later"})
    row = outcome(sealpost, f"a@{receiver.domain}", mail_options=["BY=3;R"])
    assert row["state"] == "posted" and row["attempts"][0]["outcome"] == "later"  # long before the ten minutes
    sealpost.check()


@pytest.mark.parametrize("raw", [b"250 " + b"x" * 1_000_000 + b"\r\n", b"250 \0\0\r\n", b"250-a\r\n251 b\r\n",
                                 b"garbage\r\n", b"250 ok\r\r\n", b"999 what\r\n",
                                 b"250 a\x1b[31m\xff\xfe%s%n${x}';--\r\n"],
                         ids=["megabyte", "nul", "codes-differ", "garbage", "bare-cr", "no-such-code", "escape"])
def test_hostile_replies_are_bounded_and_escaped(shared_lab, quick, raw):
    receiver = shared_lab.receiver("h" + secrets.token_hex(4), "tls13", replies={
        "mail": lambda s, a: "250 ok" if "notice" in s.helo else Reply(None, raw=raw)})
    row = outcome(quick, f"a@{receiver.domain}")
    assert row["state"] in ("posted", "delivered", "returned")
    shown = quick.run("trace", row["id"]).stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", shown) and len(shown) < 100_000
    assert b"\x1b[31m" not in quick.log_bytes() and b"\0" not in quick.log_bytes()


# what a receiver cannot take

def test_eight_bit_for_a_seven_bit_host_is_posted(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("seven", "tls13", features=features("8BITMIME", "SMTPUTF8"))
    content = letter(AUTHOR, [f"a@{receiver.domain}"], body="Grüße\r\n",
                     extra="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n")
    row = outcome(shared_sealpost, f"a@{receiver.domain}", content=content, mail_options=["BODY=8BITMIME"])
    assert row["state"] == "posted"
    assert "Grüße".encode() not in receiver.bytes_seen()


def test_seven_bit_for_a_seven_bit_host_is_delivered(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("seven7", "tls13", features=features("8BITMIME", "SMTPUTF8"))
    assert outcome(shared_sealpost, f"a@{receiver.domain}")["state"] == "delivered"


def test_host_without_smtputf8_gets_no_utf8_address(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("ascii", "tls13", features=features("SMTPUTF8"))
    with shared_sealpost.smtp() as client:
        client.mail(AUTHOR, ["SMTPUTF8", "BODY=8BITMIME"])
        client.send(f"RCPT TO:<jürgen@{receiver.domain}>\r\n".encode())
        assert client.getreply()[0] == 250
        message = client.data(letter(AUTHOR, ["x"]))[1].decode().split()[1]
    assert shared_sealpost.outcome(message)["state"] == "posted"


def test_too_large_for_the_host_is_posted(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("small", "tls13", features=features(SIZE="SIZE 20000"))
    row = outcome(shared_sealpost, f"a@{receiver.domain}", content=letter(AUTHOR, ["x"], body="line\r\n" * 10000))
    assert row["state"] == "posted" and b"line\r\nline" not in receiver.bytes_seen()


# sessions and transactions

def test_one_session_takes_many_messages(lab):
    """No more than two at once, so that the number of sessions does not hang on who is faster."""
    sealpost = lab.sealpost(settings={"courier.per-destination": 2})
    receiver = lab.receiver("reuse", "tls13")
    with sealpost.smtp() as client:
        ids = [sealpost.submit(f"a{n}@{receiver.domain}", client=client) for n in range(30)]
    assert all(sealpost.outcome(i)["state"] == "delivered" for i in ids)
    assert len(receiver.messages) == 30 and len(receiver.sessions) < 15


def test_recipients_at_one_destination_share_a_transaction(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("share", "tls13")
    to = [f"a{n}@{receiver.domain}" for n in range(5)]
    shared_sealpost.wait(shared_sealpost.submit(to))
    assert [sorted(m.recipients) for m in receiver.messages] == [to]


@pytest.mark.parametrize("chunking", [True, False])
def test_chunking_is_used_when_offered(shared_lab, shared_sealpost, chunking):
    receiver = shared_lab.receiver(f"chunk{chunking}".lower(), "tls13",
                                   features=features(*([] if chunking else ["CHUNKING"])))
    body = ".one\r\n..two\r\n.\r\nthree\r\n"
    row = outcome(shared_sealpost, f"a@{receiver.domain}", content=letter(AUTHOR, ["x"], body=body))
    assert row["state"] == "delivered" and receiver.messages[0].data.endswith(b"\r\n\r\n" + body.encode())
    verbs = receiver.sessions[0].verbs()
    assert ("BDAT" in verbs) == chunking and ("DATA" in verbs) == (not chunking)


def test_what_the_next_host_is_told(shared_lab, shared_sealpost):
    """RET=HDRS always, an ENVID of our own, BODY as it is; nothing of the sender's ENVID."""
    receiver = shared_lab.receiver("told", "tls13")
    outcome(shared_sealpost, f"a@{receiver.domain}", mail_options=["RET=FULL", "ENVID=senders-own"],
            rcpt_options=["NOTIFY=FAILURE", f"ORCPT=rfc822;a@{receiver.domain}"])
    message = receiver.messages[0]
    assert "RET=HDRS" in message.mail_parameters and "ENVID=" in message.mail_parameters
    assert "senders-own" not in message.mail_parameters
    assert "NOTIFY=" in message.recipient_parameters[0]
    assert message.helo == "relay.test" and receiver.sessions[0].peer.startswith(shared_sealpost.source)


# notices that cannot arrive or must not leave

def test_refused_notice_withdraws_the_letter(lab):
    sealpost = lab.sealpost(settings={"notice.refusal-gap": "1s"})
    receiver = lab.receiver("refuses", "self-signed", replies={"rcpt": "550 5.1.1 nobody here"})
    message = sealpost.submit(f"a@{receiver.domain}", sender="told@clinic.test")
    end = time.monotonic() + 30
    while (row := sealpost.trace(message)[0])["state"] != "returned" and time.monotonic() < end:
        time.sleep(0.2)
    assert row["state"] == "returned", row
    assert b"Action: failed" in wait_for(lab.receivers["mx.clinic.test"], "told@clinic.test").data


def test_notice_out_of_time_withdraws_the_letter(lab):
    sealpost = lab.sealpost(settings={"notice.lifetime": "3s"})
    receiver = lab.receiver("slow", "self-signed", replies={"rcpt": "451 4.7.1 later"})
    message = sealpost.submit(f"a@{receiver.domain}", sender="told@clinic.test")
    end = time.monotonic() + 40
    while (row := sealpost.trace(message)[0])["state"] != "returned" and time.monotonic() < end:
        time.sleep(0.2)
    assert row["state"] == "returned", row
    assert wait_for(lab.receivers["mx.clinic.test"], "told@clinic.test")


def test_fall_below_what_the_domain_has_shown_is_held(lab):
    """A domain that proved itself shows a certificate that proves nothing: later, then posted, and no notice leaves
    until the operator says so."""
    sealpost = lab.sealpost(settings={**QUICK})
    receiver = lab.receiver("fallen", "tls13")
    assert outcome(sealpost, f"a@{receiver.domain}")["state"] == "delivered"
    receiver.show_certificate(lab.certificate(receiver.host, self_signed=True))
    for session in receiver.sessions:
        assert session.tls
    sealpost.restart()  # no session is kept
    message = sealpost.submit(f"b@{receiver.domain}")
    row = sealpost.outcome(message)
    for _ in range(50):  # the notice is tried for a proved session before it is held
        if row["notice"]["state"] != "pending":
            break
        time.sleep(0.1)
        row = sealpost.outcome(message)
    assert row["state"] == "posted", row
    end = time.monotonic() + 15
    while (row := sealpost.trace(message)[0])["notice"]["state"] != "held" and time.monotonic() < end:
        time.sleep(0.2)
    assert row["notice"]["state"] == "held", row["notice"]
    time.sleep(1)
    assert len(receiver.messages) == 1
    sealpost.run("release", message)
    notices = receiver.wait_messages(2)
    assert len(notices) == 2 and f"{sealpost.base_url}/l/".encode() in notices[1].data


# many recipients

HUNDRED = "Subject: all of you\r\nFrom: doctor@clinic.test\r\n\r\nhello\r\n"


def hundred(sealpost, receiver):
    message = sealpost.submit([f"user{n}@{receiver.domain}" for n in range(100)], HUNDRED)
    return sealpost.wait(message, 60)


def test_hundred_recipients_become_a_hundred_letters(shared_lab, shared_sealpost):
    """Their letters do not fit one completion; each gets a notice of its own."""
    receiver = shared_lab.receiver("hundred-posted", "expired")
    rows = hundred(shared_sealpost, receiver)
    assert [row["state"] for row in rows] == ["posted"] * 100
    notices = receiver.wait_messages(100, timeout=60)
    assert sorted(m.recipients[0] for m in notices) == sorted(row["recipient"] for row in rows)


def test_hundred_recipients_returned_are_one_report(lab):
    sealpost = lab.sealpost()
    receiver = lab.receiver("hundred-refused", "tls13", replies={"rcpt": "550 5.1.1 " + "no such user here " * 20})
    assert [row["state"] for row in hundred(sealpost, receiver)] == ["returned"] * 100
    reports = lab.receivers["mx.clinic.test"].wait_messages(1)
    assert len(reports) == 1 and reports[0].data.count(b"Action: failed") == 100


def test_recipients_of_a_transaction_are_limited_by_the_host(shared_lab, shared_sealpost):
    receiver = shared_lab.receiver("rcptmax", "tls13", features=[*DEFAULT_FEATURES, "LIMITS RCPTMAX=7"])
    assert [row["state"] for row in hundred(shared_sealpost, receiver)] == ["delivered"] * 100
    assert [len(m.recipients) for m in receiver.messages] == [7] * 14 + [2]
    assert len(receiver.sessions) == 1

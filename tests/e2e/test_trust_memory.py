# SPDX-License-Identifier: Apache-2.0
"""What a domain has shown binds it, and proves nothing to its neighbour: the memory of levels, its end by the operator, kept
sessions between domains, and notices to domains that have once proved themselves. Judged at the receiver."""
import datetime
import signal
import time

import pytest

from tests.e2e.test_demands import SignedLab, delivered, key_digest, leaf_of, pinned, posted, send, spare, titled
from tests.lab import chains, oldtls
from tests.lab.dns import TTL
from tests.lab.pki import server_context
from tests.lab.policy import ABSENT, PolicyHost


KEPT_SECONDS = 5  # a session without mail


@pytest.fixture
def lab():
    with SignedLab() as one:
        yield one
        one.check_and_stop()


def tlsa(lab, host, certificate):
    """Replaces the host's TLSA record by that of the certificate's key; None: none is left."""
    name = f"_{lab.smtp_port}._tcp.{host}"
    lab.dns.remove(name, "TLSA")
    if certificate is not None:
        lab.dns.add(name, "TLSA", f"3 1 1 {key_digest(certificate).hex()}")


def dane_only(lab, name):
    """A receiver that only its TLSA record proves: the certificate is its own and names nobody."""
    receiver = lab.receiver(name, "self-signed")
    tlsa(lab, receiver.host, leaf_of(receiver))
    return receiver


def neighbour(lab, name, receiver, signed=False):
    """Another domain whose mail goes to the same host."""
    if not signed:
        lab.dns.delegate_unsigned(f"{name}.test.")
    lab.dns.add(f"{name}.test", "MX", f"10 {receiver.host}.")
    return f"{name}.test"


def attempts_until(sealpost, message_id, wanted, seconds=20):
    """Waits until an attempt has one of the reasons; returns the row."""
    end = time.monotonic() + seconds
    while True:
        row = sealpost.trace(message_id)[0]
        if any(a["reason"] in wanted for a in row["attempts"]):
            return row
        assert time.monotonic() < end, row
        time.sleep(0.1)


def notice_until(sealpost, message_id, wanted, seconds=30):
    end = time.monotonic() + seconds
    while (row := sealpost.trace(message_id)[0])["notice"]["state"] not in wanted:
        assert time.monotonic() < end, row
        time.sleep(0.1)
    return row["notice"]["state"]


def unseen(receiver, sent):
    assert sent[0].encode() not in receiver.bytes_seen()


# --- kept sessions ---


def test_dane_of_one_domain_proves_nothing_to_another(lab):
    """Both domains name the same host; only one of them says so in a signed zone. The session that TLSA proved for the first is
    at hand when mail for the second comes, and nothing of that mail goes over it."""
    sealpost = lab.sealpost()
    receiver = dane_only(lab, "one")
    other = neighbour(lab, "two", receiver)
    row, _ = delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    assert row["proof"] == "dane"
    sent = send(sealpost, f"b@{other}")
    row = sealpost.outcome(sent[1])
    assert row["state"] == "posted" and row["reason"] == "certificate-self-signed", row
    unseen(receiver, sent)
    row, _ = delivered(sealpost, receiver, send(sealpost, f"c@{receiver.domain}"))
    assert row["proof"] == "dane"


def test_each_domain_has_its_own_level_on_one_session(lab):
    """The certificate is good too, so one session serves all; what it proves is each domain's own matter."""
    sealpost = lab.sealpost()
    receiver = lab.dane("one")
    insecure = neighbour(lab, "two", receiver)
    signed = neighbour(lab, "three", receiver, signed=True)
    for to, proof in [(insecure, "pkix"), (receiver.domain, "dane"), (insecure, "pkix"), (signed, "dane")]:
        row, _ = delivered(sealpost, receiver, send(sealpost, f"a@{to}"))
        assert row["proof"] == proof, (to, row)
    assert len([s for s in receiver.sessions if s.tls]) == 1, "one session was used for all of them"


def test_records_that_changed_are_compared_with_the_kept_session(lab):
    """The session was proved by records that are replaced while it is in use for a neighbour: it is judged by those of now."""
    sealpost = lab.sealpost()
    receiver = lab.dane("one")
    other = neighbour(lab, "two", receiver)
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    tlsa(lab, receiver.host, lab.certificate(receiver.host).leaf)
    end = time.time() + 2 * TTL
    while time.time() < end:  # what was known of the old record has ended; the session is kept awake
        delivered(sealpost, receiver, send(sealpost, f"b@{other}"))
        time.sleep(1)
    sent = send(sealpost, f"c@{receiver.domain}")
    row = attempts_until(sealpost, sent[1], {"dane-mismatch", "proof-fell"})
    unseen(receiver, sent)
    assert any(a["reason"] == "proof-fell" for a in row["attempts"])  # an earlier proof is remembered


def seen(row):
    """What the first attempt saw of its one host."""
    return next(h for h in row["attempts"][0]["hosts"] if h.get("host"))


def test_a_resumed_session_is_judged_anew(lab):
    """A new connection whose TLS session goes back to the one that TLSA proved shows no certificate again; what was kept of it
    is judged for the domain of today's mail."""
    sealpost = lab.sealpost()
    receiver = dane_only(lab, "one")
    other = neighbour(lab, "two", receiver)
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    time.sleep(KEPT_SECONDS + 1)
    row, _ = delivered(sealpost, receiver, send(sealpost, f"b@{receiver.domain}"))
    assert row["proof"] == "dane" and seen(sealpost.trace(row["id"])[0])["resumed"], sealpost.trace(row["id"])
    time.sleep(KEPT_SECONDS + 1)
    sent = send(sealpost, f"c@{other}")
    row = sealpost.outcome(sent[1])
    assert row["state"] == "posted" and row["reason"] == "certificate-self-signed", row
    assert seen(sealpost.trace(sent[1])[0])["resumed"]
    unseen(receiver, sent)


def test_pins_of_one_domain_hold_on_a_kept_session(lab):
    """The session was proved for a domain without pins."""
    receiver = lab.dane("one")
    other = neighbour(lab, "two", receiver)
    sealpost = lab.sealpost(titled(domain__0=(other, pinned(spare(), spare()))))
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    sent = send(sealpost, f"b@{other}")
    row = sealpost.outcome(sent[1])
    assert row["state"] == "posted" and row["reason"] == "pin-mismatch", row
    unseen(receiver, sent)
    delivered(sealpost, receiver, send(sealpost, f"c@{receiver.domain}"))


def test_a_certificate_that_ends_proves_nothing_on_a_kept_session(lab):
    """The session is younger than its certificate's end; the next message is not."""
    sealpost = lab.sealpost()
    receiver = lab.receiver("ends", "tls13")
    lab.dns.delegate_unsigned(f"{receiver.domain}.")
    receiver.show_certificate(lab.certificate(receiver.host, seconds=12))
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    end = time.time() + 13
    while time.time() < end:  # messages keep the session awake until its certificate has ended
        sent = send(sealpost, f"b@{receiver.domain}")
        time.sleep(1)
    sent = send(sealpost, f"c@{receiver.domain}")
    row = attempts_until(sealpost, sent[1], {"proof-fell", "certificate-expired"})
    unseen(receiver, sent)
    assert row["state"] != "delivered"


# --- the ratchet ---


def test_what_was_shown_binds_until_the_operator_says_otherwise(lab):
    """The TLSA record is gone; the certificate is as good as before. Held, alarmed, and let go by `domain forget`."""
    sealpost = lab.sealpost({"courier.hold": "60s"})
    receiver = lab.dane("fallen")
    row, _ = delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    assert row["proof"] == "dane"
    tlsa(lab, receiver.host, None)
    sealpost.restart()  # nothing is kept in memory: the store remembers
    sent = send(sealpost, f"b@{receiver.domain}")
    attempts_until(sealpost, sent[1], {"proof-fell"})
    unseen(receiver, sent)
    alarms = "\n".join(sealpost.json("status")["alarms"])
    assert "proves less than it did before" in alarms and sent[1] in alarms
    assert receiver.domain not in alarms and receiver.domain not in sealpost.log_text()
    sealpost.run("domain", "forget", receiver.domain)
    sealpost.run("retry", "--all")
    row, _ = delivered(sealpost, receiver, sent)
    assert row["proof"] == "pkix+dnssec"


def test_what_is_shown_without_a_delivery_is_remembered(lab):
    """Mail that demands more is posted; that the host proved itself to it, and to the notice, still counts."""
    sealpost = lab.sealpost()
    receiver = lab.receiver("modest")
    posted(sealpost, receiver, send(sealpost, f"a@{receiver.domain}", "Sealpost-Minimum-Proof: dane\r\n"), "proof-below-minimum")
    assert sealpost.json("domain", "show", receiver.domain)["level"] == "pkix+dnssec"


def test_memory_ends_after_its_configured_time(lab):
    """trust.memory, in seconds here."""
    sealpost = lab.sealpost({"courier.hold": "60s", "trust.memory": "3s"})
    receiver = lab.dane("short")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    tlsa(lab, receiver.host, None)
    time.sleep(4)
    sealpost.restart()
    sealpost.run("explain", receiver.domain)  # says that it would be delivered, too
    row, _ = delivered(sealpost, receiver, send(sealpost, f"b@{receiver.domain}"))
    assert row["proof"] == "pkix+dnssec"


def test_a_staple_that_has_ended_ends_the_kept_session(lab):
    """A certificate that must be stapled proves the host as long as its staple says good, however long the session is in use."""
    sealpost = lab.sealpost()
    receiver = lab.unsigned("stapled")
    lab.chains = 0
    certificate = chains.leaf(lab, receiver.host, receiver.domain, extra=[chains.MUST_STAPLE])
    life = datetime.timedelta(seconds=6)
    ends = datetime.datetime.utcnow() + life
    staple = chains.response(lab, certificate, following=life)
    receiver.context = oldtls.Server(certificate, oldtls.Script(staple=staple))
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    while datetime.datetime.utcnow() < ends + datetime.timedelta(seconds=1):
        time.sleep(2)
        sent = send(sealpost, f"b@{receiver.domain}")
        sealpost.outcome(sent[1])
    posted(sealpost, receiver, sent, "proof-fell")


# --- policies ---


@pytest.fixture
def policies(lab):
    host = PolicyHost(lab)
    yield host
    host.close()


def with_policies(lab, policies, settings=None):
    return lab.sealpost({"resolver.sts-port": policies.port, **(settings or {})})


def named_by_policy(lab, policies, name, **policy):
    """A receiver that is not signed, and an enforced policy that names it."""
    receiver = lab.unsigned(name)
    policies.publish(receiver.domain, **policy)
    return receiver


def vanish(policies, domain):
    """Record and web host are gone, as when somebody takes them away."""
    policies.publish(domain, manner="no-host", record=ABSENT)


def move(lab, receiver, name, state="tls13"):
    """The domain's mail goes to another host, which proves its own name."""
    other = lab.host(name, state, receiver.domain)
    lab.dns.remove(receiver.domain, "MX")
    lab.dns.add(receiver.domain, "MX", f"10 {name}.")
    return other


def test_a_policy_proves_its_host_to_its_own_domain(lab, policies):
    """The neighbour with the same host has no policy, and gets what it has."""
    sealpost = with_policies(lab, policies)
    receiver = named_by_policy(lab, policies, "ruled")
    other = neighbour(lab, "free", receiver)
    for to, proof in [(receiver.domain, "sts"), (other, "pkix"), (receiver.domain, "sts")]:
        row, _ = delivered(sealpost, receiver, send(sealpost, f"a@{to}"))
        assert row["proof"] == proof, (to, row)
    assert len([s for s in receiver.sessions if s.tls]) == 1


def test_a_policy_outlives_everything_until_the_operator_forgets_it(lab, policies):
    """Once fetched; then record and policy host vanish, the mail is sent elsewhere by DNS, and every process is new. The host
    that the policy does not name sees nothing. Then the operator's word ends it."""
    sealpost = with_policies(lab, policies, {"courier.hold": "90s"})
    receiver = named_by_policy(lab, policies, "ruled")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    vanish(policies, receiver.domain)
    false = move(lab, receiver, "mx.elsewhere.test")
    sealpost.kill()  # a power cut
    sealpost.start()
    sent = send(sealpost, f"b@{receiver.domain}")
    attempts_until(sealpost, sent[1], {"sts-host-mismatch", "proof-fell"})
    sealpost.restart()
    sealpost.run("retry", "--all")
    time.sleep(3)
    assert not false.sessions, "who is not named is not even spoken to"
    assert sealpost.json("domain", "show", receiver.domain)["policy"]
    sealpost.run("domain", "forget", receiver.domain)
    sealpost.run("retry", "--all")
    row, _ = delivered(sealpost, false, sent)
    assert row["proof"] == "pkix"


def test_forgetting_reaches_mail_that_waits_for_the_resolver(lab, policies):
    """The message was handed its domain's policy before the operator's word came, and must not bring it back."""
    sealpost = with_policies(lab, policies, {"courier.hold": "90s"})
    receiver = named_by_policy(lab, policies, "ruled")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    vanish(policies, receiver.domain)
    false = move(lab, receiver, "mx.elsewhere.test")
    sealpost.restart()
    sealpost.kill_role("resolver", signal.SIGSTOP)
    sent = send(sealpost, f"b@{receiver.domain}")
    time.sleep(11)  # MSG_DEADLINE_US: it has asked in vain
    sealpost.run("domain", "forget", receiver.domain)
    sealpost.kill_role("resolver", signal.SIGCONT)
    row, _ = delivered(sealpost, false, sent)
    assert row["proof"] == "pkix"
    assert not sealpost.json("domain", "show", receiver.domain)["policy"]


def test_a_policy_that_is_still_published_comes_back(lab, policies):
    """Forgetting is not turning off: the next look finds what the domain says."""
    sealpost = with_policies(lab, policies)
    receiver = named_by_policy(lab, policies, "ruled")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    asked = policies.asked(receiver.domain)
    sealpost.run("domain", "forget", receiver.domain)
    row, _ = delivered(sealpost, receiver, send(sealpost, f"b@{receiver.domain}"))
    assert row["proof"] == "sts" and policies.asked(receiver.domain) > asked
    assert sealpost.json("domain", "show", receiver.domain)["level"] == "sts"


def test_a_policy_host_need_not_staple_what_nobody_asked_for(lab, policies):
    """RFC 7633 4.2.3.1 binds servers to clients that ask. Its policy is in force, and not passed over."""
    sealpost = with_policies(lab, policies)
    receiver = lab.unsigned("ruled")
    policies.publish(receiver.domain, mx=["mx.other.test"])
    host = f"mta-sts.{receiver.domain}"
    lab.chains = 0
    certificate = chains.leaf(lab, host, receiver.domain, extra=[chains.MUST_STAPLE])
    policies._domains[receiver.domain].context = server_context(certificate)
    posted(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"), "sts-host-mismatch")


def test_policies_leave_no_trace_in_the_clear(lab, policies):
    """What is kept names hosts, and so the domain: it is sealed."""
    sealpost = with_policies(lab, policies)
    receiver = named_by_policy(lab, policies, "ruled", mx=["mx.ruled.test", "backup.ruled.test"])
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    assert sealpost.json("domain", "show", receiver.domain)["policy"]
    sealpost.stop()
    for file in (sealpost.folder / "store").rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert b"ruled.test" not in data and b"ruled\x04test" not in data, file


# --- notices ---


def silence_and_stand_in(lab, sealpost, receiver):
    """Mail to a domain that has proved itself, silenced until the holding limit; then somebody without TLS stands in for it.
    Returns the posted message."""
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    receiver.close()
    sealpost.restart()
    sent = send(sealpost, f"b@{receiver.domain}")
    row = sealpost.outcome(sent[1])
    assert row["state"] == "posted" and row["reason"] in ("connection-refused", "connection-timeout"), row
    del lab.receivers[receiver.host]
    lab.dns.remove(receiver.host, "A")
    false = lab.host(receiver.host, "no-tls", receiver.domain)
    return sent, false


def test_who_has_shown_proof_gets_no_notice_in_the_clear(lab):
    """Silence alone does not win: the notice waits for proof, and is held when there is none, until the operator releases it."""
    sealpost = lab.sealpost({"notice.lifetime": "2m", "courier.retry": ["500ms"]})
    receiver = lab.unsigned("silenced")
    sent, false = silence_and_stand_in(lab, sealpost, receiver)
    time.sleep(6)  # the lab's answers about the old address have ended
    sealpost.run("retry", "--all")
    assert notice_until(sealpost, sent[1], {"held", "sent"}) == "held"
    assert not false.messages
    assert b"MAIL FROM" not in false.bytes_seen().upper()
    sealpost.run("release", sent[1])
    assert notice_until(sealpost, sent[1], {"held", "sent"}) == "sent"
    assert len(false.messages) == 1


def test_a_stranger_gets_a_notice_as_before(lab):
    """A domain that has never shown anything is told in the clear; its letter waits in the Message Center."""
    sealpost = lab.sealpost()
    receiver = lab.receiver("stranger", "no-tls")
    lab.dns.delegate_unsigned(f"{receiver.domain}.")
    sent = send(sealpost, f"a@{receiver.domain}")
    assert sealpost.outcome(sent[1])["state"] == "posted"
    assert notice_until(sealpost, sent[1], {"held", "sent"}) == "sent"
    unseen(receiver, sent)


# --- alarms ---


def alarm_until(sealpost, words, seconds=40):
    """Waits until the status has an alarm with these words; returns it."""
    end = time.monotonic() + seconds
    while True:
        found = [a for a in sealpost.json("status")["alarms"] if words in a]
        if found:
            return found[0]
        assert time.monotonic() < end, sealpost.json("status")["alarms"]
        time.sleep(0.2)


def test_the_certificate_of_a_big_destination_is_told_before_it_ends(lab):
    """A hundred letters in a day make it big; the alarm carries the id of one, whose trace tells who it is."""
    sealpost = lab.sealpost()
    receiver = lab.unsigned("big")
    receiver.show_certificate(lab.certificate(receiver.host, seconds=7 * 86400))
    with sealpost.smtp() as client:
        ids = [send(sealpost, f"a@{receiver.domain}", client=client)[1] for _ in range(100)]
    alarm = alarm_until(sealpost, "ends within two weeks")
    assert receiver.domain not in alarm and "test" not in alarm
    assert any(i in alarm for i in ids)
    for message_id in ids:
        assert sealpost.outcome(message_id, timeout=60)["state"] == "delivered"


def test_a_failing_resolver_is_told(lab):
    """Not one broken domain, but many at once."""
    sealpost = lab.sealpost({"courier.hold": "60s", "courier.retry": ["300ms"]})
    for n in range(24):  # more than are counted together: no second try is needed
        lab.dns.add(f"n{n}.test", "MX", "10 mx.test.")  # or a signed denial of a neighbour says that there is no such name
        lab.dns.fail(f"n{n}.test", "servfail")
        send(sealpost, f"x@n{n}.test")
    alarm_until(sealpost, "look at resolver")

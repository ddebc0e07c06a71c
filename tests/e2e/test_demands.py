# SPDX-License-Identifier: Apache-2.0
"""What can be demanded of a receiving server beyond a proved name: a minimum by configuration, tenant, domain, credential and
message, pins, and REQUIRETLS. Judged at the receiver: it saw the message, or not one byte of it."""
import base64
import datetime
import re
import secrets
import signal
import smtplib
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization

from tests.lab import Lab
from tests.lab.policy import PolicyHost
from tests.lab.receiver import DEFAULT_FEATURES
from tests.lab.sealpost import letter
from tests.lab.signed import SignedServer

REQUIRETLS = (*DEFAULT_FEATURES, "REQUIRETLS")
AUTHOR = "doctor@clinic.test"
RELOADED = b"configuration read again"


class SignedLab(Lab):
    """Every name below test. is signed, except where a domain is delegated without a signature."""

    def __init__(self):
        super().__init__()
        self.dns.close()
        address = self.net.address()
        self.dns = SignedServer(address, self.net.free_port(address))
        self.anchor = Path(self.folder) / "anchor"
        self.anchor.write_text(self.dns.sign("test."))

    def unsigned(self, name, **manner):
        """A receiver whose names are not signed: it can prove no more than pkix."""
        self.dns.delegate_unsigned(f"{name}.test.")
        return self.receiver(name, "tls13", **manner)

    def dane(self, name, **manner):
        """A receiver whose key is in a signed TLSA record."""
        receiver = self.receiver(name, "tls13", **manner)
        self.dns.add(f"_{self.smtp_port}._tcp.{receiver.host}", "TLSA", f"3 1 1 {key_digest(leaf_of(receiver)).hex()}")
        return receiver

    def sealpost(self, settings=None, **more):
        return super().sealpost(settings={"resolver.trust-anchor": self.anchor, "courier.hold": "4s",
                                          **(settings or {})}, **more)


@pytest.fixture
def lab():
    with SignedLab() as one:
        yield one
        one.check_and_stop()


def leaf_of(receiver):
    return receiver.certificate.leaf


def key_digest(certificate):
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificate.public_key().public_bytes(serialization.Encoding.DER,
                                                        serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize()


def pin(certificate, kind="sha256"):
    return f"{kind}:{base64.b64encode(key_digest(certificate)).decode()}"


def spare():
    """The pin of a key nobody shows."""
    return f"sha256:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def day(offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


def seconds_between(one, other):
    return (datetime.datetime.fromisoformat(other) - datetime.datetime.fromisoformat(one)).total_seconds()


def pinned(*pins, until=None):
    return {"pins": list(pins), "pins-until": until or day(30)}


def titled(**sections):
    """domain__0=("a.test", {...}) as a section with a title."""
    return {f'{kind.partition("__")[0]} "{title}".{n}': keys for n, (kind, (title, keys)) in enumerate(sections.items())}


def send(sealpost, to, field="", **more):
    """One message with a mark of its own; returns (mark, id)."""
    mark = "Mk" + secrets.token_hex(8)
    content = letter(AUTHOR, [to], f"Result {mark}")
    content = content if isinstance(content, bytes) else content.encode()
    return mark, sealpost.submit(to, field.encode() + content, AUTHOR, **more)


def delivered(sealpost, receiver, sent):
    mark, message_id = sent
    row = sealpost.outcome(message_id)
    assert row["state"] == "delivered", row
    found = [m for m in receiver.messages if mark.encode() in m.data]
    assert len(found) == 1
    return row, found[0]


def posted(sealpost, receiver, sent, reason):
    mark, message_id = sent
    row = sealpost.outcome(message_id)
    assert row["state"] == "posted" and row["reason"] == reason, row
    assert mark.encode() not in receiver.bytes_seen()
    return row


def reload(sealpost, changes):
    """HUP with other settings; back when every role has read them."""
    offset = sealpost.log.stat().st_size
    for key, value in changes.items():
        if value is None:
            sealpost.settings.pop(key, None)
        else:
            sealpost.settings[key] = value
    sealpost.write_configuration()
    sealpost.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while RELOADED not in sealpost.log_bytes(offset):
        assert time.monotonic() < end, sealpost.log_text(offset)
        time.sleep(0.02)


# --- REQUIRETLS (RFC 8689) ---


def test_submission_offers_requiretls_inside_tls_only(lab):
    sealpost = lab.sealpost()
    with sealpost.smtp() as client:
        assert client.has_extn("requiretls")
        assert client.mail(AUTHOR, ["REQUIRETLS=1"])[0] == 501
        assert client.mail(AUTHOR, ["REQUIRETLS"])[0] == 250
    with smtplib.SMTP(sealpost.address, sealpost.starttls_port, "app.clinic.test", 30) as client:
        client.ehlo()
        assert client.has_extn("starttls") and not client.has_extn("requiretls")
        assert client.mail(AUTHOR, ["REQUIRETLS"])[0] == 530


def test_requiretls_is_asked_of_the_receiver_for_that_message_only(lab):
    sealpost = lab.sealpost()
    receiver = lab.receiver("ready", "tls13", features=REQUIRETLS)
    asked = send(sealpost, "a@ready.test", mail_options=["REQUIRETLS"])
    plain = send(sealpost, "a@ready.test")
    row, message = delivered(sealpost, receiver, asked)
    assert "REQUIRETLS" in message.mail_parameters.split() and row["proof"] == "pkix+dnssec"
    _, message = delivered(sealpost, receiver, plain)
    assert "REQUIRETLS" not in message.mail_parameters


def test_requiretls_is_not_sent_to_who_does_not_offer_it(lab):
    sealpost = lab.sealpost()
    receiver = lab.receiver("unready", "tls13")
    row = posted(sealpost, receiver, send(sealpost, "a@unready.test", mail_options=["REQUIRETLS"]), "no-requiretls")
    assert "REQUIRETLS" in str(row["attempts"]), row
    assert AUTHOR.encode() not in receiver.bytes_seen()  # no MAIL FROM for it
    assert receiver.wait_messages(1), "the notice holds nothing of it and may go"
    assert "REQUIRETLS" not in receiver.messages[0].mail_parameters
    delivered(sealpost, receiver, send(sealpost, "a@unready.test"))


def test_requiretls_asks_for_a_protected_name(lab):
    """RFC 8689 section 4.2.1: the host must be known by DNSSEC or by a policy, not by a bare MX record."""
    sealpost = lab.sealpost()
    receiver = lab.unsigned("bare", features=REQUIRETLS)
    posted(sealpost, receiver, send(sealpost, "a@bare.test", mail_options=["REQUIRETLS"]), "proof-below-minimum")
    delivered(sealpost, receiver, send(sealpost, "a@bare.test"))


@pytest.fixture
def policies(lab):
    host = PolicyHost(lab)
    yield host
    host.close()


def test_requiretls_and_minimum_are_met_by_a_policy(lab, policies):
    """A policy protects the host's name as DNSSEC does; it is kept, shown, and forgotten."""
    receiver = lab.unsigned("polite", features=REQUIRETLS)
    policies.publish("polite.test", identity="20261124", max_age=86400)
    sealpost = lab.sealpost({"resolver.sts-port": policies.port, **titled(domain=("polite.test", {"minimum": "sts"}))})
    row, message = delivered(sealpost, receiver, send(sealpost, "a@polite.test", mail_options=["REQUIRETLS"]))
    assert row["proof"] == "sts" and "REQUIRETLS" in message.mail_parameters.split()
    shown = sealpost.json("domain", "show", "polite.test")
    policy = shown["policy"]
    assert shown["level"] == "sts" and shown["minimum"] == "sts"
    assert (policy["mode"], policy["id"], policy["mx"]) == ("enforce", "20261124", ["mx.polite.test"])
    assert seconds_between(policy["fetched"], policy["until"]) == 86400
    text = sealpost.run("domain", "show", "polite.test").stdout
    assert "MTA-STS mode enforce, id 20261124" in text and "mx mx.polite.test\n" in text
    sealpost.run("domain", "forget", "polite.test")
    assert sealpost.json("domain", "show", "polite.test", check=False)["policy"] is None
    posted(sealpost, receiver, send(sealpost, "a@polite.test", "Sealpost-Minimum-Proof: dane\r\n"), "proof-below-minimum")


def test_receiver_that_refuses_requiretls_after_offering_it(lab):
    sealpost = lab.sealpost()
    refuse = {"mail": lambda session, argument: "550 5.7.30 REQUIRETLS support required" if "REQUIRETLS" in argument
              else "250 2.1.0 ok"}
    receiver = lab.receiver("turncoat", "tls13", features=REQUIRETLS, replies=refuse)
    mark, message_id = send(sealpost, "a@turncoat.test", mail_options=["REQUIRETLS"])
    row = sealpost.outcome(message_id)
    assert row["state"] == "posted" and row["reason"] == "no-requiretls", row
    assert not any(mark.encode() in message.data for message in receiver.messages)


@pytest.mark.parametrize("offered", [True, False])
def test_report_of_a_requiretls_message_needs_it_too(lab, offered):
    """RFC 8689 section 5. Where the sender's server does not offer it, the report is not lost: it is posted."""
    home = lab.receiver("clinic", "tls13", features=REQUIRETLS if offered else DEFAULT_FEATURES)
    sealpost = lab.sealpost()
    lab.receiver("nobody", "tls13", features=REQUIRETLS, replies={"rcpt": "550 5.1.1 no such mailbox"})
    mark, message_id = send(sealpost, "a@nobody.test", mail_options=["REQUIRETLS"])
    assert sealpost.outcome(message_id)["state"] == "returned"
    assert home.wait_messages(1)
    report = home.messages[0]
    assert report.mail_from == "" and mark.encode() not in home.bytes_seen()
    if offered:
        assert b"multipart/report" in report.data and "REQUIRETLS" in report.mail_parameters.split()
    else:
        assert b"multipart/report" not in home.bytes_seen() and f"{sealpost.base_url}/l/".encode() in report.data


@pytest.mark.parametrize("options", [[], ["REQUIRETLS"]])
@pytest.mark.parametrize("fields", ["TLS-Required: No\r\n", "TLS-Required: Yes\r\nTLS-Required: no\r\n"])
def test_tls_required_no_is_refused_with_the_reason(lab, options, fields):
    sealpost = lab.sealpost()
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        send(sealpost, "a@clinic.test", fields, mail_options=options)
    assert refused.value.smtp_code == 550 and b"5.7.1 TLS-Required: No" in refused.value.smtp_error


# --- minimum of proof ---

MINIMUM_BY = {
    "all": ({"trust.minimum": "pkix+dnssec"}, ""),
    "tenant": (titled(tenant=("default", {"minimum": "pkix+dnssec"})), ""),
    "domain": (titled(domain=("bare.test", {"minimum": "sts"})), ""),
    "parent": (titled(domain=(".test", {"minimum": "dane"})), ""),
    "credential": ({}, ""),
    "message": ({}, "Sealpost-Minimum-Proof: pkix+dnssec\r\n"),
}


@pytest.mark.parametrize("who", MINIMUM_BY)
def test_minimum_is_demanded_by(lab, who):
    settings, field = MINIMUM_BY[who]
    sealpost = lab.sealpost(settings)
    receiver = lab.unsigned("bare")
    sealpost.user("app")
    if who == "credential":
        sealpost.run("user", "set", "app", "--minimum", "pkix+dnssec")
    posted(sealpost, receiver, send(sealpost, "a@bare.test", field), "proof-below-minimum")


def test_what_is_demanded_is_met(lab):
    settings = {"trust.minimum": "pkix", **titled(tenant=("default", {"minimum": "pkix+dnssec"}),
                                                  domain=("strong.test", {"minimum": "dane"}))}
    sealpost = lab.sealpost(settings)
    strong, signed = lab.dane("strong"), lab.receiver("signed", "tls13")
    row, message = delivered(sealpost, strong, send(sealpost, "a@strong.test", "Sealpost-Minimum-Proof: pkix\r\n"))
    assert row["proof"] == "dane" and b"Minimum-Proof" not in message.data
    row, _ = delivered(sealpost, signed, send(sealpost, "a@signed.test", "Sealpost-Minimum-Proof: pkix+dnssec\r\n"))
    assert row["proof"] == "pkix+dnssec"
    posted(sealpost, signed, send(sealpost, "a@signed.test", "Sealpost-Minimum-Proof: dane\r\n"), "proof-below-minimum")


@pytest.mark.parametrize("settings, field", [
    ({"trust.minimum": "pkix+dnssec", **titled(tenant=("default", {"minimum": "pkix"}),
                                               domain=("bare.test", {"minimum": "pkix"}))},
     "Sealpost-Minimum-Proof: pkix\r\n"),
    ({"trust.minimum": "pkix", **titled(tenant=("default", {"minimum": "pkix+dnssec"}),
                                        domain=("bare.test", {"minimum": "pkix"}))}, ""),
    (titled(domain=("bare.test", {"minimum": "pkix"}), domain__2=(".test", {"minimum": "pkix+dnssec"})), ""),
])
def test_nobody_lowers_what_another_demands(lab, settings, field):
    sealpost = lab.sealpost(settings)
    receiver = lab.unsigned("bare")
    posted(sealpost, receiver, send(sealpost, "a@bare.test", field), "proof-below-minimum")


def test_unknown_minimum_is_refused(lab):
    sealpost = lab.sealpost()
    for value in ("best", "", "none", "dane, sts"):
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            send(sealpost, "a@clinic.test", f"Sealpost-Minimum-Proof: {value}\r\n")
        assert refused.value.smtp_code == 550 and b"pkix, pkix+dnssec, sts or dane" in refused.value.smtp_error


def test_minimum_of_a_credential_is_kept_and_changed(lab):
    sealpost = lab.sealpost()
    receiver = lab.unsigned("bare")
    app = sealpost.user("app")
    strict = sealpost.json("user", "add", "strict", "--from", "clinic.test", "--minimum", "sts")
    assert {u["name"]: u["minimum"] for u in sealpost.json("user", "list")} == {"app": None, "strict": "sts"}
    assert re.search(r"strict  minimum sts\n", sealpost.run("user", "list").stdout)
    with sealpost.smtp(app) as client:
        delivered(sealpost, receiver, send(sealpost, "a@bare.test", client=client))
        sealpost.run("user", "set", "app", "--minimum", "dane")
        with pytest.raises((smtplib.SMTPException, OSError)):  # a session from before does not slip through
            send(sealpost, "a@bare.test", client=client)
    posted(sealpost, receiver, send(sealpost, "a@bare.test", user=app), "proof-below-minimum")
    sealpost.restart()
    assert {u["name"]: u["minimum"] for u in sealpost.json("user", "list")} == {"app": "dane", "strict": "sts"}
    sealpost.run("user", "set", "app", "--minimum", "none")
    delivered(sealpost, receiver, send(sealpost, "a@bare.test", user=app))
    assert strict["password"]
    assert sealpost.run("user", "set", "nobody", "--minimum", "sts", check=False).returncode == 4
    assert sealpost.run("user", "set", "app", "--minimum", "tls", check=False).returncode == 2
    assert sealpost.run("user", "set", "app", check=False).returncode == 2


# --- pins ---


def test_pins_must_match(lab):
    own, ca, other = (lab.receiver(name, "tls13") for name in ("own", "ca", "other"))
    authority = lab.authority.middle
    sealpost = lab.sealpost(titled(
        domain__1=("own.test", pinned(pin(leaf_of(own)), spare())),
        domain__2=("ca.test", pinned(spare(), pin(authority, "ca-sha256"))),
        domain__3=("other.test", pinned(spare(), pin(leaf_of(own))))))
    delivered(sealpost, own, send(sealpost, "a@own.test"))
    delivered(sealpost, ca, send(sealpost, "a@ca.test"))
    posted(sealpost, other, send(sealpost, "a@other.test"), "pin-mismatch")


def test_the_spare_pin_takes_over(lab):
    """The domain changes to the key that was kept in reserve."""
    receiver = lab.receiver("moved", "tls13")
    reserve = lab.certificate(receiver.host)
    sealpost = lab.sealpost(titled(domain=("moved.test", pinned(pin(leaf_of(receiver)), pin(reserve.leaf)))))
    delivered(sealpost, receiver, send(sealpost, "a@moved.test"))
    receiver.show_certificate(reserve)
    sealpost.restart()  # no session of before is reused
    delivered(sealpost, receiver, send(sealpost, "a@moved.test"))


def test_ended_pins_have_no_effect_and_are_told(lab):
    receiver = lab.receiver("old", "tls13")
    sealpost = lab.sealpost(titled(domain=("old.test", pinned(spare(), spare(), until=day(-2)))))
    delivered(sealpost, receiver, send(sealpost, "a@old.test"))
    assert "old.test (domain): its pins have ended" in sealpost.log_text()
    assert any("pins of old.test have ended" in alarm for alarm in sealpost.json("status")["alarms"])


# --- reload ---


def test_reload_takes_new_minimum_and_pins(lab):
    sealpost = lab.sealpost()
    bare, own = lab.unsigned("bare"), lab.receiver("own", "tls13")
    delivered(sealpost, bare, send(sealpost, "a@bare.test"))
    reload(sealpost, {"trust.minimum": "pkix+dnssec", **titled(domain=("own.test", pinned(spare(), spare())))})
    posted(sealpost, bare, send(sealpost, "a@bare.test"), "proof-below-minimum")
    posted(sealpost, own, send(sealpost, "a@own.test"), "pin-mismatch")
    reload(sealpost, {"trust.minimum": "pkix", 'domain "own.test".0': pinned(spare(), pin(leaf_of(own)))})
    delivered(sealpost, bare, send(sealpost, "a@bare.test"))
    delivered(sealpost, own, send(sealpost, "a@own.test"))


def test_reload_takes_other_authorities(lab):
    """An authority that was taken out of the bundle proves nobody any more: not by a new handshake, not by a kept session."""
    sealpost = lab.sealpost()
    kept, late = lab.receiver("kept", "tls13"), lab.receiver("late", "tls13")
    delivered(sealpost, kept, send(sealpost, "a@kept.test"))
    other = lab.certificate("mx.new.test", authority="other")
    new = lab.receiver("new", "tls13")
    new.show_certificate(other)
    posted(sealpost, new, send(sealpost, "a@new.test"), "certificate-not-trusted")
    reload(sealpost, {"trust.ca-file": lab._authority_for("other").root_file})
    posted(sealpost, late, send(sealpost, "a@late.test"), "certificate-not-trusted")
    sealpost.outcome(send(sealpost, "b@kept.test")[1])
    assert len(kept.messages) == 1
    delivered(sealpost, new, send(sealpost, "b@new.test"))


# --- domain show, domain forget ---


def test_domain_show_and_forget(lab):
    sealpost = lab.sealpost(titled(domain=("strong.test", {"minimum": "pkix+dnssec", **pinned(spare(), spare())})))
    receiver = lab.dane("memory")
    nothing = sealpost.run("domain", "show", "memory.test", check=False)
    assert nothing.returncode == 4 and "nothing is remembered" in nothing.stdout
    assert sealpost.run("domain", "forget", "memory.test", check=False).returncode == 4
    delivered(sealpost, receiver, send(sealpost, "a@memory.test"))
    shown = sealpost.json("domain", "show", "Memory.TEST")
    assert shown["domain"] == "memory.test" and shown["level"] == "dane" and shown["policy"] is None
    assert shown["shown"] < shown["until"] and "dane, last at" in sealpost.run("domain", "show", "memory.test").stdout
    assert sealpost.json("domain", "forget", "memory.test") == {"domain": "memory.test", "forgotten": True}
    assert sealpost.json("domain", "show", "memory.test", check=False)["level"] is None
    demanded = sealpost.json("domain", "show", "strong.test", check=False)
    assert demanded["minimum"] == "pkix+dnssec" and demanded["pins"] == 2 and demanded["pins_until"]
    assert sealpost.run("domain", "show", "no..domain", check=False).returncode == 2
    assert sealpost.run("domain", "forget", check=False).returncode == 2


def test_forgetting_ends_the_ratchet(lab):
    """DANE is given up: held and posted, until the operator believes it."""
    sealpost = lab.sealpost()
    receiver = lab.dane("ratchet")
    delivered(sealpost, receiver, send(sealpost, "a@ratchet.test"))
    lab.dns.remove(f"_{lab.smtp_port}._tcp.{receiver.host}", "TLSA")
    sealpost.restart()  # no answer and no session is kept; what was shown is
    posted(sealpost, receiver, send(sealpost, "a@ratchet.test"), "proof-fell")
    sealpost.run("domain", "forget", "ratchet.test")
    row, _ = delivered(sealpost, receiver, send(sealpost, "a@ratchet.test"))
    assert row["proof"] == "pkix+dnssec"

# SPDX-License-Identifier: Apache-2.0
"""`openssl s_server` and `gnutls-serv` as the TLS of a mail host (tests/lab/tls_front.py): what is delivered and what is
refused, and that the program itself did its part, shown by its own client (the control)."""
import secrets

import pytest

from tests.lab.sealpost import letter
from tests.lab.tls_front import GnutlsServer, OpensslServer, gnutls_client, openssl_client

AUTHOR = "doctor@clinic.test"
OLD = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
# A server of TLS 1.1 only: gnutls looks for a suite first, finds none in our offer, and says handshake_failure.
GNUTLS_11 = "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1"
GNUTLS_CBC = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+SHA1"


@pytest.fixture(scope="module")
def nist(shared_lab):
    instance = shared_lab.sealpost(settings={"trust.profile": "nist"})
    yield instance
    instance.check()


def front(lab, kind, *arguments, **issue):
    name = "x" + secrets.token_hex(4)
    return kind(lab, name, lab.certificate(issue.pop("host", f"mx.{name}.test"), **issue), *arguments)


def send(sealpost, there):
    """(mark, row, evidence of the host's first try) of a message to the domain of a front."""
    mark = "Mk" + secrets.token_hex(8)
    to = f"patient@{there.domain}"
    row = sealpost.outcome(sealpost.submit(to, letter(AUTHOR, [to], mark, f"{mark}\r\n")))
    return mark, row, row["attempts"][0]["hosts"][0]


@pytest.mark.parametrize(("arguments", "protocol"), [
    (("-tls1_2",), "TLSv1.2"), (("-tls1_3",), "TLSv1.3"), (("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"), "TLSv1.3"),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-curves", "P-384"), "TLSv1.2")])
def test_s_server_that_proves_itself_gets_the_message(shared_lab, shared_sealpost, arguments, protocol):
    there = front(shared_lab, OpensslServer, *arguments)
    assert "Verify return code" in openssl_client(there)
    mark, row, host = send(shared_sealpost, there)
    assert row["state"] == "delivered" and host["protocol"] == protocol, (row, there.log_text())
    assert len(there.inside.messages) == 1 and f"\r\n\r\n{mark}\r\n".encode() in there.inside.messages[0]
    assert not there.clear.messages


@pytest.mark.parametrize(("arguments", "client", "reason"), [
    (("-tls1", *OLD), ("-tls1",), "tls-too-old"),
    (("-tls1_1", *OLD), ("-tls1_1",), "tls-too-old"),
    (("-tls1_2", "-cipher", "AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0"), (), "tls-weak-suite"),
    (("-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"), (), "tls-weak-suite"),
    (("-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"), (), "tls-weak-suite"),
    (("-tls1_2", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0"), (), "tls-weak-suite"),
])
def test_s_server_below_the_profile_gets_a_notice_only(shared_lab, shared_sealpost, arguments, client, reason):
    there = front(shared_lab, OpensslServer, *arguments, key="rsa2048")
    assert "Cipher is " in openssl_client(there, *client) and "Cipher is (NONE)" not in openssl_client(there, *client)
    mark, row, host = send(shared_sealpost, there)
    assert row["state"] == "posted" and host["reason"] == reason, (row, there.log_text())
    assert not host["tls"] and there.handed_over >= 3  # twice the control, once we
    assert not any(mark.encode() in m for m in [*there.inside.messages, *there.clear.messages])


@pytest.mark.parametrize(("issue", "reason"), [
    ({"self_signed": True}, "certificate-self-signed"), ({"expired": True}, "certificate-expired"),
    ({"host": "other.test"}, "certificate-host-mismatch"), ({"chain": False}, "certificate-not-trusted"), ({"key": "rsa1024"}, "certificate-weak-key")])
@pytest.mark.parametrize("kind", [OpensslServer, GnutlsServer])
def test_program_with_a_bad_certificate_gets_no_message(shared_lab, shared_sealpost, kind, issue, reason):
    arguments = ("-cipher", "DEFAULT:@SECLEVEL=0") if kind is OpensslServer else ()
    there = front(shared_lab, kind, *arguments, **issue)
    mark, row, host = send(shared_sealpost, there)
    assert row["state"] == "posted" and host["tls"] and host["reason"] == reason, (row, there.log_text())
    assert not any(mark.encode() in m for m in [*there.inside.messages, *there.clear.messages])


@pytest.mark.parametrize(("priority", "protocol"), [("NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLSv1.2"), ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "TLSv1.3"),
                                                    ("NORMAL", "TLSv1.3")])
def test_gnutls_server_is_proved(shared_lab, shared_sealpost, priority, protocol):
    """It echoes what it is told, so that the conversation ends behind the proof."""
    there = front(shared_lab, GnutlsServer, f"--priority={priority}")
    assert "Handshake was completed" in gnutls_client(there, "NORMAL")
    _, row, host = send(shared_sealpost, there)
    assert row["state"] == "posted", row
    assert host["tls"] and host["protocol"] == protocol and host["stage"] == "EHLO in TLS", (host, there.log_text())
    assert host["reason"] == "malformed-reply" and host["names"] == [there.host]


@pytest.mark.parametrize(("priority", "reason"), [(GNUTLS_11, "tls-weak-suite"), (GNUTLS_CBC, "tls-weak-suite")])
def test_gnutls_server_below_the_profile_is_refused(shared_lab, shared_sealpost, priority, reason):
    there = front(shared_lab, GnutlsServer, f"--priority={priority}", key="rsa2048")
    assert "Handshake was completed" in gnutls_client(there, priority)
    _, row, host = send(shared_sealpost, there)
    assert row["state"] == "posted" and not host["tls"] and host["reason"] == reason, (host, there.log_text())


@pytest.mark.parametrize(("arguments", "strict", "under_nist"), [
    (("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"), "tls-weak-suite", "proved"),
    (("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"), "proved", "tls-weak-suite"),
    (("-tls1_3", "-curves", "X25519"), "proved", "tls-weak-suite"),
    (("-tls1_3", "-curves", "P-256"), "proved", "proved"),
])
def test_profile_decides_what_is_delivered(shared_lab, shared_sealpost, nist, arguments, strict, under_nist):
    for sealpost, reason in ((shared_sealpost, strict), (nist, under_nist)):
        there = front(shared_lab, OpensslServer, *arguments)
        _, row, host = send(sealpost, there)
        assert row["state"] == ("delivered" if reason == "proved" else "posted") and host["reason"] == reason, (host, row["reason"], there.log_text())
        assert len(there.inside.messages) == (1 if reason == "proved" else 0)

# SPDX-License-Identifier: Apache-2.0
"""The private mail servers run, take mail over TLS and leave nothing running."""
import smtplib
import ssl

import dns.message
import dns.query
import dns.rdatatype
import pytest

from tests.lab import Lab, peers, processes

CONTENT = b"Subject: control\r\n\r\nbody\r\n.dot\r\n"


def deliver(lab, peer, recipient, tls=True):
    context = ssl.create_default_context(cafile=str(lab.authority.root_file))
    context.check_hostname = False
    client = smtplib.SMTP(peer.address, peer.port, "control.test", timeout=20)
    if tls:
        client.starttls(context=context)
    client.sendmail("a@control.test", [recipient], CONTENT)
    client.quit()


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_mail_server_takes_mail_over_tls(kind):
    domain = f"{kind.package}.test"
    with Lab() as lab:
        peer = kind(lab, certificate=lab.certificate(f"mx.{domain}", key="rsa2048")).start()
        family = processes.descendants(peer.process.pid)
        deliver(lab, peer, f"b@{domain}")
        found = peer.wait_messages()
        assert len(found) == 1 and b"Subject: control" in found[0] and b".dot" in found[0], peer.log_text()
    assert not processes.wait_gone(family, 5)


def test_opensmtpd_takes_clear_text_and_fails_every_handshake():
    with Lab() as lab:
        peer = peers.OpenSmtpd(lab, certificate=lab.certificate("mx.opensmtpd.test", key="rsa2048")).start()
        with pytest.raises(ssl.SSLError):
            deliver(lab, peer, "b@opensmtpd.test")
        deliver(lab, peer, "b@opensmtpd.test", tls=False)
        assert len(peer.wait_messages()) == 1, peer.log_text()


def test_nsd_serves_signed_zones():
    with Lab() as lab:
        peers.require("nsd")
        server = peers.Nsd(lab)
        server.zone("signed.test.", ["@ MX 10 mx.signed.test.", "mx A 127.0.0.9"])
        server.start()
        query = dns.message.make_query("signed.test", "MX", want_dnssec=True)
        answer = dns.query.udp(query, server.address, 2, port=server.port)
        assert {dns.rdatatype.to_text(r.rdtype) for r in answer.answer} == {"MX", "RRSIG"}
        assert "signed.test." in server.anchor_file.read_text()

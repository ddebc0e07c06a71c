# SPDX-License-Identifier: Apache-2.0
"""Mail servers nobody here wrote as receivers: with a certificate that proves them they get the message, with one that
does not, or with TLS that is broken, they get a notice and nothing else."""
import secrets

import pytest

from tests.lab import peers
from tests.lab.sealpost import letter

GOOD, BAD = {"key": "rsa2048"}, {"key": "rsa2048", "self_signed": True}
AUTHOR = "doctor@clinic.test"


def receiver(lab, kind, certificate):
    domain = f"{kind.package}.test"
    peer = kind(lab, f"mx.{domain}", domains=(domain,),
                certificate=None if certificate is None else lab.certificate(f"mx.{domain}", **certificate)).start()
    lab.dns.add(domain, "MX", f"10 mx.{domain}.")
    return peer, f"patient@{domain}"


def send(lab, kind, certificate):
    sealpost = lab.sealpost()
    peer, to = receiver(lab, kind, certificate)
    mark = "Mk" + secrets.token_hex(8)
    row = sealpost.outcome(sealpost.submit(to, letter(AUTHOR, [to], mark, f".dot\r\n{mark}\r\n")))
    return sealpost, peer, mark, row


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_proved_server_gets_the_message(lab, kind):
    _, peer, mark, row = send(lab, kind, GOOD)
    assert row["state"] == "delivered", (row, peer.log_text()[-2000:])
    found = peer.wait_messages()
    assert len(found) == 1 and f".dot\n{mark}\n".encode() in found[0]


@pytest.mark.parametrize("kind,certificate", [(peers.Postfix, BAD), (peers.Exim, BAD), (peers.Postfix, None),
                                              (peers.Exim, None), (peers.OpenSmtpd, GOOD), (peers.OpenSmtpd, None)])
def test_unproved_server_gets_a_notice_only(lab, kind, certificate):
    sealpost, peer, mark, row = send(lab, kind, certificate)
    assert row["state"] == "posted", (row, peer.log_text()[-2000:])
    found = peer.wait_messages()
    assert len(found) == 1 and mark.encode() not in found[0], peer.log_text()[-2000:]
    assert f"{sealpost.base_url}/l/".encode() in found[0]

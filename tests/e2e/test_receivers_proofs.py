# SPDX-License-Identifier: Apache-2.0
"""Mail servers nobody here wrote, with DANE and MTA-STS: signed TLSA records and policies decide what they get. Where proof was
to be expected and failed, not even a notice reaches them."""
import secrets

import pytest

from tests.e2e.test_demands import SignedLab, key_digest
from tests.lab import peers
from tests.lab.policy import PolicyHost
from tests.lab.sealpost import letter

AUTHOR = "doctor@clinic.test"
GOOD, SELF_SIGNED = {"key": "rsa2048"}, {"key": "rsa2048", "self_signed": True}
NOTHING = "00" * 32


class ProofLab(SignedLab):
    """Policies, too, come from one host."""

    def __init__(self):
        super().__init__()
        self.policies = PolicyHost(self)
        self.instances_beside.append(self.policies)

    def sealpost(self, settings=None, **more):
        return super().sealpost({"resolver.sts-port": self.policies.port, "courier.hold": "20s", **(settings or {})}, **more)


@pytest.fixture
def lab():
    with ProofLab() as one:
        yield one
        one.check_and_stop()


def send(lab, kind, issue, tlsa=None, signed=True, **policy):
    """(peer, mark, row) of a message to a real server; tlsa(leaf) gives its TLSA record."""
    domain = f"{kind.package}.test"
    certificate = lab.certificate(f"mx.{domain}", **issue)
    peer = kind(lab, f"mx.{domain}", domains=(domain,), certificate=certificate).start()
    if not signed:
        lab.dns.delegate_unsigned(f"{domain}.")
    lab.dns.add(domain, "MX", f"10 mx.{domain}.")
    if tlsa:
        lab.dns.add(f"_{lab.smtp_port}._tcp.mx.{domain}", "TLSA", tlsa(certificate.leaf))
    if policy:
        lab.policies.publish(domain, **policy)
    sealpost = lab.sealpost()
    mark, to = "Mk" + secrets.token_hex(8), f"patient@{domain}"
    return peer, mark, sealpost.outcome(sealpost.submit(to, letter(AUTHOR, [to], mark, f"{mark}\r\n")))


def delivered(peer, mark, row, level):
    assert row["state"] == "delivered", (row, peer.log_text()[-2000:])
    assert row["attempts"][-1]["hosts"][-1]["level"] == level, row
    found = peer.wait_messages()
    assert len(found) == 1 and f"\n{mark}\n".encode() in found[0]


def nothing(peer, row, reason):
    host = row["attempts"][0]["hosts"][0]
    assert row["state"] == "posted" and host["reason"] == reason and host["attack"], (row, peer.log_text()[-2000:])
    assert not peer.wait_messages(timeout=3)  # the notice is held: it would travel unproved


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_matching_tlsa_record_of_a_self_signed_server(lab, kind):
    delivered(*send(lab, kind, SELF_SIGNED, lambda leaf: f"3 1 1 {key_digest(leaf).hex()}"), "dane")


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_tlsa_record_of_the_issuer(lab, kind):
    delivered(*send(lab, kind, GOOD, lambda _: f"2 1 1 {key_digest(lab.authority.middle).hex()}"), "dane")


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_tlsa_record_that_does_not_match_outweighs_a_good_certificate(lab, kind):
    peer, _, row = send(lab, kind, GOOD, lambda _: f"3 1 1 {NOTHING}")
    nothing(peer, row, "dane-mismatch")


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_signed_names_alone(lab, kind):
    delivered(*send(lab, kind, GOOD), "pkix+dnssec")


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_policy_names_the_host(lab, kind):
    delivered(*send(lab, kind, GOOD, signed=False, mode="enforce"), "sts")


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_policy_names_another_host(lab, kind):
    peer, _, row = send(lab, kind, GOOD, signed=False, mode="enforce", mx=["mx.elsewhere.test"])
    nothing(peer, row, "sts-host-mismatch")


def test_expected_server_whose_tls_is_broken(lab):
    """OpenSMTPD as packaged fails every handshake: with a TLSA record that is a sign of attack."""
    peer, _, row = send(lab, peers.OpenSmtpd, GOOD, lambda leaf: f"3 1 1 {key_digest(leaf).hex()}")
    nothing(peer, row, "tls-failed")

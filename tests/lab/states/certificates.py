# SPDX-License-Identifier: Apache-2.0
"""What a receiver shows of itself: names, dates, issuers, keys, signatures, purposes, chains and staples. A notice may go
over TLS that proves nothing, so every posted one says so."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import chains, oldtls
from tests.lab.states.state import Host, State

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow()


def _good(name, certificate, /, why="", **host):
    return State(name, "delivered", "delivered", "pkix", why, hosts=(Host(certificate=certificate, **host),))


def _bad(name, certificate, reason, /, why="", notice="tls", **host):
    return State(name, "posted", f"certificate-{reason}", None, why, hosts=(Host(certificate=certificate, **host),),
                 notice=notice)


def _constraint(permitted):
    return (x509.NameConstraints([x509.DNSName(permitted)], None), True)


MANY = [f"host-{number:05}.a-long-label-for-a-giant-certificate.test" for number in range(3000)]

STATES = [
    # names
    _bad("wrong-name", {"names": ["other.example.test"]}, "host-mismatch"),
    _bad("domain-name-only", {"names": ["{domain}"]}, "host-mismatch", "the domain's name, not the host's"),
    _bad("common-name-only", {"common_name_only": True}, "host-mismatch", "RFC 9525: no fall back to the CN"),
    _good("wildcard", {"names": ["*.{domain}"]}),
    _bad("wildcard-too-deep", {"names": ["*.{domain}"]}, "host-mismatch", "* stands for one label", name="mx.deep"),
    _bad("wildcard-partial", {"names": ["m*.{domain}"]}, "host-mismatch"),
    _bad("wildcard-inside", {"names": ["mx.*.test"]}, "host-mismatch"),
    _bad("wildcard-alone", {"names": ["*"]}, "host-mismatch"),
    _good("upper-case-name", chains.made(names=["MX.Upper-Case-Name.TEST"])),
    _bad("address-only", {"names": ["192.0.2.1"]}, "host-mismatch", "an iPAddress name, no dNSName"),
    _good("name-among-many", {"names": ["a.test", "b.test", "mx.{domain}", "c.test"]}),
    # dates
    _bad("expired", {"expired": True}, "expired"),
    _bad("expired-a-minute-ago", chains.made(before=NOW - 9 * DAY, after=NOW - datetime.timedelta(minutes=1)), "expired"),
    _bad("not-yet-valid", {"future": True}, "not-yet-valid"),
    _bad("issuer-expired", chains.below(before=NOW - 9 * DAY, after=NOW - DAY), "expired"),
    # issuers
    _bad("self-signed", {"self_signed": True}, "self-signed"),
    _bad("untrusted-root", {"authority": "other"}, "not-trusted"),
    _bad("missing-intermediate", {"chain": False}, "not-trusted"),
    _good("wrong-order", chains.below(depth=2, reverse=True), "leaf, root, then the issuers upside down"),
    _bad("issuer-is-no-authority", chains.below(skip_ca=True), "chain-invalid"),
    _bad("path-too-long-for-issuer", chains.below(depth=2, path=0), "chain-invalid"),
    _bad("name-outside-constraint", chains.below(extra=[_constraint("example.test")]), "chain-invalid"),
    _good("name-inside-constraint", chains.below(extra=[_constraint("test")])),
    _bad("unknown-critical-extension", chains.made(extra=[(x509.UnrecognizedExtension(chains.UNKNOWN, b"\5\0"), True)]),
         "chain-invalid"),
    _bad("tampered", chains.tampered, "chain-invalid", "the issuer's signature is not over this certificate"),
    _bad("authority-as-server", chains.issuer_as_leaf, "chain-invalid", "CA bit in a leaf"),
    # keys and signatures
    _bad("rsa-1024", {"key": "rsa1024"}, "weak-key"),
    _bad("rsa-2047", chains.made(key="rsa2047"), "weak-key"),
    _good("rsa-2048", {"key": "rsa2048"}),
    _good("rsa-3072", {"key": "rsa3072"}),
    _good("p-384", {"key": "p384"}),
    _good("ed25519", chains.made(key="ed25519")),
    _bad("issuer-rsa-1024", chains.below(key="rsa1024"), "weak-key"),
    _bad("sha-1", chains.made(digest=hashes.SHA1()), "weak-signature"),
    _bad("md5", chains.made(rsa_issuer=True, digest=hashes.MD5()), "weak-signature"),
    _bad("issuer-sha-1", chains.weak_issuer(hashes.SHA1()), "weak-signature"),
    _bad("issuer-md5", chains.weak_issuer(hashes.MD5()), "weak-signature"),
    _good("issuer-sha-384", chains.below(digest=hashes.SHA384())),
    # purpose
    _bad("client-certificate", {"usage": "client"}, "wrong-usage"),
    _bad("any-purpose", chains.made(usages=(chains.ANY_USAGE,)), "wrong-usage", "anyExtendedKeyUsage alone is not serverAuth"),
    _good("server-and-client", chains.made(usages=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH))),
    # length
    _good("long-chain", chains.below(depth=6)),
    _bad("endless-chain", chains.below(depth=12), "chain-invalid", "more certificates than a path may have"),
    _good("giant-certificate", {"names": ["mx.{domain}", *MANY[:1200]]}, "about 70 KB"),
    State("giant-certificate-above-limit", "posted", "tls-failed", None, "more than 100 KB is not read",
          hosts=(Host(certificate={"names": ["mx.{domain}", *MANY]}, control=lambda raw: oldtls.Client(
              raw, ["ECDHE-ECDSA-AES128-GCM-SHA256"]).shake()),), notice="clear"),
    # staples (RFC 6066, 6960, 7633), by the scripted server, for Python's cannot
    _good("staple-good", {}, script=chains.stapled("good")),
    _bad("staple-revoked", {}, "revoked", script=chains.stapled("revoked")),
    _good("staple-unknown", {}, script=chains.stapled("unknown")),
    _good("staple-stale", {}, "old news is no news", script=chains.stapled("good", this=-9 * DAY, following=-2 * DAY)),
    _good("staple-revoked-of-another", {}, "it says nothing of this one", script=chains.stapled("other")),
    _good("staple-of-a-stranger", {}, script=chains.stapled("foreign")),
    _good("staple-garbage", {}, script=chains.stapled("garbage")),
    _bad("must-staple-without", chains.made(extra=[chains.MUST_STAPLE]), "staple-missing"),
    _good("must-staple-good", chains.made(extra=[chains.MUST_STAPLE]), script=chains.stapled("good")),
    _bad("must-staple-stale", chains.made(extra=[chains.MUST_STAPLE]), "staple-missing",
         script=chains.stapled("good", this=-9 * DAY, following=-2 * DAY)),
    _bad("must-staple-revoked", chains.made(extra=[chains.MUST_STAPLE]), "revoked", script=chains.stapled("revoked")),
    _bad("must-staple-of-a-stranger", chains.made(extra=[chains.MUST_STAPLE]), "staple-missing",
         script=chains.stapled("foreign")),
]

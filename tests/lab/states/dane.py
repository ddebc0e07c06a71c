# SPDX-License-Identifier: Apache-2.0
"""DANE for SMTP (RFC 6698, 7671, 7672): TLSA records of every usage, selector and matching, right, wrong, unusable, in
pairs, below aliases, and where DNS fails. Most zones are signed by ldns-signzone and served by NSD."""
from tests.lab import chains
from tests.lab.states.state import Host, State, Then

SELF = {"self_signed": True}
HEX = "00" * 32


def _dane(name, *tlsa, why="", certificate=None, zone="nsd", level="dane", **more):
    host = Host(tlsa=tlsa, certificate=SELF if certificate is None else certificate, **more.pop("host", {}))
    return State(name, "delivered", "delivered", level, why, hosts=(host,), zone=zone, **more)


def _bad(name, reason, *tlsa, why="", certificate=None, zone="nsd", fate="posted", notice="held", **more):
    host = Host(tlsa=tlsa, certificate={} if certificate is None else certificate, proved=False, **more.pop("host", {}))
    return State(name, fate, reason, None, why, hosts=(host,), zone=zone, notice=notice, **more)


def _whole(*below):
    """A leaf shown with these certificates above it."""
    def make(stage, host, domain):
        known = {"middle": stage.authority.middle, "root": stage.authority.root}
        return chains.leaf(stage, host, domain, above=[known[word] for word in below])
    return make


def _of(**words):
    """A leaf with the root sent along, for usage 2."""
    def make(stage, host, domain):
        return chains.leaf(stage, host, domain, above=[stage.authority.middle, stage.authority.root], **words)
    return make


def _old_leaf(stage, host, domain):
    import datetime
    now = datetime.datetime.utcnow()
    return _of(before=now - 9 * chains.DAY, after=now - chains.DAY)(stage, host, domain)


WITH_ROOT = _whole("middle", "root")
STATES = [
    # usage 3: nothing but the record counts
    *[_dane(f"dane-3-{s}-{m}", f"3 {s} {m} own") for s in (0, 1) for m in (0, 1, 2)],
    _dane("dane-3-1-1-expired", "3 1 1 own", certificate={"self_signed": True, "expired": True}, why="no dates with usage 3"),
    _dane("dane-3-1-1-wrong-name", "3 1 1 own", certificate={"self_signed": True, "names": ["other.test"]},
          why="no names with usage 3"),
    _dane("dane-3-1-1-untrusted", "3 1 1 own", certificate={"authority": "other"}),
    _dane("dane-3-1-1-client-certificate", "3 1 1 own", certificate={"usage": "client"}),
    _dane("dane-3-1-1-good-certificate", "3 1 1 own", certificate={}),
    _dane("dane-3-1-1-signed-here", "3 1 1 own", zone="signed"),
    _bad("dane-3-1-1-rsa-1024", "certificate-weak-key", "3 1 1 own", certificate={"key": "rsa1024"},
         why="key strength still counts"),
    # usage 2: a path to the certificate of the record
    *[_dane(f"dane-2-{s}-{m}", f"2 {s} {m} middle", certificate={}) for s in (0, 1) for m in (0, 1, 2)],
    _dane("dane-2-root-sent", "2 0 1 root", certificate=WITH_ROOT),
    _bad("dane-2-root-not-sent", "dane-mismatch", "2 0 1 root", why="RFC 7671 5.2: servers must send it"),
    _bad("dane-2-wrong-name", "certificate-host-mismatch", "2 0 1 middle", certificate={"names": ["other.test"]}),
    _dane("dane-2-domain-name", "2 0 1 middle", certificate={"names": ["{domain}"]}, why="RFC 7672 3.2.3: the domain's name too"),
    _bad("dane-2-expired", "certificate-expired", "2 0 1 middle", certificate={"expired": True}),
    _bad("dane-2-expired-root-sent", "certificate-expired", "2 0 1 root", certificate=_old_leaf),
    _bad("dane-2-sha-1", "certificate-weak-signature", "2 0 1 middle", certificate=_of(digest=chains.hashes.SHA1())),
    _bad("dane-2-of-another", "dane-mismatch", "2 1 1 other"),
    _dane("dane-2-root-key", "2 1 1 root", certificate=WITH_ROOT),
    *[_dane(f"dane-2-{selector}-0-not-sent", f"2 {selector} 0 middle", certificate={"chain": False}, why="the record holds it whole")
      for selector in (0, 1)],
    # several
    _dane("dane-roll-over", "3 1 1 other", "3 1 1 own", why="the next key's record is there already"),
    _dane("dane-roll-over-usages", "2 1 1 other", "3 1 1 own"),
    _dane("dane-beside-unusable", "0 0 1 own", "1 1 1 own", "3 1 1 own"),
    _dane("dane-beside-malformed", "3 1 1 00", "3 1 1 own"),
    _dane("dane-beside-unknown", f"10 1 1 {HEX}", "3 1 1 own"),
    _bad("dane-agility-weaker-matches", "dane-mismatch", f"3 1 2 {'00' * 64}", "3 1 1 own", certificate=SELF,
         why="RFC 7671 9: of several digests of one usage and selector only the strongest counts"),
    _dane("dane-agility-stronger-matches", "3 1 2 own", f"3 1 1 {HEX}"),
    _dane("dane-agility-other-selector", f"3 0 2 {'00' * 64}", "3 1 1 own", why="agility is within a usage and selector"),
    # wrong
    _bad("dane-mismatch", "dane-mismatch", "3 1 1 other", why="a valid certificate does not help"),
    _bad("dane-mismatch-self-signed", "dane-mismatch", "3 1 1 other", certificate=SELF),
    _bad("dane-mismatch-signed-here", "dane-mismatch", "3 0 1 other", zone="signed"),
    _bad("dane-no-tls", "no-starttls", f"3 1 1 {HEX}", host={"manner": {"starttls": False}}),
    _bad("dane-old-tls", "tls-too-old", "3 1 1 own", host={"tls": {"minimum": "1.0", "maximum": "1.1"}}),
    State("dane-one-of-two", "delivered", "delivered", "dane", zone="nsd", hosts=(
        Host("mx1", tlsa=("3 1 1 other",), proved=False), Host("mx2", preference=20, tlsa=("3 1 1 own",), certificate=SELF,
                                                               proved=True))),
    State("dane-mismatch-then-pkix", "delivered", "delivered", "pkix+dnssec", zone="nsd", hosts=(
        Host("mx1", tlsa=("3 1 1 other",), proved=False), Host("mx2", preference=20, proved=True)),
        why="the second host has no records and a good certificate"),
    # unusable records are no proof: certificates decide
    *[_dane(f"dane-unusable-{word}", text, certificate={}, level="pkix+dnssec") for word, text in (
        ("usage-0", "0 0 1 own"), ("usage-1", "1 1 1 own"), ("usage-9", f"9 0 1 {HEX}"), ("selector", f"3 7 1 {HEX}"),
        ("matching", f"3 1 9 {HEX}"), ("short-digest", "3 1 1 00"), ("usage-255", f"255 0 1 {HEX}"),
        ("full-issuer", f"2 0 0 {HEX}"))],
    State("dane-unusable-self-signed", "posted", "certificate-self-signed", hosts=(
        Host(tlsa=("1 1 1 own",), certificate=SELF),), zone="nsd", notice="tls"),
    # aliases
    _dane("dane-alias", "3 1 1 own", host={"alias": "real.{domain}", "tlsa_at": "real.{domain}"}, why="below the expanded name"),
    _dane("dane-alias-own-name", "3 1 1 own", host={"alias": "real.{domain}"}, why="below the name itself, none below the alias"),
    _dane("dane-alias-usage-2-either-name", "2 0 1 middle", certificate={"names": ["real.{domain}"]},
          host={"alias": "real.{domain}", "tlsa_at": "real.{domain}"}, why="the expanded name may be on it"),
    _bad("dane-alias-usage-2-not-its-target", "certificate-host-mismatch", "2 0 1 middle", certificate={"names": ["real.{domain}"]},
         host={"alias": "real.{domain}"}, why="RFC 7672 3.2.3: the records are below the name itself, so its target is none of the names"),
    _dane("dane-alias-insecure", "3 1 1 own", zone="signed", host={"alias": "dane-alias-insecure-host.test."},
          why="RFC 7672 2.2.2: the alias is signed, the address is not: records below the name itself"),
    _bad("dane-alias-insecure-mismatch", "dane-mismatch", "3 1 1 other", zone="signed",
         host={"alias": "dane-alias-insecure-mismatch-host.test."}),
    _bad("dane-alias-insecure-target", "certificate-self-signed", "3 1 1 own", zone="signed", notice="tls", certificate=SELF,
         host={"alias": "dane-alias-insecure-target-host.test.", "tlsa_at": "dane-alias-insecure-target-host.test"},
         why="records in an unsigned zone are none"),
    _dane("dane-alias-insecure-both", "3 1 1 own", zone="signed", host={"alias": "dane-alias-insecure-both-host.test."},
          why="mox: what stands below the unsigned target does not count",
          records=(("_{port}._tcp.dane-alias-insecure-both-host.test", "TLSA", f"3 1 1 {HEX}"),)),
    # where DNS is not signed, or fails
    _dane("dane-tlsa-insecure", "3 1 1 other", zone="signed", unsigned=("_tcp.mx.{domain}",), certificate={},
          level="pkix+dnssec", why="the address is signed, the records are not"),
    State("dane-address-insecure", "delivered", "delivered", "pkix", zone="signed", hosts=(
        Host("mx.dane-address-insecure.test.", tlsa=("3 1 1 other",)),), why="the MX is signed, the host's zone is not"),
    State("dane-tlsa-servfail-of-both", "later", "tlsa-lookup-failed", zone="signed", hosts=(
        Host("mx1", tlsa=("3 1 1 own",), proved=False), Host("mx2", preference=20, tlsa=("3 1 1 own",), proved=False)), faults=tuple(
            (f"_{port}._tcp.{mx}.{{domain}}", "TLSA", "servfail") for port in ("25", "{port}") for mx in ("mx1", "mx2"))),
    # where the operator demands DANE
    *[State(f"demand-dane-{word}", "posted", "proof-below-minimum", demand='minimum = "dane"', why=why, **more, hosts=(
        Host(name, tlsa=tlsa, proved=False),)) for word, why, name, tlsa, more in (
            ("denied", "the zone says and proves that there are no records", "mx", (), {"zone": "nsd"}),
            ("records-insecure", "they match, and nobody signed them", "mx", ("3 1 1 own",),
             {"zone": "signed", "unsigned": ("_tcp.mx.{domain}",)}),
            ("address-insecure", "they match, and nobody signed the address", "mx.demand-dane-address-insecure.test.",
             ("3 1 1 own",), {"zone": "signed"}))],
    _dane("dane-insecure-zone", "3 1 1 other", zone="plain", certificate={}, level="pkix", why="unsigned records are none"),
    _bad("dane-insecure-zone-self-signed", "certificate-self-signed", "3 1 1 own", zone="plain", certificate=SELF, notice="tls"),
    _bad("dane-insecure-delegation", "certificate-self-signed", "3 1 1 own", zone="signed", certificate=SELF, notice="tls",
         unsigned=("{domain}",)),
    State("dane-mx-insecure", "delivered", "delivered", "pkix", hosts=(
        Host("mx.dane-mx-insecure.secure.test.", tlsa=("3 1 1 own",)),), why="an unsigned MX points to a host with records"),
    State("dane-mx-insecure-self-signed", "posted", "certificate-self-signed", hosts=(
        Host("mx.dane-mx-insecure-self-signed.secure.test.", tlsa=("3 1 1 own",), certificate=SELF),)),
    *[_bad(f"dane-tlsa-{how}", "tlsa-lookup-failed", "3 1 1 own", zone="signed", fate="later", certificate={}, notice=None,
           faults=(("_{port}._tcp.{mx}", "TLSA", how), ("_25._tcp.{mx}", "TLSA", how))) for how in ("servfail", "timeout", "refused")],
    *[_bad(f"dane-tlsa-{word}", "dns-bogus", "3 1 1 own", zone="signed", fate="later", certificate={},
           damage=(("_{port}._tcp.{mx}", "TLSA", how), ("_25._tcp.{mx}", "TLSA", how)))
      for word, how in (("bogus", "forge"), ("stripped", "strip"), ("outdated", "outdate"))],
    State("dane-denied", "delivered", "delivered", "pkix+dnssec", zone="nsd", why="there are none, and that is proved by NSEC3"),
    State("dane-denied-self-signed", "posted", "certificate-self-signed", zone="nsd", hosts=(Host(certificate=SELF),),
          notice="tls"),
    # DANE above policies
    State("dane-over-sts", "delivered", "delivered", "dane", zone="signed", policy={"mx": ["mx.elsewhere.test"]}, hosts=(
        Host(tlsa=("3 1 1 own",), certificate=SELF),), why="RFC 8461 2: a policy never overrides DANE"),
    _bad("dane-mismatch-under-sts", "dane-mismatch", "3 1 1 other", zone="signed", policy={}),
    # what changes
    State("dane-new-key", "delivered", "delivered", "dane", zone="signed", hosts=(
        Host(tlsa=("3 1 1 own",), certificate=SELF),), then=Then(
            lambda live: live.receivers[0].show_certificate(live.stage.certificate(live.receivers[0].host)), "later",
            "proof-fell", notice="held", restart=True), why="a new key without a new record"),
]

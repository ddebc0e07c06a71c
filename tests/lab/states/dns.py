# SPDX-License-Identifier: Apache-2.0
"""What DNS says of a domain: MX sets of every quality, addresses, failures, and signatures that are right, wrong, old or
missing."""
from tests.lab.states.state import Host, State


def _bad(name="mx1", preference=10, **more):
    return Host(name, certificate={"self_signed": True}, preference=preference, proved=False, **more)


def _good(name="mx2", preference=20, **more):
    return Host(name, preference=preference, proved=True, **more)


def _delivered(name, *hosts, level="pkix", why="", **more):
    return State(name, "delivered", "delivered", level, why, hosts=hosts or (Host(),), **more)


def _later(name, reason, *hosts, why="", **more):
    return State(name, "later", reason, None, why, hosts=hosts or (Host(),), **more)


def _returned(name, reason, why="", **more):
    more.setdefault("hosts", ())
    return State(name, "returned", reason, None, why, **more)


STATES = [
    # MX
    _returned("null-mx", "null-mx", "RFC 7505", mx=("0 .",)),
    _returned("no-such-domain", "no-such-domain"),
    _returned("no-mail-server", "no-mail-server", "the domain exists, with neither MX nor address",
              records=(("{domain}", "TXT", '"nothing here"'),)),
    _delivered("mx-missing", Host(name=""), mx=(), why="the domain itself is the host"),
    _delivered("mx-many", Host("mx1"), Host("mx2", preference=20, proved=True), Host("mx3", preference=30, proved=True)),
    _delivered("mx-mixed", _bad(), _good(), why="the first proves nothing, the second does"),
    _delivered("mx-mixed-three", _bad(), Host("mx2", certificate=None, preference=15, proved=False),
               Host("mx3", certificate={"expired": True}, preference=18, proved=False), _good("mx4")),
    _delivered("mx-equal", _bad(), _good(preference=10), why="equal preference"),
    State("mx-all-unproved", "posted", "certificate-self-signed", hosts=(
        _bad(), Host("mx2", certificate=None, preference=20)), why="the reason is that of the first host"),
    _delivered("mx-one-dead", Host("mx1", at="dead"), _good()),
    _later("mx-unproved-and-dead", "connection-refused", _bad(), Host("mx2", at="dead", preference=20),
           why="the dead one may be the good one"),
    _delivered("mx-one-full", Host("mx1", at="full"), _good(), why="a listener that never answers"),
    _later("mx-dead", "connection-refused", Host(at="dead")),
    _later("mx-full", "connection-timeout", Host(at="full")),
    _later("mx-unreachable", "unreachable", Host(at="nowhere")),
    _delivered("mx-alias", Host(alias="real.{domain}"), why="RFC 5321 5.1 forbids it, the field does it; the MX name counts"),
    State("mx-alias-named", "posted", "certificate-host-mismatch", why="the alias's target is not what was asked for",
          hosts=(Host(alias="real.{domain}", certificate={"names": ["real.{domain}"]}),), notice="tls"),
    State("mx-address-literal", "later", "dangling-mx", hosts=(Host(proved=False),), mx=("10 {literal}.",), ends="returned",
          why="an address where a name should be is no address"),
    State("address-literal", "posted", "certificate-host-mismatch", hosts=(Host(name="host"),), mx=(), address="[{literal}]",
          why="no name to prove"),
    _later("mx-dangling", "dangling-mx", Host(at="none"), ends="returned"),
    _delivered("mx-one-dangling", Host("mx1", at="none"), _good()),
    State("mx-dangling-and-unproved", "posted", "host-without-address", hosts=(
        Host("mx1", at="none"), _bad("mx2", 20)), why="the reason is that of the first host"),
    _delivered("mx-ipv6-only", Host(at="6")),
    _delivered("mx-many-names", *[Host(f"mx{n}", preference=n, at="none") for n in range(1, 9)], _good("mx9", 99)),
    _delivered("domain-alias", Host(name="mx.real"), mx=(), records=(
        ("{domain}", "CNAME", "real.{domain}."), ("real.{domain}", "MX", "10 mx.real.{domain}."))),
    _later("alias-loop", "dns-malformed", mx=(), records=(
        ("{domain}", "CNAME", "loop.{domain}."), ("loop.{domain}", "CNAME", "{domain}.")), ),
    # failures
    _later("mx-servfail", "dns-failed", faults=(("{domain}", "MX", "servfail"),)),
    _later("mx-refused", "dns-failed", faults=(("{domain}", "MX", "refused"),)),
    _later("mx-timeout", "dns-failed", faults=(("{domain}", "MX", "timeout"),)),
    _later("address-servfail", "dns-failed", faults=(("{mx}", None, "servfail"),)),
    _delivered("address-servfail-of-one", Host("mx1"), _good(), faults=(("mx1.{domain}", None, "servfail"),)),
    _delivered("mx-truncated", faults=(("{domain}", "MX", "truncate"),), why="asked again by TCP"),
    # signatures
    _delivered("signed", zone="signed", level="pkix+dnssec"),
    _delivered("signed-by-nsd", zone="nsd", level="pkix+dnssec"),
    _delivered("signed-implicit", Host(name=""), zone="signed", mx=(), level="pkix+dnssec", why="the denial of the MX is proved"),
    _delivered("signed-implicit-by-nsd", Host(name=""), zone="nsd", mx=(), level="pkix+dnssec", why="by NSEC3"),
    _returned("signed-no-such-domain", "no-such-domain", zone="signed"),
    _returned("signed-null-mx", "null-mx", zone="nsd", mx=("0 .",)),
    _later("mx-bogus", "dns-bogus", zone="signed", damage=(("{domain}", "MX", "forge"),), notice="none"),
    _later("mx-signature-missing", "dns-bogus", zone="signed", damage=(("{domain}", "MX", "strip"),), notice="none"),
    _later("mx-signature-old", "dns-bogus", zone="signed", damage=(("{domain}", "MX", "outdate"),), notice="none"),
    _later("address-bogus", "dns-bogus", zone="signed", damage=(("{mx}", "A", "forge"),)),
    _delivered("address-insecure", Host(alias="address-insecure-host.test."), zone="signed", level="pkix",
               why="the MX is signed, the host's address is not"),
    _delivered("insecure-delegation", zone="signed", unsigned=("{domain}",), level="pkix"),
    _delivered("mx-of-another-zone", Host(name="mx.mx-of-another-zone.test."), zone="signed", level="pkix",
               why="a signed MX that points into an unsigned zone"),
    _later("signed-servfail", "dns-failed", zone="signed", faults=(("{domain}", "MX", "servfail"),)),
    _later("signed-timeout", "dns-failed", zone="signed", faults=(("{domain}", "MX", "timeout"),)),
]

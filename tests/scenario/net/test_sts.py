# SPDX-License-Identifier: Apache-2.0
"""The resolver's program and MTA-STS policy hosts in every manner (RFC 8461): what is in force, and what the domain's owner is
told."""
import os
import time
from pathlib import Path

import pytest

from tests.lab.net import BUILD
from tests.lab.policy import ABSENT, PolicyHost, record_text
from tests.lab.resolver import RELOAD, Resolver, blob
from tests.lab.signed import SignedServer
from tests.lab.world import Lab


def build():
    return Path(os.environ.get("SEALPOST_BUILD") or BUILD / "debug")


class World:
    def __init__(self, signed=False):
        self.lab = Lab()
        self.anchor = None
        if signed:
            self.lab.dns.close()
            address = self.lab.net.address()
            self.lab.dns = SignedServer(address, self.lab.net.free_port(address))
            path = Path(self.lab.folder) / "anchor"
            path.write_text(self.lab.dns.sign("sec.test"), encoding="ascii")
            self.anchor = str(path)
        self.dns = self.lab.dns
        self.policy = PolicyHost(self.lab)
        self.resolvers = []

    def start(self, authorities=None, **conf):
        settings = {"resolver.forward": f'{{"{self.dns.endpoint}"}}', "resolver.sts-port": self.policy.port,
                    "courier.allow-private": "true", **conf}
        self.settings = settings
        resolver = Resolver(build(), settings, authorities or self.lab.authority.root_file, self.anchor)
        self.resolvers.append(resolver)
        return resolver

    def domain(self, domain, manner="ok", **policy):
        self.dns.mail_domain(domain, f"mx.{domain}", address="127.0.0.9")
        self.policy.publish(domain, manner, **policy)

    def close(self):
        logs = "".join(r.log for r in self.resolvers)
        for resolver in self.resolvers:
            resolver.close()
        self.policy.close()
        self.lab.close()
        assert ".test" not in logs, "a domain is private"
        assert "ERROR: " not in logs and "runtime error" not in logs, logs


@pytest.fixture
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture
def signed():
    world = World(signed=True)
    yield world
    world.close()


def later(resolver, domain, wanted, **ask):
    """Asks until the answer is as wanted: TTLs and pauses pass."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        dossier = resolver.ask(domain, **ask)
        if wanted(dossier):
            return dossier
        time.sleep(0.2)
    raise AssertionError(f"still {dossier}")


@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
@pytest.mark.parametrize("eol", ["\r\n", "\n"])
def test_policy_is_found(world, mode, eol):
    world.domain("a.test", mode=mode, mx=["MX.A.test", "*.b.test"], max_age=1000, eol=eol, extra=["x-y: z"])
    dossier = world.start().ask("a.test")
    assert (dossier.status, [h["name"] for h in dossier.hosts]) == ("ok", ["mx.a.test"])
    assert (dossier.look, dossier.detail, dossier.changed) == ("found", "", True)
    policy = dossier.policy
    assert (policy.mode, policy.id, policy.max_age, policy.hosts) == (mode, "20260101", 1000, ["mx.a.test", "*.b.test"])
    assert abs(policy.fetched_us / 1e6 - time.time()) < 60
    assert dossier.expires_us <= (time.time() + 5) * 1e6, "not longer than the records live"


def test_an_answer_lives_as_long_as_its_shorter_half(signed):
    """Records live five seconds here, the policy two, and a failed look-up half of one."""
    for domain in ("long", "short", "broken"):
        signed.domain(f"{domain}.sec.test", max_age=2 if domain == "short" else 1000)
    signed.dns.fail("broken.sec.test", "servfail", "MX")
    long, short, broken = signed.start().ask_all(["long.sec.test", "short.sec.test", "broken.sec.test"])
    assert [d.look for d in (long, short, broken)] == ["found"] * 3
    assert short.expires_us < long.expires_us - 1e6
    assert broken.expires_us < short.expires_us - 0.5e6


@pytest.mark.parametrize("manner", ["wildcard", "tls12"])
def test_other_good_policy_hosts(world, manner):
    world.domain("a.test", manner)
    assert world.start().ask("a.test").look == "found"


FAULTS = {
    "redirect": ("fetch-failed", "redirects"),
    "404": ("fetch-failed", "404"),
    "500": ("fetch-failed", "status 200"),
    "wrong-type": ("fetch-failed", "text/plain"),
    "no-type": ("fetch-failed", "text/plain"),
    "too-big": ("fetch-failed", "too long"),
    "endless": ("fetch-failed", "too long"),
    "long-header": ("fetch-failed", "too long"),
    "closed": ("fetch-failed", "handshake"),
    "truncated": ("fetch-failed", "before the policy file is whole"),
    "no-http": ("fetch-failed", "HTTP"),
    "clear": ("fetch-failed", "handshake"),
    "tls10": ("fetch-failed", "handshake"),
    "tls11": ("fetch-failed", "handshake"),
    "weak-suite": ("fetch-failed", "handshake"),
    "no-host": ("fetch-failed", "no address"),
    "refused": ("fetch-failed", "connected"),
    "self-signed": ("cert-failed", "self-signed"),
    "wrong-name": ("cert-failed", "prove itself"),
    "domain-name": ("cert-failed", "prove itself"),
    "common-name-only": ("cert-failed", "prove itself"),
    "partial-wildcard": ("cert-failed", "prove itself"),
    "expired": ("cert-failed", "expired"),
    "not-yet-valid": ("cert-failed", "not yet valid"),
    "unknown-authority": ("cert-failed", "issuer"),
    "no-intermediate": ("cert-failed", "issuer"),
    "client-certificate": ("cert-failed", "prove itself"),
    "weak-key": ("cert-failed", "weak"),
    "garbage": ("policy-invalid", "key: value"),
    "empty": ("policy-invalid", "no version"),
}


def test_faulty_policy_hosts(world):
    """Without a kept policy none is in force; beside one that one is. Whoever has one loses nothing by any fault."""
    resolver = world.start()
    world.domain("good.test")
    kept = resolver.ask("good.test").policy
    for manner, (look, detail) in FAULTS.items():
        world.domain(f"{manner}.test", manner)
        dossier = resolver.ask(f"{manner}.test")
        assert (dossier.status, dossier.look, dossier.policy) == ("ok", look, None), manner
        assert detail in dossier.detail, manner
        assert not dossier.changed
        beside = resolver.ask(f"{manner}.test", policy=kept, fresh=True)
        assert (beside.look, beside.policy) == ("kept", kept), manner
        assert detail in beside.detail, manner


RECORDS = {
    "two": ([record_text("1"), record_text("2")], "record-invalid", "more than one"),
    "no-id": ('"v=STSv1; x=y;"', "record-invalid", "no id"),
    "bad-id": ('"v=STSv1; id=a-b;"', "record-invalid", "letters and digits"),
    "other": ('"v=spf1 -all"', "absent", ""),
    "version": ('"v=STSv2; id=1;"', "absent", ""),
    "none": (ABSENT, "absent", ""),
}


def test_faulty_records(world):
    resolver = world.start()
    for name, (record, look, detail) in RECORDS.items():
        world.domain(f"{name}.test", record=record)
        dossier = resolver.ask(f"{name}.test")
        assert (dossier.look, dossier.policy) == (look, None), name
        assert detail in dossier.detail
        assert world.policy.asked(f"{name}.test") == 0, "no record, no fetch"
    world.domain("servfail.test")
    world.dns.fail("_mta-sts.servfail.test", "servfail")
    assert resolver.ask("servfail.test").look == "dns-failed"


def test_record_among_others_and_in_pieces(world):
    world.domain("a.test", record=['"v=spf1 -all"', '"v=ST" "Sv1; i" "d=7;"'])
    dossier = world.start().ask("a.test")
    assert (dossier.look, dossier.policy.id) == ("found", "7")


def test_policy_domain_is_that_of_the_address(world):
    """Mail for alias.test goes where its alias leads; its policy is its own."""
    world.domain("a.test")
    world.dns.add("alias.test", "CNAME", "a.test.")
    resolver = world.start()
    dossier = resolver.ask("alias.test")
    assert ([h["name"] for h in dossier.hosts], dossier.look) == (["mx.a.test"], "absent")
    assert world.dns.asked("_mta-sts.a.test") == 0
    world.policy.publish("alias.test", mx=["mx.a.test"])
    assert later(resolver, "alias.test", lambda d: d.look == "found").policy.hosts == ["mx.a.test"]
    assert world.dns.asked("_mta-sts.a.test") == 0


def test_record_and_host_may_be_aliases(world):
    world.domain("a.test")
    world.dns.remove("_mta-sts.a.test", "TXT")
    world.dns.remove("mta-sts.a.test", "A")
    world.dns.add("_mta-sts.a.test", "CNAME", "_sts.provider.test.")
    world.dns.add("_sts.provider.test", "TXT", record_text("9"))
    world.dns.add("mta-sts.a.test", "CNAME", "web.provider.test.")
    world.dns.add("web.provider.test", "A", world.policy.address)
    dossier = world.start().ask("a.test")
    assert (dossier.look, dossier.policy.id) == ("found", "9")


def test_id_change_and_withdrawal(world):
    resolver = world.start()
    world.domain("a.test", identity="1")
    assert resolver.ask("a.test").policy.id == "1"
    assert resolver.ask("a.test").policy.id == "1"
    assert world.policy.asked("a.test") == 1, "an id that stays is not fetched again"
    world.domain("a.test", identity="2", mode="testing")
    changed = later(resolver, "a.test", lambda d: d.policy.id == "2")
    assert (changed.policy.mode, changed.look) == ("testing", "found")
    world.domain("a.test", "404", identity="3")
    kept = later(resolver, "a.test", lambda d: d.look == "kept")
    assert kept.policy.id == "2", "until the fetch succeeds the old one is in force"
    world.policy.record("a.test", ABSENT)
    gone = later(resolver, "a.test", lambda d: "no record" in d.detail)
    assert (gone.look, gone.policy.id) == ("kept", "2")
    assert world.policy.asked("a.test") == 3


def test_kept_policy_outlives_a_restart_and_failures(world):
    world.domain("a.test")
    kept = world.start().ask("a.test").policy
    world.dns.fail("_mta-sts.a.test", "servfail")
    dossier = world.start().ask("a.test", policy=kept)
    assert (dossier.look, dossier.policy, dossier.changed) == ("kept", kept, False)
    world.dns.fail("_mta-sts.a.test", None)
    world.domain("a.test", "refused", identity="2")
    dossier = world.start().ask("a.test", policy=kept)
    assert (dossier.look, dossier.policy) == ("kept", kept)


def test_policy_ends_with_its_age(world):
    world.domain("a.test", max_age=2)
    resolver = world.start()
    kept = resolver.ask("a.test").policy
    world.policy.record("a.test", ABSENT)
    gone = later(resolver, "a.test", lambda d: d.policy is None, policy=kept)
    assert gone.changed, "the asker is told to forget it"


def test_fresh_asks_anew(world):
    world.domain("a.test", "404")
    resolver = world.start()
    assert resolver.ask("a.test").look == "fetch-failed"
    world.domain("a.test", identity="2")
    world.dns.remove("a.test", "MX")
    world.dns.add("a.test", "MX", "5 other.a.test.")
    fresh = resolver.ask("a.test", fresh=True)
    assert (fresh.look, fresh.policy.id, fresh.hosts[0]["name"]) == ("found", "2", "other.a.test")
    world.domain("a.test", identity="3")
    again = resolver.ask("a.test", fresh=True)
    assert (again.look, again.policy.id) == ("found", "3")


def test_forgotten_at_the_operators_word(world):
    world.domain("a.test")
    resolver = world.start()
    assert resolver.ask("a.test").look == "found"
    world.domain("a.test", "404")
    assert resolver.ask("a.test").policy is not None
    dossier = resolver.ask("a.test", forget=True)
    assert (dossier.look, dossier.policy) == ("fetch-failed", None)


def test_slow_fetch_goes_on_behind(world):
    world.domain("a.test", "held")
    resolver = world.start()
    first = resolver.ask("a.test")
    assert (first.look, first.policy) == ("fetch-failed", None)
    assert "goes on" in first.detail
    world.policy.release()
    second = later(resolver, "a.test", lambda d: d.policy is not None)
    assert (second.look, second.policy.mode) == ("found", "enforce")
    assert world.policy.asked("a.test") == 1


def test_silent_and_dripping_hosts_are_given_up(world):
    """The places for fetches are bounded: nobody may hold one for long."""
    world.domain("silent.test", "silent")
    world.domain("slow.test", "slow")
    resolver = world.start()
    assert [d.look for d in resolver.ask_all(["silent.test", "slow.test"])] == ["fetch-failed"] * 2
    for domain in ("silent.test", "slow.test"):
        assert later(resolver, domain, lambda d: "in time" in d.detail).policy is None


def test_private_policy_hosts_are_refused(world):
    world.domain("a.test")
    dossier = world.start(**{"courier.allow-private": "false"}).ask("a.test")
    assert (dossier.look, world.policy.asked("a.test")) == ("fetch-failed", 0)
    assert "private" in dossier.detail


def test_bogus_answers_give_no_policy(signed):
    signed.domain("a.sec.test")
    signed.domain("b.sec.test")
    signed.domain("c.sec.test")
    signed.dns.damage("_mta-sts.b.sec.test", "TXT", "forge")
    signed.dns.damage("mta-sts.c.sec.test", "A", "forge")
    resolver = signed.start()
    good, record, host = resolver.ask_all(["a.sec.test", "b.sec.test", "c.sec.test"])
    assert (good.status, good.secure, good.look) == ("ok", True, "found")
    assert (record.look, "signatures" in record.detail) == ("dns-failed", True)
    assert (host.look, "signatures" in host.detail) == ("fetch-failed", True)


def test_tlsa_and_policy_travel_together(signed):
    signed.domain("a.sec.test")
    signed.dns.add("_25._tcp.mx.a.sec.test", "TLSA", "3 1 1 " + "ab" * 32, "2 0 1 " + "cd" * 32)
    dossier = signed.start().ask("a.sec.test")
    host = dossier.hosts[0]
    assert (host["secure"], host["tlsa"], host["base"], len(host["records"])) == (True, 2, "mx.a.sec.test", 2 * (3 + 4 + 32))
    assert dossier.look == "found"


def test_port_of_tlsa_names_is_the_couriers(signed):
    signed.domain("a.sec.test")
    signed.dns.add("_2525._tcp.mx.a.sec.test", "TLSA", "3 1 1 " + "ab" * 32)
    assert signed.start(**{"courier.port": 2525}).ask("a.sec.test").hosts[0]["tlsa"] == 2


def test_largest_answer_fits_one_message(signed):
    """Thirty hosts with two dozen records: what does not fit is a failure of that host, and the answer is still one."""
    hosts = [f"mx{n}.big.sec.test" for n in range(30)]
    signed.dns.mail_domain("big.sec.test", *hosts, address="127.0.0.9")
    for host in hosts:
        signed.dns.add(f"_25._tcp.{host}", "TLSA", *(f"3 0 0 {n:02x}{'ab' * 400}" for n in range(20)))
    dossier = signed.start().ask("big.sec.test")
    states = [h["tlsa"] for h in dossier.hosts]
    assert len(states) == 30
    assert set(states) == {2, 4}, states
    assert all((h["tlsa"] == 2) == (len(h["records"]) > 0) for h in dossier.hosts)


def test_many_domains_at_once(world):
    names = [f"d{n}.test" for n in range(60)]
    for name in names:
        world.domain(name)
    for dossier in world.start().ask_all(names):
        assert (dossier.status, dossier.look) == ("ok", "found")


def test_garbage_drops_that_courier_only(world):
    world.domain("a.test")
    resolver = world.start()
    bad = resolver.meet()
    bad.send(60, b"\x00\x00\x00\x01a\x00\x00\x00\x00\x02", 5)
    with pytest.raises(EOFError):
        bad.receive()
    assert resolver.ask("a.test").look == "found"


def test_reload_starts_again_only_where_needed(world):
    world.domain("a.test")
    resolver = world.start()
    assert resolver.ask("a.test").look == "found"
    text = Resolver.text(world.settings, None).encode()
    resolver.control.send(RELOAD, blob(b"/lab.conf") + blob(text))
    assert resolver.ask("a.test").look == "found"
    other = Resolver.text({**world.settings, "resolver.sts-port": 1}, None).encode()
    resolver.control.send(RELOAD, blob(b"/lab.conf") + blob(other))
    assert resolver.process.wait(20) == 0


def test_start_without_authorities_is_refused(world):
    path = Path(world.lab.folder) / "empty.pem"
    path.write_text("nothing\n", encoding="ascii")
    with pytest.raises(RuntimeError, match="no certificate in it"):
        world.start(authorities=str(path))

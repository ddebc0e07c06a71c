# SPDX-License-Identifier: Apache-2.0
"""The resolver's view of the DNS: what MX sets, addresses, failures and signatures become in a dossier."""
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.net import BUILD, Net
from tests.lab.signed import SignedServer


def tool():
    build = Path(os.environ.get("SEALPOST_BUILD") or BUILD / "debug")
    return build / "tests/unit/net/dns_dossier"


@pytest.fixture
def server():
    net = Net()
    address = net.address()
    server = SignedServer(address, net.free_port(address))
    yield server
    server.close()
    net.close()


def dossiers(server, *domains, anchor=None, tmp_path=None):
    """Asks one client for the domains in turn; gives its lines."""
    path = "-"
    if anchor is not None:
        path = str(tmp_path / "anchor")
        Path(path).write_text(anchor, encoding="ascii")
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # the leak check needs ptrace, which the sandbox refuses
    run = subprocess.run([tool(), server.endpoint, path, *domains], capture_output=True, text=True, timeout=100,
                         check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "the library must not write: a domain is private"
    return [line.strip() for line in run.stdout.splitlines()]


def test_mail_hosts_by_preference_with_both_families(server):
    server.mail_domain("a.test", "mx1.a.test", "mx2.a.test", address="127.0.0.9")
    server.add("mx2.a.test", "AAAA", "2001:db8::1")
    assert dossiers(server, "a.test") == ["a.test ok | 10 mx1.a.test ok 127.0.0.9 | 20 mx2.a.test ok 127.0.0.9 2001:db8::1"]


def test_implicit_null_and_dangling(server):
    server.add("implicit.test", "A", "127.0.0.3")
    server.add("null.test", "MX", "0 .")
    server.add("empty.test", "TXT", "x")
    server.add("dangling.test", "MX", "10 nowhere.test.")
    assert dossiers(server, "implicit.test", "null.test", "empty.test", "dangling.test", "absent.test") == [
        "implicit.test ok implicit | 0 implicit.test ok 127.0.0.3",
        "null.test null-mx",
        "empty.test nodata implicit | 0 empty.test nodata",
        "dangling.test ok | 10 nowhere.test nxdomain",
        "absent.test nxdomain"]


def test_aliases_and_loops(server):
    server.mail_domain("a.test", "mx.a.test", address="127.0.0.9")
    server.add("alias.test", "CNAME", "a.test.")
    server.add("loop.test", "CNAME", "pool.test.")
    server.add("pool.test", "CNAME", "loop.test.")
    server.add("b.test", "MX", "5 host.b.test.")
    server.add("host.b.test", "CNAME", "mx.a.test.")
    assert dossiers(server, "alias.test", "loop.test", "b.test") == [
        "alias.test ok | 10 mx.a.test ok 127.0.0.9",
        "loop.test loop",
        "b.test ok | 5 host.b.test ok alias mx.a.test 127.0.0.9"]


def test_built_in_zones_are_asked_for(server):
    for domain in ("x.localhost", "x.invalid", "x.test", "x.onion", "x.home.arpa"):
        server.mail_domain(domain, f"mx.{domain}", address="127.0.0.9")
        assert dossiers(server, domain) == [f"{domain} ok | 10 mx.{domain} ok 127.0.0.9"]


def test_failures_are_told_apart(server):
    for how in ("servfail", "refused", "garbage", "truncate"):
        server.mail_domain(f"{how}.test", "mx.test", address="127.0.0.9")
        server.fail(f"{how}.test", how)
    server.add("odd.test", "MX", "10 a\\032b.test.", "20 c\\010d.test.")
    lines = dossiers(server, "servfail.test", "refused.test", "garbage.test", "truncate.test", "odd.test", "a..b", "[127.0.0.1]")
    assert lines[0] == "servfail.test servfail"
    assert lines[1] == "refused.test servfail"
    assert lines[2] in ("garbage.test servfail", "garbage.test timeout")
    assert lines[3].startswith("truncate.test ok | 10 mx.test ok")
    assert lines[4:] == ["odd.test malformed", "a..b malformed", "[127.0.0.1] malformed"]


def test_one_silent_domain_does_not_silence_the_others(server):
    server.mail_domain("a.test", "mx.a.test", address="127.0.0.9")
    server.mail_domain("b.test", "mx.b.test", address="127.0.0.9")
    for name in ("silent1.test", "silent2.test"):
        server.fail(name, "timeout")
    started = time.monotonic()
    assert dossiers(server, "silent1.test", "a.test", "silent2.test", "b.test") == [
        "silent1.test timeout", "a.test ok | 10 mx.a.test ok 127.0.0.9",
        "silent2.test timeout", "b.test ok | 10 mx.b.test ok 127.0.0.9"]
    assert time.monotonic() - started < 25


def test_no_name_is_asked_for_twice_within_its_life(server):
    server.mail_domain("a.test", "mx.a.test", address="127.0.0.9")
    dossiers(server, "a.test", "a.test", "a.test")
    assert server.asked("a.test", "MX") == 1
    assert server.asked("mx.a.test", "A") == 1


@pytest.fixture
def signed(server, tmp_path):
    """sec.test is signed and anchored, plain.test is not."""
    anchor = "; comment\n\n" + server.sign("sec.test")
    server.mail_domain("a.sec.test", "mx.sec.test", address="127.0.0.9")
    server.mail_domain("plain.test", "mx.plain.test", address="127.0.0.8")
    server.add("implicit.sec.test", "A", "127.0.0.7")
    server.add("null.sec.test", "MX", "0 .")
    server.add("out.sec.test", "MX", "10 mx.plain.test.")
    server.add("in.plain.test", "MX", "10 mx.sec.test.")
    return server, lambda *domains: dossiers(server, *domains, anchor=anchor, tmp_path=tmp_path)


def test_signed_answers_and_denials_are_secure(signed):
    _, ask = signed
    assert ask("a.sec.test", "implicit.sec.test", "null.sec.test", "absent.sec.test") == [
        "a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 tlsa none",
        "implicit.sec.test ok secure implicit | 0 implicit.sec.test ok secure 127.0.0.7 tlsa none",
        "null.sec.test null-mx secure",
        "absent.sec.test nxdomain secure"]


def test_security_of_mx_and_of_addresses_is_kept_apart(signed):
    _, ask = signed
    assert ask("plain.test", "out.sec.test", "in.plain.test") == [
        "plain.test ok | 10 mx.plain.test ok 127.0.0.8",
        "out.sec.test ok secure | 10 mx.plain.test ok 127.0.0.8",
        "in.plain.test ok | 10 mx.sec.test ok secure 127.0.0.9"]


def test_unsigned_delegation_is_insecure(signed):
    server, ask = signed
    server.delegate_unsigned("sub.sec.test")
    server.mail_domain("sub.sec.test", "mx.sub.sec.test", address="127.0.0.6")
    assert ask("sub.sec.test") == ["sub.sec.test ok | 10 mx.sub.sec.test ok 127.0.0.6"]


@pytest.mark.parametrize("how", ["forge", "strip", "outdate"])
def test_bad_signatures_are_bogus(signed, how):
    server, ask = signed
    server.damage("a.sec.test", "MX", how)
    assert ask("a.sec.test") == ["a.sec.test bogus"]


def test_bogus_addresses_give_no_address(signed):
    server, ask = signed
    server.damage("mx.sec.test", "A", "forge")
    assert ask("a.sec.test") == ["a.sec.test ok secure | 10 mx.sec.test bogus"]


def test_forged_absence_is_bogus(signed):
    server, ask = signed
    server.damage("sec.test", "SOA", "strip")
    for name in ("absent.sec.test", "a.sec.test", "sec.test"):
        server.damage(name, "NSEC", "strip")
    server.damage("mx.sec.test", "NSEC", "strip")
    assert ask("absent.sec.test") == ["absent.sec.test bogus"]


def test_bogus_alias_is_not_followed(signed):
    server, ask = signed
    server.add("moved.sec.test", "CNAME", "plain.test.")
    server.damage("moved.sec.test", "CNAME", "forge")
    assert ask("moved.sec.test") == ["moved.sec.test bogus"]


def test_bad_anchor_is_refused(server, tmp_path):
    path = tmp_path / "anchor"
    for text in ("nonsense\n", "sec.test. IN DS 1 2\n", "sec.test. IN A 127.0.0.1\n"):
        path.write_text(text, encoding="ascii")
        run = subprocess.run([tool(), server.endpoint, str(path), "a.test"], capture_output=True, text=True, timeout=60,
                             check=False)
        assert run.returncode == 1
        assert "trust anchor" in run.stderr


# TLSA records (RFC 7672 2.2)

DIGEST = "ab" * 32
FOUND = f"tlsa found 3-1-1-{DIGEST}"


@pytest.fixture
def dane(signed):
    """a.sec.test's host has a TLSA record."""
    server, ask = signed
    server.add("_25._tcp.mx.sec.test", "TLSA", f"3 1 1 {DIGEST}")
    return server, ask


def test_tlsa_of_a_secure_host(dane):
    _, ask = dane
    assert ask("a.sec.test", "implicit.sec.test") == [
        f"a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 {FOUND}",
        "implicit.sec.test ok secure implicit | 0 implicit.sec.test ok secure 127.0.0.7 tlsa none"]


def test_tlsa_is_not_asked_for_unless_mx_and_addresses_are_secure(dane):
    server, ask = dane
    ask("in.plain.test", "out.sec.test", "plain.test")
    assert server.asked("_25._tcp.mx.sec.test") == 0 == server.asked("_25._tcp.mx.plain.test")


def test_tlsa_below_an_unsigned_delegation_is_none(dane):
    server, ask = dane
    server.remove("_25._tcp.mx.sec.test", "TLSA")
    server.delegate_unsigned("_tcp.mx.sec.test")
    server.add("_25._tcp.mx.sec.test", "TLSA", f"3 1 1 {DIGEST}")
    assert ask("a.sec.test") == ["a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 tlsa none"]


@pytest.mark.parametrize("how, state", [("servfail", "failed"), ("refused", "failed"), ("timeout", "failed"), ("garbage", "failed")])
def test_tlsa_failures(dane, how, state):
    server, ask = dane
    server.fail("_25._tcp.mx.sec.test", how, "TLSA")
    assert ask("a.sec.test") == [f"a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 tlsa {state}"]


@pytest.mark.parametrize("how", ["forge", "strip", "outdate"])
def test_tlsa_with_bad_signatures_is_bogus(dane, how):
    server, ask = dane
    server.damage("_25._tcp.mx.sec.test", "TLSA", how)
    assert ask("a.sec.test") == ["a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 tlsa bogus"]


def test_forged_absence_of_tlsa_is_bogus(signed):
    server, ask = signed
    server.add("mx.sec.test", "AAAA", "::1")
    server.damage("mx.sec.test", "NSEC", "strip")
    assert ask("a.sec.test") == ["a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 ::1 tlsa bogus"]


def test_tlsa_by_an_alias_of_its_own_name(dane):
    server, ask = dane
    server.mail_domain("b.sec.test", "mx2.sec.test", address="127.0.0.5")
    server.add("_25._tcp.mx2.sec.test", "CNAME", "_25._tcp.mx.sec.test.")
    server.mail_domain("c.sec.test", "mx3.sec.test", address="127.0.0.4")
    server.add("_25._tcp.mx3.sec.test", "CNAME", "dane.plain.test.")
    server.add("dane.plain.test", "TLSA", f"3 1 1 {DIGEST}")
    assert ask("b.sec.test", "c.sec.test") == [
        f"b.sec.test ok secure | 10 mx2.sec.test ok secure 127.0.0.5 {FOUND}",
        "c.sec.test ok secure | 10 mx3.sec.test ok secure 127.0.0.4 tlsa none"]


def test_tlsa_of_a_host_that_is_an_alias(dane):
    server, ask = dane
    server.add("b.sec.test", "MX", "10 alias.sec.test.")
    server.add("alias.sec.test", "CNAME", "mx.sec.test.")
    expanded = f"tlsa found expanded 3-1-1-{DIGEST}"
    assert ask("b.sec.test") == [f"b.sec.test ok secure | 10 alias.sec.test ok secure alias mx.sec.test 127.0.0.9 {expanded}"]
    server.remove("_25._tcp.mx.sec.test", "TLSA")
    server.add("_25._tcp.alias.sec.test", "TLSA", f"3 1 1 {DIGEST}")
    assert ask("b.sec.test") == [f"b.sec.test ok secure | 10 alias.sec.test ok secure alias mx.sec.test 127.0.0.9 {FOUND}"]


def test_tlsa_of_a_signed_alias_that_leads_out_of_the_signed_part(dane):
    """RFC 7672 2.2.2: the addresses are not secure, the alias is: records below the host's own name count."""
    server, ask = dane
    server.add("b.sec.test", "MX", "10 alias.sec.test.")
    server.add("alias.sec.test", "CNAME", "mx.plain.test.")
    server.add("_25._tcp.mx.plain.test", "TLSA", "3 1 1 " + "cd" * 32)
    host = "b.sec.test ok secure | 10 alias.sec.test ok alias mx.plain.test 127.0.0.8"
    assert ask("b.sec.test") == [f"{host} tlsa none"]
    server.add("_25._tcp.alias.sec.test", "TLSA", f"3 1 1 {DIGEST}")
    assert ask("b.sec.test") == [f"{host} {FOUND}"]
    assert server.asked("_25._tcp.mx.plain.test") == 0


def test_tlsa_when_the_domain_itself_is_an_alias(dane):
    server, ask = dane
    server.add("inner.sec.test", "CNAME", "a.sec.test.")
    server.add("outer.plain.test", "CNAME", "a.sec.test.")
    assert ask("inner.sec.test", "outer.plain.test") == [
        f"inner.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 {FOUND}",
        "outer.plain.test ok | 10 mx.sec.test ok secure 127.0.0.9"]


def test_tlsa_records_beyond_the_limit_fail(dane):
    server, ask = dane
    server.add("_25._tcp.mx.sec.test", "TLSA", *(f"3 1 1 {n:064x}" for n in range(32)))
    assert ask("a.sec.test") == ["a.sec.test ok secure | 10 mx.sec.test ok secure 127.0.0.9 tlsa failed"]

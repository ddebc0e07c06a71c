# SPDX-License-Identifier: Apache-2.0
"""`sealpost explain`: what it says of a domain is what becomes of mail to it, it never sends mail, it looks politely and
with few rights, and nothing a stranger says steers a terminal, a spreadsheet or a browser."""
import csv
import io
import json
import os
import re
import signal
import subprocess
import threading
import time
from html.parser import HTMLParser

import pytest

from tests.lab.policy import PolicyHost
from tests.lab.receiver import Reply
from tests.lab.sealpost import program
from tests.lab.signed import SignedServer
from tests.lab.world import STATES

DELIVERED, NOT, USAGE = 0, 1, 2
ROLE_COURIER, ROLE_RESOLVER = 4, 5
EVIL = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\"'&=1+1\x9b31m\u202e"


def explain(sealpost, *arguments, timeout=120):
    done = sealpost.run("explain", *arguments, check=False, timeout=timeout)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done


def explain_json(sealpost, *arguments):
    done = explain(sealpost, *arguments, "--json")
    return done.returncode, json.loads(done.stdout)


def start(sealpost, *arguments, **more):
    return subprocess.Popen([program("sealpost"), "-c", sealpost.conf, "explain", *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


@pytest.fixture(scope="module")
def world(shared_lab):
    """A receiver in each state, and an instance that does not run."""
    for state in STATES:
        shared_lab.receiver(state)
    return shared_lab.sealpost(start=False)


# what is said

@pytest.mark.parametrize("state", sorted(STATES))
def test_says_what_becomes_of_mail_and_sends_none(shared_lab, world, state):
    receiver = shared_lab.receivers[f"mx.{state}.test"]
    before = len(receiver.sessions)
    code, said = explain_json(world, f"{state}.test")
    assert said["end"] == STATES[state][2]
    assert code == (DELIVERED if said["end"] == "delivered" else NOT)
    # what is negotiated under strict may not do for nist (X25519), so that is looked at by itself
    assert {p: v["action"] == "send" for p, v in said["verdicts"].items() if p != "fips"} == \
        dict.fromkeys(("strict", "nist"), said["end"] == "delivered")
    for session in receiver.sessions[before:]:
        verbs = session.verbs()
        assert set(verbs) <= {"EHLO", "STARTTLS", "QUIT"}, verbs
        assert verbs[-1] == "QUIT" or state.startswith(("starttls", "tls1", "weak-suite"))
    assert not receiver.messages


@pytest.mark.parametrize("state", sorted(s for s, (_, _, end) in STATES.items() if end != "delivered"))
def test_failures_are_told_to_clerk_engineer_and_owner(world, state):
    _, said = explain_json(world, f"{state}.test")
    text = explain(world, f"{state}.test").stdout
    verdict = said["verdict"]
    clerk, _, rest = text.partition("\nWhat the owner of the domain should mend:\n")
    owner, _, engineer = rest.partition("\nFor engineers:\n")
    assert verdict["clerk"] in clerk and "TLS 1" not in clerk
    assert said["mend"] and said["mend"][0]["reason"] == verdict["reason"]
    assert said["mend"][0]["mend"] in owner and f"#{verdict['reason']}" in owner
    assert verdict["engineer"] in engineer and f"mx.{state}.test" in engineer
    assert "nist" in engineer and "strict" in engineer


def test_the_engineer_sees_the_session(shared_lab, world):
    text = explain(world, "tls13.test").stdout
    receiver = shared_lab.receivers["mx.tls13.test"]
    certificate = receiver.certificate
    for seen in ("TLSv1.3", receiver.sessions[-1].cipher, certificate.fingerprint(), "issuer CN=Lab Issuing",
                 "names mx.tls13.test", "EC P-256", "OCSP staple none", receiver.address, "SMTPUTF8", "unknown"):
        assert seen in text, seen


def test_evidence_is_judged_again_by_the_same_judge(world):
    judge = os.path.join(os.environ.get("SEALPOST_BUILD", "build/debug"), "tests/unit/trust/trust_judge")
    for state in sorted(STATES):
        _, said = explain_json(world, f"{state}.test")
        again = subprocess.run([judge], input=json.dumps(said["evidence"]) + "\n", capture_output=True, text=True, timeout=60)
        verdict = json.loads(again.stdout)["verdict"]
        assert {k: verdict[k] for k in ("action", "reason", "level", "attack")} == \
            {k: said["verdict"][k] for k in ("action", "reason", "level", "attack")}


def test_agrees_with_what_is_done(lab):
    """Mail is sent to hosts in several states; the reason explained is the one in the trace."""
    sealpost = lab.sealpost()
    states = ["tls13", "expired", "no-tls", "wrong-name", "unknown-authority", "starttls-rejected"]
    receivers = {state: lab.receiver(state) for state in states}
    ids = {state: sealpost.submit(f"a@{r.domain}") for state, r in receivers.items()}
    for state, receiver in receivers.items():
        row = sealpost.outcome(ids[state])
        _, said = explain_json(sealpost, receiver.domain)
        assert said["end"] == row["state"]
        if row["state"] == "posted":
            assert said["verdict"]["reason"] == row["reason"]
    _, said = explain_json(sealpost, "tls13.test")
    assert said["shown_before"]["level"] == "pkix"
    assert "pkix, last at " in explain(sealpost, "tls13.test").stdout
    _, said = explain_json(sealpost, "expired.test")
    assert said["shown_before"] == {"level": "none", "at": None}


def test_a_fall_below_what_was_shown_is_an_attack(lab):
    sealpost = lab.sealpost()
    receiver = lab.receiver("good", "tls13")
    sealpost.outcome(sealpost.submit(f"a@{receiver.domain}"))
    receiver.show_certificate(lab.certificate(receiver.host, self_signed=True))
    code, said = explain_json(sealpost, receiver.domain)
    assert code == NOT and said["end"] == "later" and said["verdict"]["reason"] == "proof-fell"
    assert said["verdict"]["attack"]
    assert "attacker" in "".join(said["clerk"])


def test_dns_ends(lab):
    sealpost = lab.sealpost(start=False)
    lab.dns.add("nullmx.test", "MX", "0 .")
    lab.dns.add("dangling.test", "MX", "10 gone.dangling.test.")
    lab.dns.add("empty.test", "TXT", '"nothing"')
    lab.dns.fail("broken.test", "servfail")
    for domain, end, reason in (("nullmx.test", "returned", "null-mx"), ("nosuch.test", "returned", "no-such-domain"),
                                ("empty.test", "returned", "no-mail-server"), ("dangling.test", "later", "dangling-mx"),
                                ("broken.test", "later", "dns-failed")):
        code, said = explain_json(sealpost, domain)
        assert (code, said["end"], said["verdict"]["reason"]) == (NOT, end, reason)


def test_every_address_of_every_host_is_looked_at(lab):
    """Also behind the first that would take the mail; and the worst certificate is named for mending."""
    sealpost = lab.sealpost(start=False)
    good = lab.host("a.mixed.test", "tls13")
    second = lab.host("b.mixed.test", "expired")
    lab.dns.add("a.mixed.test", "A", lab.net.address())  # nobody listens there
    lab.dns.add("mixed.test", "MX", "10 a.mixed.test.", "20 b.mixed.test.")
    code, said = explain_json(sealpost, "mixed.test")
    assert code == DELIVERED and said["end"] == "delivered"
    assert len(good.sessions) >= 1 and len(second.sessions) >= 1
    assert sorted(a["connect"] for a in said["hosts"][0]["addresses"]) == ["connected", "refused"]
    assert {m["reason"] for m in said["mend"]} == {"connection-refused", "certificate-expired"}


def test_dane_is_proved_and_its_records_are_shown(lab):
    lab.dns.close()
    lab.dns = SignedServer(lab.dns.address, lab.net.free_port(lab.dns.address))
    anchor = os.path.join(lab.folder, "anchor")
    with open(anchor, "w", encoding="ascii") as out:
        out.write(lab.dns.sign("signed.test"))
    receiver = lab.host("mx.signed.test", "self-signed")
    lab.dns.add("signed.test", "MX", "10 mx.signed.test.")
    lab.dns.add(f"_{lab.smtp_port}._tcp.mx.signed.test", "TLSA", f"3 0 1 {receiver.certificate.fingerprint()}")
    sealpost = lab.sealpost(start=False, settings={"resolver.trust-anchor": anchor})
    code, said = explain_json(sealpost, "signed.test")
    assert code == DELIVERED and said["verdict"]["level"] == "dane" and said["dnssec"]
    host = said["hosts"][0]
    assert host["tlsa"] == "usable" and host["tlsa_records"] == [f"3 0 1 {receiver.certificate.fingerprint()}"]
    assert host["addresses"][0]["dane"]["matched"]
    assert "4 of 4" in explain(sealpost, "signed.test").stdout
    lab.dns.remove(f"_{lab.smtp_port}._tcp.mx.signed.test", "TLSA")
    lab.dns.add(f"_{lab.smtp_port}._tcp.mx.signed.test", "TLSA", "3 0 1 " + "00" * 32)
    time.sleep(0)
    code, said = explain_json(sealpost, "signed.test")
    assert code == NOT and said["verdict"]["attack"] and said["verdict"]["reason"].startswith("dane")


@pytest.fixture
def policies(lab):
    host = PolicyHost(lab)
    yield host
    host.close()


def test_policies_are_shown_and_count(lab, policies):
    sealpost = lab.sealpost(start=False, settings={"resolver.sts-port": policies.port})
    for name in ("named", "unnamed", "testing", "broken"):
        lab.receiver(name, "tls13")
    policies.publish("named.test", mx=["*.named.test"], max_age=604800, identity="id7")
    policies.publish("unnamed.test", mx=["mx.elsewhere.test"])
    policies.publish("testing.test", mode="testing")
    policies.publish("broken.test", "redirect")
    code, said = explain_json(sealpost, "named.test")
    assert code == DELIVERED and said["verdict"]["level"] == "sts" and said["hosts"][0]["named_by_policy"]
    policy = said["mta_sts"]
    assert (policy["look"], policy["mode"], policy["id"], policy["max_age"], policy["mx"]) == \
        ("found", "enforce", "id7", 604800, ["*.named.test"])
    text = explain(sealpost, "named.test").stdout
    assert "mode enforce, id id7, max_age 604800 s" in text and re.search(r"fetched \S+, \d+ s ago", text)
    assert "3 of 4" in text
    code, said = explain_json(sealpost, "unnamed.test")
    assert code == NOT and said["verdict"]["reason"] == "sts-host-mismatch" and said["verdict"]["attack"]
    code, said = explain_json(sealpost, "testing.test")
    assert code == DELIVERED and said["verdict"]["level"] == "pkix" and said["mta_sts"]["mode"] == "testing"
    code, said = explain_json(sealpost, "broken.test")
    assert code == DELIVERED and said["verdict"]["level"] == "pkix" and said["mta_sts"]["look"] == "fetch-failed"
    assert said["mta_sts"]["detail"] and [m["reason"] for m in said["mend"]] == ["sts-fetch-failed"]


def test_a_kept_policy_counts(lab, policies):
    """What sealpostd keeps of a domain holds here as it does there, when the policy host is gone."""
    sealpost = lab.sealpost(settings={"resolver.sts-port": policies.port})
    receiver = lab.receiver("kept", "tls13")
    policies.publish("kept.test")
    assert sealpost.outcome(sealpost.submit("a@kept.test"))["state"] == "delivered"
    policies.publish("kept.test", "refused", identity="id2")
    code, said = explain_json(sealpost, "kept.test")
    assert code == DELIVERED and said["verdict"]["level"] == "sts" and said["mta_sts"]["look"] == "kept"
    assert said["shown_before"]["level"] == "sts" and receiver.messages
    assert [m["reason"] for m in said["mend"]] == ["sts-policy-vanished"]


@pytest.mark.parametrize("demand", [{"trust.minimum": "dane"}, {'tenant "default".0': {"minimum": "dane"}},
                                    {'domain "tls13.test".0': {"minimum": "dane"}}])
def test_demands_of_the_configuration_count(lab, demand):
    receiver = lab.receiver("tls13")
    sealpost = lab.sealpost(start=False, settings=demand)
    code, said = explain_json(sealpost, receiver.domain)
    assert code == NOT and said["minimum"] == "dane" and said["verdict"]["reason"] == "proof-below-minimum"


def test_profiles_are_told_apart(lab):
    """ChaCha20 alone: fine for strict, not for nist. Fips is never claimed here: this machine has no such provider."""
    receiver = lab.receiver("chacha", "rsa", maximum="1.2", ciphers="ECDHE-RSA-CHACHA20-POLY1305")
    sealpost = lab.sealpost(start=False)
    code, said = explain_json(sealpost, receiver.domain)
    assert code == DELIVERED and said["verdicts"]["strict"]["action"] == "send"
    assert said["verdicts"]["nist"]["action"] == "post"
    assert "fips" not in said["verdicts"]


# addresses and the command line

def test_address_and_international_names(lab):
    receiver = lab.host("mx.xn--bcher-kva.test", "tls13")
    lab.dns.add("xn--bcher-kva.test", "MX", "10 mx.xn--bcher-kva.test.")
    sealpost = lab.sealpost(start=False)
    for arguments in (["bücher.test"], ["BÜCHER.test", "--address", "a@bücher.test"], ["--address", '"x@y"@bücher.test'],
                      ["a@bücher.test"], ["xn--bcher-kva.test"]):
        code, said = explain_json(sealpost, *arguments)
        assert code == DELIVERED and said["domain"] == "xn--bcher-kva.test", arguments
    assert not [v for s in receiver.sessions for v in s.verbs() if v in ("MAIL", "RCPT", "VRFY")]
    literal = explain_json(sealpost, f"[{receiver.address}]")
    assert literal[0] == NOT and literal[1]["verdict"]["reason"] == "certificate-host-mismatch"


def test_an_address_that_needs_smtputf8(lab):
    plain = lab.receiver("plain", "tls13", features=["SIZE 1000000", "8BITMIME"])
    able = lab.receiver("able", "tls13")
    sealpost = lab.sealpost(start=False)
    code, said = explain_json(sealpost, "--address", f"ärztin@{plain.domain}")
    assert code == NOT and said["verdict"]["reason"] == "no-smtputf8"
    assert explain_json(sealpost, "--address", f"ärztin@{able.domain}")[0] == DELIVERED


@pytest.mark.parametrize("arguments", [[], ["a.test", "b.test"], ["--file"], ["-x", "a.test"], ["a.test", "--csv", "x"],
                                       ["a.test", "--address", "x@b.test"], ["not a domain"], ["a.test", "--every", "5s"],
                                       ["--file", "x", "--watch"]])
def test_wrong_command_lines(world, arguments):
    assert explain(world, *arguments).returncode == USAGE


# watching

def test_watch_tells_when_it_is_mended_and_only_then(lab):
    receiver = lab.receiver("mended", "expired")
    sealpost = lab.sealpost(start=False)
    watch = start(sealpost, receiver.domain, "--watch", "--every", "1s")
    try:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(watch.stdout.readline, b"")))
        reader.start()
        receiver.wait_sessions(6, 60)  # at least two looks under two profiles, none with news
        receiver.show_certificate(lab.certificate(receiver.host))
        end = time.monotonic() + 60
        while sum(line.startswith(b"---") for line in lines) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        seen = len(receiver.sessions)
        receiver.wait_sessions(seen + 4, 60)
        watch.send_signal(signal.SIGINT)
        assert watch.wait(20) == DELIVERED
        reader.join(10)
    finally:
        if watch.poll() is None:
            watch.kill()
    text = b"".join(lines).decode()
    assert text.count("\n--- ") + text.startswith("--- ") == 2
    first, _, second = text[4:].partition("\n--- ")
    assert "certificate-expired" in first and "would not be delivered" in first
    assert "would be delivered" in second and "certificate-expired" not in second


# rights

def test_looks_with_few_rights_and_leaves_nothing(lab):
    if os.geteuid() != 0:
        pytest.skip("needs root to see root given up")
    receiver = lab.receiver("slow", "tls13", replies={"greeting": Reply("220 slow.test", delay=4)})
    sealpost = lab.sealpost(start=False)
    looking = start(sealpost, receiver.domain)
    end = time.monotonic() + 60
    while not receiver.sessions and time.monotonic() < end:
        time.sleep(0.05)
    first = 61440
    status = open(f"/proc/{looking.pid}/status", encoding="ascii").read()
    children = open(f"/proc/{looking.pid}/task/{looking.pid}/children", encoding="ascii").read().split()
    assert len(children) == 1
    resolver = open(f"/proc/{children[0]}/status", encoding="ascii").read()
    for text, uid in ((status, first + ROLE_COURIER), (resolver, first + ROLE_RESOLVER)):
        assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", text, re.M), text
        assert re.search(rf"^Gid:\t{uid}\t{uid}\t{uid}\t{uid}$", text, re.M)
        assert re.search(r"^Groups:\t *$", text, re.M)
        assert re.search(r"^NoNewPrivs:\t1$", text, re.M) and re.search(r"^Seccomp:\t2$", text, re.M)
        assert re.search(r"^CapEff:\t0+$", text, re.M)
    sockets = [os.readlink(f"/proc/{looking.pid}/fd/{n}") for n in os.listdir(f"/proc/{looking.pid}/fd")]
    assert not [s for s in sockets if "keys" in s or "store" in s]
    assert looking.wait(60) == DELIVERED
    assert not os.path.exists(f"/proc/{children[0]}")


def test_asks_memory_first_and_lets_go_of_the_control_sockets(lab):
    """While strangers are listened to, no connection to store or keyd is held."""
    sealpost = lab.sealpost()
    receiver = lab.receiver("slow", "tls13", replies={"greeting": Reply("220 slow.test", delay=4)})
    looking = start(sealpost, receiver.domain)
    end = time.monotonic() + 60
    while not receiver.sessions and time.monotonic() < end:
        time.sleep(0.05)
    held = {os.readlink(f"/proc/{looking.pid}/fd/{n}") for n in os.listdir(f"/proc/{looking.pid}/fd")}
    local = {f"socket:[{line.split()[6]}]" for line in open("/proc/net/unix", encoding="utf-8") if line[0] != "N"}
    looking.send_signal(signal.SIGINT)
    looking.communicate(timeout=60)
    assert len(held & local) == 2  # both are the resolver's


def test_works_for_others_than_root(lab, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    receiver = lab.receiver("tls13")
    sealpost = lab.sealpost(start=False)
    copy = tmp_path / "sealpost.conf"
    copy.write_text(sealpost.conf.read_text())
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if str(folder) != "/tmp":
            folder.chmod(folder.stat().st_mode | 0o055)
    copy.chmod(0o644)
    done = subprocess.run(["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", program("sealpost"), "-c",
                           copy, "explain", receiver.domain], capture_output=True, text=True, timeout=120)
    assert done.returncode == DELIVERED, done.stdout + done.stderr
    assert "unknown" in done.stdout


def test_without_a_resolver_program_it_says_so(world, tmp_path):
    lonely = tmp_path / "sealpost"
    lonely.write_bytes(program("sealpost").read_bytes())
    lonely.chmod(0o755)
    done = subprocess.run([lonely, "-c", world.conf, "explain", "tls13.test"], capture_output=True, text=True, timeout=60)
    assert done.returncode == NOT and "sealpost-resolver" in done.stderr and not done.stdout


# surveys

class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def survey(sealpost, folder, names, *more):
    listed = os.path.join(folder, "list.txt")
    with open(listed, "w", encoding="utf-8") as out:
        out.write("\n".join(names) + "\n")
    paths = {kind: os.path.join(folder, f"out.{kind}") for kind in ("csv", "html", "json")}
    done = explain(sealpost, "--file", listed, "--csv", paths["csv"], "--html", paths["html"], "--json", paths["json"], *more,
                   timeout=300)
    texts = {kind: open(path, encoding="utf-8", newline="").read() for kind, path in paths.items()}
    return done, list(csv.DictReader(io.StringIO(texts["csv"]))), json.loads(texts["json"]), texts["html"]


def test_survey_of_two_hundred_domains(lab, tmp_path):
    """Shared hosts are looked at once, at most two connections at a time go to one, and every domain is judged."""
    slow = {"greeting": Reply("220 hosts.test", delay=0.2)}
    hosts = {state: lab.host(f"{state}.hosts.test", state, replies={**STATES[state][1].get("replies", {}), **slow})
             for state in ("tls13", "tls12", "expired", "no-tls", "starttls-refused")}
    ends = {}
    for number in range(200):
        state = list(hosts)[number % 5]
        lab.dns.add(f"d{number}.test", "MX", f"10 {state}.hosts.test.")
        ends[f"d{number}.test"] = STATES[state][2]
    lab.dns.add("other.test", "MX", "0 .")
    ends["other.test"] = "returned"
    # five names for one address: looked at five times, but never by more than two connections at once
    for number in range(5):
        lab.dns.add(f"n{number}.hosts.test", "A", hosts["tls13"].address)
        lab.dns.add(f"s{number}.test", "MX", f"10 n{number}.hosts.test.")
        ends[f"s{number}.test"] = "posted"
    sealpost = lab.sealpost(start=False)
    names = ["domain,name", "# a comment", *ends, "bad domain", "a@D1.test", "=cmd|'/c calc'!A1"]
    done, rows, document, page = survey(sealpost, tmp_path, names)
    assert done.returncode == NOT
    assert {r["domain"]: r["end"] for r in rows} == ends
    assert {r["domain"]: r["end"] for r in document["domains"]} == ends
    assert [r["domain"] for r in rows] == list(ends)
    assert document["summary"]["delivered"] == 80 and document["summary"]["posted"] == 85
    assert document["summary"]["later"] == 40 and document["summary"]["returned"] == 1
    assert document["summary"]["reasons"]["certificate-expired"] == 40
    assert document["summary"]["lines_twice"] == 1
    assert [u["line"] for u in document["unreadable"]] == [2 + len(ends) + 1, 2 + len(ends) + 3]
    assert f"line {2 + len(ends) + 1} is passed over" in done.stderr and "206 of 206 domains" in done.stderr
    assert "80  would be delivered" in done.stdout and "40  certificate-expired" in done.stdout
    assert document["summary"]["connections"] == 10
    assert [len(hosts[s].sessions) for s in ("tls12", "expired", "no-tls", "starttls-refused")] == [1, 1, 1, 1]
    assert len(hosts["tls13"].sessions) == 6
    assert at_once(hosts["tls13"].sessions) <= 2
    assert not [m for h in hosts.values() for m in h.messages]
    parsed = Page(page)
    assert "svg" in parsed.tags and "script" not in parsed.tags and "d199.test" in parsed.text
    assert not [a for a, value in parsed.attributes if a.startswith("on") or a in ("src", "href")]


def at_once(sessions):
    """The most sessions that were open at one time."""
    marks = sorted([(s.started, 1) for s in sessions] + [(s.ended or s.started, -1) for s in sessions])
    most = now = 0
    for _, step in marks:
        now += step
        most = max(most, now)
    return most


def test_survey_of_good_domains_succeeds(lab, tmp_path):
    for name in ("one", "two"):
        lab.receiver(name, "tls13")
    sealpost = lab.sealpost(start=False)
    done, rows, _, _ = survey(sealpost, tmp_path, ["one.test", "x@two.test"])
    assert done.returncode == DELIVERED and [r["level"] for r in rows] == ["pkix", "pkix"]
    to_terminal = explain(sealpost, "--file", tmp_path / "list.txt", "--json")
    assert json.loads(to_terminal.stdout)["summary"]["delivered"] == 2


def test_survey_knows_what_was_shown(lab, tmp_path):
    sealpost = lab.sealpost()
    receiver = lab.receiver("fallen", "tls13")
    sealpost.outcome(sealpost.submit(f"a@{receiver.domain}"))
    receiver.show_certificate(lab.certificate(receiver.host, self_signed=True))
    _, rows, _, _ = survey(sealpost, tmp_path, [receiver.domain])
    assert (rows[0]["end"], rows[0]["reason"], rows[0]["attack"]) == ("later", "proof-fell", "yes")


def test_survey_that_is_interrupted_writes_what_it_has(lab, tmp_path):
    sealpost = lab.sealpost(start=False)
    silent = lab.receiver("silent", "tls13", replies={"greeting": Reply("220 silent.test", delay=60)})
    lab.receiver("good", "tls13")
    (tmp_path / "list").write_text("good.test\nsilent.test\n")
    looking = start(sealpost, "--file", tmp_path / "list", "--csv", tmp_path / "csv")
    errors = []
    reader = threading.Thread(target=lambda: errors.extend(iter(looking.stderr.readline, b"")))
    reader.start()
    end = time.monotonic() + 60
    while not (silent.sessions and any(b"1 of 2" in e for e in errors)) and time.monotonic() < end:
        time.sleep(0.05)
    looking.send_signal(signal.SIGINT)
    assert looking.wait(60) == NOT
    reader.join(10)
    assert "good.test" in (tmp_path / "csv").read_text() and any(b"before all" in e for e in errors)


def test_survey_that_cannot_be_read_or_written(world, tmp_path):
    assert explain(world, "--file", tmp_path / "none").returncode == NOT
    (tmp_path / "list").write_text("tls13.test\n")
    done = explain(world, "--file", tmp_path / "list", "--csv", tmp_path / "no/such/place.csv")
    assert done.returncode == NOT and "place.csv" in done.stderr


# hostile strangers

def test_hostile_words_steer_nothing(lab, tmp_path):
    banner = lab.receiver("banner", "tls13", replies={"greeting": Reply(f"554 {EVIL}")})
    formula = lab.receiver("formula", "tls13", replies={"starttls": Reply("554 =cmd|'/c calc'!A1")})
    names = lab.receiver("names", "tls13")
    names.show_certificate(lab.certificate(names.host, names=[names.host, "x<script>.test", "=1+1.test"]))
    lab.dns.add("alias.test", "MX", "10 \\027[2J\\<script\\>.alias.test.")
    sealpost = lab.sealpost(start=False)
    domains = [banner.domain, formula.domain, names.domain, "alias.test"]
    for domain in domains:
        for arguments in ([domain], [domain, "--json"]):
            done = sealpost.run("explain", *arguments, check=False, timeout=120)
            harmless((done.stdout + done.stderr).encode())
    done, rows, _, page = survey(sealpost, tmp_path, domains)
    harmless((done.stdout + done.stderr).encode())
    harmless(page.encode())
    assert "script" not in Page(page).tags
    for row in rows:
        for value in row.values():
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
            harmless(value.encode())


def harmless(data):
    """No control byte but line ends and tabs, no C1 control, nothing that turns text around."""
    text = data.decode("utf-8")
    assert not [c for c in text if (ord(c) < 0x20 and c not in "\n\r\t") or 0x7f <= ord(c) < 0xa0 or c == "\u202e"], text

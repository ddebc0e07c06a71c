# SPDX-License-Identifier: Apache-2.0
"""The product's judge (trust_judge: documents of facts in, verdicts out) against the model, on cases of the RFCs and on random
facts. $SEALPOST_SEED repeats a run; `./dev fuzz oracle SECONDS` goes on for longer."""
import collections
import json
import os
from pathlib import Path

import jsonschema
import pytest

from tests.lab.net import BUILD
from tests.oracle import compare, generate, model, promises

JUDGE = Path(os.environ.get("SEALPOST_BUILD", BUILD / "debug")) / "tests/unit/trust/trust_judge"
SETS = 100_000
MUTANT_SETS = 3000
TIMES_REACHED = 3
NOW = generate.NOW
VALIDITY = {"from_us": NOW - 1, "until_us": NOW + 1}
PROVED = {"host": "mx1.test", "connect": "ok", "starttls": True, "stage": "ehlo-tls", "ready": True, "dns_secure": True,
          "tls": {"established": True, "protocol": 772, "bits": 256, "aead": True, "ephemeral": True, "cipher": "aes-gcm",
                  "group": "P-256"},
          "cert": {"checked": True, **VALIDITY}, "caps": {"eight_bit": True}}
MATCHES = {"tlsa": "usable", "checked": True, "matched": True, "from_us": -2**63, "until_us": 2**63 - 1}
SIGNED = {"secure": True}
ENFORCED = {"sts": "enforce"}


def facts(*hosts, domain=None, **more):
    return {"version": 2, "now_us": NOW, "domain": domain or {}, "hosts": list(hosts), **more}


def host(**other):
    return {**PROVED, **other}


NO_TLS = host(starttls=False, tls={}, ready=False, stage="ehlo")
STRANGER = host(cert={"checked": True, "fault": "untrusted", **VALIDITY})
# name: (facts, action, reason, level, attack); the names begin with the RFC and section, or trust.md
CASES = {
    "7505-3-null-mx": (facts(domain={"mx": "null-mx"}), "return", "null-mx", "none", False),
    "5321-5.1-no-such-domain": (facts(domain={"mx": "nxdomain"}), "return", "no-such-domain", "none", False),
    "5321-5.1-lookup-failed": (facts(domain={"mx": "servfail"}), "later", "dns-failed", "none", False),
    "7672-2.1.1-bogus-mx-is-not-insecure": (facts(PROVED, domain={"mx": "bogus"}), "later", "dns-bogus", "none", True),
    "7672-2.1.1-failed-tlsa-is-not-none": (facts(host(dane={"tlsa": "failed"}), domain=SIGNED), "later", "tlsa-lookup-failed",
                                           "none", False),
    "7672-2.1.3-bogus-tlsa": (facts(host(dane={"tlsa": "bogus"}), domain=SIGNED), "later", "dns-bogus", "none", True),
    "7672-2.2-dane": (facts(host(dane=MATCHES), domain=SIGNED), "send", "proved", "dane", False),
    "7672-2.2.1-insecure-mx-no-dane": (facts(host(dane={**MATCHES, "matched": False})), "send", "proved", "pkix", False),
    "7672-2.2-no-starttls-with-tlsa": (facts({**NO_TLS, "dane": {"tlsa": "usable"}}, domain=SIGNED), "post", "no-starttls", "none", True),
    "7672-2.2-unusable-records-prove-nothing": (facts({**STRANGER, "dane": {"tlsa": "unusable"}}, domain=SIGNED), "post",
                                                "certificate-not-trusted", "none", False),
    "7672-3.1-valid-pkix-does-not-help": (facts(host(dane={**MATCHES, "matched": False}), domain=SIGNED), "post", "dane-mismatch",
                                          "none", True),
    "7672-3.1.1-usage-3-knows-no-dates": (facts(host(dane=MATCHES, now_us=2**63 - 1), domain=SIGNED), "send", "proved", "dane", False),
    "7672-3.1.2-usage-2-checks-names": (facts(host(dane={**MATCHES, "fault": "name"}), domain=SIGNED), "post",
                                        "certificate-host-mismatch", "none", True),
    "7672-2.2-next-host-after-a-failure": (facts(host(dane={"tlsa": "usable", "checked": True}), host(host="b", dane=MATCHES),
                                                 domain=SIGNED), "send", "proved", "dane", False),
    "8461-4.1-not-named": (facts(PROVED, domain=ENFORCED), "post", "sts-host-mismatch", "none", True),
    "8461-4.1-named": (facts(host(sts_match=True), domain=ENFORCED), "send", "proved", "sts", False),
    "8461-4.2-certificate-must-be-trusted": (facts({**STRANGER, "sts_match": True}, domain=ENFORCED), "post",
                                             "certificate-not-trusted", "none", True),
    "8461-2-dane-is-above-a-policy": (facts(host(dane=MATCHES), domain={**ENFORCED, **SIGNED}), "send", "proved", "dane", False),
    "8461-2-policy-does-not-override-dane": (facts(host(sts_match=True, dane={**MATCHES, "matched": False}),
                                                   domain={**ENFORCED, **SIGNED}), "post", "dane-mismatch", "none", True),
    "8461-5-testing-demands-nothing": (facts(PROVED, domain={"sts": "testing"}), "send", "proved", "pkix", False),
    "8689-4.2.1-name-unprotected": (facts(host(caps={"require_tls": True}), needs={"require_tls": True}), "post",
                                    "proof-below-minimum", "none", False),
    "8689-4.2.1-name-protected-by-policy": (facts(host(sts_match=True, caps={"require_tls": True}), domain=ENFORCED,
                                                  needs={"require_tls": True}), "send", "proved", "sts", False),
    "8689-4.2.1-name-protected-by-dnssec": (facts(host(caps={"require_tls": True}), domain=SIGNED, needs={"require_tls": True}),
                                            "send", "proved", "pkix+dnssec", False),
    "8689-4.2.1-not-offered": (facts(PROVED, domain=SIGNED, needs={"require_tls": True}), "post", "no-requiretls", "none", False),
    "8689-5-5.7.30": (facts(host(caps={"require_tls": True}), domain=SIGNED, needs={"require_tls": True}, answer={
        "stage": "mail", "fault": "reply", "code": 550, "enhanced": "5.7.30"}), "post", "no-requiretls", "none", False),
    "3207-4.1-454": (facts(host(tls={}, stage="starttls", fault="reply", code=454)), "later", "unproved-4xx", "none", False),
    "3207-4.1-501": (facts(host(tls={}, stage="starttls", fault="reply", code=501)), "post", "unproved-5xx", "none", False),
    "3207-6-injected": (facts(host(tls={}, stage="handshake", fault="injected")), "post", "injected-reply", "none", False),
    "8996-tls-1.1": (facts(host(tls={**PROVED["tls"], "protocol": 770})), "post", "tls-too-old", "none", False),
    "800-52-chacha20": (facts(host(tls={**PROVED["tls"], "cipher": "chacha20"}), domain={"profile": "nist"}), "post",
                        "tls-weak-suite", "none", False),
    "800-52-x25519": (facts(host(tls={**PROVED["tls"], "group": "x25519"}), domain={"profile": "fips"}), "post",
                      "tls-weak-suite", "none", False),
    "6531-3.1-no-smtputf8": (facts(PROVED, needs={"utf8": True}), "post", "no-smtputf8", "none", False),
    "1870-6.2-552": (facts(PROVED, answer={"stage": "final", "fault": "reply", "code": 552}), "post", "too-big", "none", False),
    "3463-5.2.2-mailbox-full": (facts(PROVED, answer={"stage": "rcpt", "fault": "reply", "code": 552, "enhanced": "5.2.2"}),
                                "return", "server-5xx", "none", False),
    "1047-lost-after-end": (facts(PROVED, answer={"stage": "final", "fault": "closed"}), "later", "lost-after-end", "none", False),
    "trust.md-dates-of-now": (facts(host(now_us=NOW + 2)), "post", "certificate-expired", "none", False),
    "trust.md-pin": (facts(host(pin="mismatch"), domain={"pinned": True}), "post", "pin-mismatch", "none", True),
    "trust.md-fallen": (facts(PROVED, domain={"shown": "dane"}), "later", "proof-fell", "none", True),
    "trust.md-fallen-silent": (facts(NO_TLS, domain={"shown": "pkix"}), "later", "proof-fell", "none", True),
    "trust.md-fallen-at-the-limit": (facts(NO_TLS, domain={"shown": "pkix"}, must_end=True), "post", "proof-fell", "none", True),
    "trust.md-dangling-at-the-limit": (facts(domain={"dangling": 1}, must_end=True), "return", "dangling-mx", "none", False),
    "trust.md-a-dead-address-is-no-host": (facts(host(connect="refused"), NO_TLS), "post", "no-starttls", "none", False),
    "trust.md-mixed": (facts(NO_TLS, host(host="b", connect="refused")), "later", "connection-refused", "none", False),
    "trust.md-uncounted-is-not-there": (facts(NO_TLS, host(host="b", counted=False, connect="refused"), host(connect="refused")),
                                        "post", "no-starttls", "none", False),
    "trust.md-nothing-known": ({"version": 2}, "later", "dns-failed", "none", False),
}
REFUSED = ("", "[]", "{}", '{"version":1}', '{"version":2,"Hosts":[]}', '{"version":2,"version":2}', '{"version":2,"must_end":1}',
           '{"version":2,"domain":{"mx":"OK"}}', '{"version":2,"domain":{"hosts":65536}}', '{"version":2,"hosts":[{"code":-1}]}',
           '{"version":2,"hosts":[{"code":1000}]}', '{"version":2,"now_us":1.5}', '{"version":2,"now_us":9223372036854775808}',
           '{"version":2,"hosts":[{"tls":{"made_up":true}}]}', '{"version":2,"needs":null}', '{"version":2} {"version":2}',
           '{"version":2,"hosts":[' + ",".join(["{}"] * 65) + "]}")


@pytest.mark.parametrize("name", CASES)
def test_case_of_the_rules(name):
    document, *expected = CASES[name]
    said = dict(zip(("action", "reason", "level", "attack"), expected))
    assert model.judge(document)["verdict"] == said, "the model"
    assert compare.product(JUDGE, [document])[0] == model.judge(document), "the product"


def test_what_is_no_document_is_refused():
    said = compare.product(JUDGE, REFUSED, lines=True)
    assert all(set(one) == {"error"} for one in said), list(zip(REFUSED, said))


def test_generator_makes_documents_of_the_schema_and_reaches_every_value():
    check = jsonschema.Draft202012Validator(generate.SCHEMA)
    verdicts = jsonschema.Draft202012Validator({"$ref": "#/$defs/verdicts", "$defs": generate.SCHEMA["$defs"]})
    reached = collections.Counter()

    def walk(part, one):
        for name, value in one.items():
            if isinstance(value, dict):
                walk(name, value)
            elif isinstance(value, (str, bool)):
                reached[part, name, value] += 1
    for number in generate.numbers(1, 4000):
        one = generate.facts(number)
        if number % 10 == 0:
            check.validate(one)
            verdicts.validate(model.judge(one))
        for part in ("domain", "needs", "answer", "notice"):
            walk(part, one.get(part, {}))
        for each in one["hosts"]:
            walk("host", each)
    wanted = {(part, name, value) for part, members in generate.PARTS.items() for name, what in members.items()
              for value in what.get("enum", [True, False] if what.get("type") == "boolean" else [])}
    assert len(wanted) > 200 and not wanted - set(reached), wanted - set(reached)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_product_agrees_with_the_model_and_keeps_the_promises(capsys):
    seed = compare.seed_of_run(1)
    with capsys.disabled():
        print(f"\noracle: seed {seed}")
    seen, findings = compare.run(JUDGE, seed, count=SETS)
    assert not findings, f"seed {seed}: SEALPOST_SEED={seed} repeats it\n" + "\n".join(json.dumps(f) for f in findings[:5])
    assert sum(n for key, n in seen.items() if key[0] == "verdict") == SETS
    _everything_was_reached(seen)


def _everything_was_reached(seen):
    for kind, can in (("host", model.HOST_CAN), ("verdict", model.VERDICT_CAN), ("channel", {(c,) for c in model.CHANNELS}),
                      ("level", {(level,) for level in model.LEVELS}),
                      ("final attack", {("later", True), ("later", False), ("post", True), ("post", False), ("send", False)}),
                      ("same", {("what is only told",), ("a host that does not count",), ("no limit",),
                                ("TLSA below an insecure MX answer",)}),
                      ("worse", {(path,) for path, *_ in (*promises.OF_DOMAIN, *promises.OF_HOST)})):
        reached = {key[1:]: n for key, n in seen.items() if key[0] == kind}
        rare = {one: reached.get(one, 0) for one in can if reached.get(one, 0) < TIMES_REACHED}
        assert not rare, f"{kind}: not reached by the random facts: {rare}"
        if kind in ("host", "verdict"):
            assert not set(reached) - can, f"{kind}: beyond the rules: {set(reached) - can}"


# A wrong model must be noticed: as many faults of the product would be

def _heard_always(_domain, host_):
    return host_["dane"]["tlsa"]


def _policy_only(domain, _host):
    return domain["sts"] == "enforce"


def _dates_are_not_looked_at(proof, _now_us):
    return None if proof["checked"] and proof["fault"] == "fine" else model.CERTIFICATE_REASONS.get(proof["fault"], "certificate-missing")


def _every_try_alone(tries):
    return tries[0], tries[0]["reason"] in model.PROOF_FAILURES


MUTANTS = {
    "TLSA counts below an insecure MX answer": ("tlsa_that_counts", _heard_always),
    "only a policy makes a host expected": ("expected", _policy_only),
    "dates are not looked at": ("chain_reason", _dates_are_not_looked_at),
    "a host is its first address": ("folded", _every_try_alone),
    "ciphers of 64 bits will do": ("CIPHER_BITS", 64),
    "a lost pin is no failure to prove": ("PROOF_FAILURES", model.PROOF_FAILURES - {"pin-mismatch"}),
    "levels are not compared": ("RULES", model.RULES[:-1]),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_model_is_noticed(monkeypatch, name):
    monkeypatch.setattr(model, *MUTANTS[name])
    _seen, findings = compare.batch(JUDGE, generate.numbers(3, MUTANT_SETS), limit=1)
    assert any(f["kind"] == "product and model disagree" for f in findings)


BELIEVES = {"action": "send", "reason": "proved", "level": "pkix", "attack": False}


@pytest.mark.parametrize("document, said", [
    (facts(NO_TLS), BELIEVES),
    (facts(PROVED, domain={"minimum": "dane"}), BELIEVES),
    (facts(PROVED), {**BELIEVES, "level": "dane"}),
    (facts(PROVED), {**BELIEVES, "attack": True}),
    (facts(NO_TLS, must_end=True), {"action": "later", "reason": "no-starttls", "level": "none", "attack": False}),
    (facts(NO_TLS), {"action": "return", "reason": "server-5xx", "level": "none", "attack": False}),
])
def test_a_broken_promise_is_noticed(document, said):
    one = said if said["action"] == "send" else model.judge(document)["hosts"][0]
    assert list(promises.broken(model.whole(document), {"version": 2, "hosts": [one], "verdict": said}))


def test_trust_that_worse_facts_earn_is_noticed():
    nothing, something = model.judge(facts(NO_TLS)), model.judge(facts(PROVED))
    assert list(promises.earned_more(nothing, something, 0)) and not list(promises.earned_more(something, nothing, 0))
    assert list(promises.differs(nothing, something, "what is only told"))

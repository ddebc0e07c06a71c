# SPDX-License-Identifier: Apache-2.0
"""Receivers put together at random from building blocks: one to three hosts of a domain, each with address, records, manner,
TLS and certificate of its own. Every block says what it shows, as members of docs/formats-trust.md; these facts come from the
description alone, never from what Sealpost saw, and the oracle (tests/oracle) foretells the fate from them."""
import random
from dataclasses import dataclass

from tests.lab.receiver import Reply
from tests.lab.states.sessions import features
from tests.lab.states.state import Host, Letter, State
from tests.lab.states.starttls import CLOSED, _inside
from tests.oracle import model

NOW = 1_700_000_000_000_000
VALID = {"from_us": NOW - 1, "until_us": NOW + 1}
FOR_EVER = {"from_us": -2**63, "until_us": 2**63 - 1}
EIGHT_BIT = Letter(body="Grüße\r\n", options=("BODY=8BITMIME",))

# certificate: keywords, what PKIX says, what usage 2 with the issuer's certificate says; None: both may not stand together
CERTIFICATES = (
    *[({}, "fine", "fine")] * 6, ({"names": ["*.{parent}"]}, "fine", "fine"), ({"key": "rsa2048"}, "fine", "fine"),
    ({"names": ["other.example.test"]}, "name", "name"), ({"names": ["{domain}"]}, "name", "fine"),
    ({"expired": True}, "expired", "expired"), ({"future": True}, "not-yet", "not-yet"),
    ({"self_signed": True}, "self-signed", "untrusted"), ({"authority": "other"}, "untrusted", "untrusted"),
    ({"chain": False}, "untrusted", "untrusted"), ({"key": "rsa1024"}, "key", "key"), ({"usage": "client"}, "usage", None),
    ({"common_name_only": True}, "name", None))
# manner before the handshake: replies, facts
BEFORE = (
    ({"starttls": "454 4.7.0 not now"}, {"stage": "starttls", "fault": "reply", "code": 454}),
    ({"starttls": "501 5.5.4 no"}, {"stage": "starttls", "fault": "reply", "code": 501}),
    ({"starttls": "250 ok"}, {"stage": "starttls", "fault": "malformed"}),
    ({"starttls": CLOSED}, {"stage": "starttls", "fault": "closed"}),
    ({"starttls": Reply("220 go ahead", close=True)}, {"stage": "handshake", "fault": "closed"}),
    ({"greeting": Reply("554 5.7.1 go away", close=True)}, {"stage": "greeting", "fault": "reply", "code": 554}),
    ({"greeting": Reply("421 4.3.2 busy", close=True)}, {"stage": "greeting", "fault": "reply", "code": 421}),
    ({"greeting": CLOSED}, {"stage": "greeting", "fault": "closed"}),
    ({"greeting": Reply("", raw=b"SSH-2.0-OpenSSH_9.2\r\n")}, {"stage": "greeting", "fault": "malformed"}),
    ({"ehlo": "502 5.5.1 only HELO"}, {"stage": "ehlo", "fault": "reply", "code": 502}),
    ({"ehlo": Reply("421 4.7.0 not now", close=True)}, {"stage": "ehlo", "fault": "reply", "code": 421}))
# and after proof
INSIDE = (("500 5.5.1 what?", {"fault": "reply", "code": 500}), ("451 4.3.0 later", {"fault": "reply", "code": 451}),
          (CLOSED, {"fault": "closed"}))
ANSWERS = (("550 5.1.1 nobody here", {"code": 550, "enhanced": "5.1.1"}), ("451 4.7.1 later", {"code": 451, "enhanced": "4.7.1"}),
           ("552 5.3.4 too big", {"code": 552, "enhanced": "5.3.4"}), ("552 5.2.2 full", {"code": 552, "enhanced": "5.2.2"}))
OLD = ({"minimum": "1.0", "maximum": "1.0"}, {"minimum": "1.0", "maximum": "1.1"})
CBC = {"maximum": "1.2", "ciphers": "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-SHA:@SECLEVEL=0"}
NOT_THERE = {"none": {"dns": "nxdomain"}, "dead": {"connect": "refused"}, "nowhere": {"connect": "unreachable"}}


@dataclass
class Chance:
    """A state, and what was known of it before anything ran."""
    state: State
    facts: dict    # a document; without the answer
    answers: list  # of each host, to the recipient or the message

    def foretold(self, must_end):
        """The verdicts: of the first try, or of the one at the holding limit, when what was shown is remembered."""
        facts = self.facts
        if must_end and model.judge(self.document())["verdict"]["action"] == "later":
            facts = dict(facts, domain=dict(facts["domain"], shown=self.shown()))
        return model.judge(dict(self.document(facts), must_end=must_end))

    def document(self, facts=None):
        """The facts with the answer of the host that the message goes to."""
        facts = facts or self.facts
        number = self.chosen(facts)
        return facts if number is None else dict(facts, answer=self.answers[number])

    @staticmethod
    def chosen(facts):
        """Number of the host that is believed first, or None."""
        said = model.judge(facts)
        proved = [n for n, one in enumerate(said["hosts"]) if one["action"] == "send"]
        return proved[0] if proved and facts["domain"]["mx"] == "ok" else None

    def shown(self):
        """The best level that the hosts of the first try prove, whatever the message demands."""
        if self.facts["domain"]["mx"] != "ok":
            return "none"
        last = self.chosen(self.facts)
        plain = dict(self.facts, domain=dict(self.facts["domain"], minimum="pkix"), needs={})
        hosts = model.judge(plain)["hosts"][:None if last is None else last + 1]
        return max((one["level"] for one in hosts if one["action"] == "send"), key=model.LEVELS.index, default="none")


class Maker:
    """Draws one domain. zone: of the domain; the hosts may be in the other."""

    def __init__(self, number):
        self.rng = random.Random(number)
        self.name = f"chance-{number}"
        self.signed = self.rng.random() < 0.6
        self.domain = f"{self.name}.{'secure.test' if self.signed else 'test'}"
        self.faults, self.damage, self.answers, self.pinned_host = [], [], [], None

    def likely(self, chance):
        return self.rng.random() < chance

    def host(self, number):
        """(Host, its facts)"""
        rng = self.rng
        name = f"mx{number}"
        secure = self.signed
        if self.likely(0.12):  # a host of the other kind of zone
            secure = not secure
            name = f"mx{number}.{self.name}-away.{'secure.test' if secure else 'test'}."
        whole = name.rstrip(".") if name.endswith(".") else f"{name}.{self.domain}"
        words, pkix, below = rng.choice(CERTIFICATES)
        words = dict(words)
        if "names" in words:
            words["names"] = [n.replace("{parent}", whole.partition(".")[2]) for n in words["names"]]
        facts = {"host": whole, "dns_secure": secure, "connect": "ok", "starttls": True, "stage": "ehlo-tls", "ready": True,
                 "tls": {"established": True, "protocol": 772, "bits": 256, "aead": True, "ephemeral": True},
                 "cert": {"checked": True, "fault": pkix, **VALID}, "caps": {"eight_bit": True}}
        host = Host(name, certificate=words, preference=10 * (number + 1), manner={"replies": {}})
        self._records(host, facts, whole, secure, (pkix, below))
        if self.likely(0.12):
            host.at = rng.choice(tuple(NOT_THERE))
            facts.update(NOT_THERE[host.at])
        else:
            self._conversation(host, facts)
        self._address(facts, whole, secure, host)
        self._answer(host, facts)
        return host, facts

    def _records(self, host, facts, whole, secure, faults):
        """TLSA records, and what they say of the certificate. They count where all is signed."""
        pkix, below = faults
        draw = self.rng.random()
        usage_3 = {"matched": True, "fault": "key" if pkix == "key" else "fine", **FOR_EVER}
        usage_2 = {"matched": below != "untrusted", "fault": below, **VALID}
        if draw < 0.45 or (draw < 0.65 and below is None):
            facts["dane"] = {"tlsa": "none"}
            return
        if draw < 0.65:
            host.tlsa, said = (f"2 {self.rng.choice((0, 1))} 1 middle",), {"tlsa": "usable", "checked": True, **usage_2}
        elif draw < 0.8:
            host.tlsa, said = (f"3 {self.rng.choice((0, 1))} {self.rng.choice((0, 1, 2))} own",), {"tlsa": "usable", "checked": True, **usage_3}
        elif draw < 0.88:
            host.tlsa, said = ("3 1 1 other",), {"tlsa": "usable", "checked": True, "fault": "untrusted"}
        elif draw < 0.94:
            host.tlsa, said = (self.rng.choice(("1 1 1 own", "0 0 1 own")),), {"tlsa": "unusable"}
        else:
            host.tlsa, said = ("3 1 1 own",), {"tlsa": "failed"}
            owners = [f"_{port}._tcp.{whole}" for port in ("{port}", 25)]
            if self.likely(0.5) and secure:
                said = {"tlsa": "bogus"}
                self.damage += [(owner, "TLSA", "forge") for owner in owners]
            else:
                self.faults += [(owner, "TLSA", "servfail") for owner in owners]
        facts["dane"] = said if secure and self.signed else {"tlsa": "unasked"}

    def _address(self, facts, whole, secure, host):
        if host.at in ("4", "dead") and self.likely(0.05):
            if secure and self.likely(0.6):
                self.damage.append((whole, "A", "forge"))
                facts.update(dns="bogus")
            else:
                self.faults.append((whole, None, "servfail"))
                facts.update(dns="servfail")

    def _conversation(self, host, facts):
        draw, ended = self.rng.random(), None
        if draw < 0.06:
            host.manner["starttls"] = False
            ended = {"starttls": False, "stage": "ehlo"}
        elif draw < 0.16:
            replies, ended = self.rng.choice(BEFORE)
            host.manner["replies"].update(replies)
        elif draw < 0.19:
            host.manner["after_starttls"] = b"250-inject.test\r\n250 PIPELINING\r\n"
            ended = {"stage": "starttls", "fault": "injected"}
        elif draw < 0.24:
            host.tls = dict(self.rng.choice(OLD))
            ended = {"stage": "handshake", "fault": "tls", "tls": {"failure": "old"}}
        elif draw < 0.28 and host.certificate.get("key") == "rsa2048":
            host.tls = dict(CBC)
            ended = {"stage": "handshake", "fault": "tls", "tls": {"failure": "suite"}}
        elif draw < 0.32:
            reply, fault = self.rng.choice(INSIDE)
            host.manner["replies"]["ehlo"] = _inside(reply)
            facts.update(fault, ready=False)
        elif draw < 0.5:
            host.tls = {"maximum": "1.2"}
            facts["tls"]["protocol"] = 771
        if ended:
            facts.update({"tls": {}, "ready": False, **ended})

    def _answer(self, host, facts):
        answer = {"stage": "final"}
        if self.likely(0.12):
            host.manner["features"] = features("8BITMIME", "SMTPUTF8")
            facts["caps"] = {}
        elif self.likely(0.15):
            text, said = self.rng.choice(ANSWERS)
            host.manner["replies"]["rcpt"] = lambda session, _a, text=text: (
                "250 2.1.5 ok" if session.helo.startswith("notice.") else text)
            answer = {"stage": "rcpt", "fault": "reply", **said}
        self.answers.append(answer)

    def policy(self, hosts, facts):
        """The policy, if there is one, and which hosts it names."""
        draw = self.rng.random()
        if draw < 0.55:
            return None, "none"
        named = [f["host"] for f in facts if self.likely(0.8)] or ["mx.elsewhere.test"]
        for one in facts:
            one["sts_match"] = one["host"] in named
        if draw < 0.85:
            return {"mx": named}, "enforce"
        if draw < 0.93:
            return {"mx": named, "mode": "testing"}, "testing"
        for one in facts:
            one["sts_match"] = False
        return {"mx": named, "manner": self.rng.choice(("404", "self-signed", "garbage"))}, "none"

    def demand(self, hosts, facts, domain):
        """A domain section of the configuration: a minimum, or pins."""
        draw = self.rng.random()
        if draw < 0.15:
            domain["minimum"] = self.rng.choice(model.LEVELS[2:])
            return f'minimum = "{domain["minimum"]}"'
        if draw > 0.25:
            return ""
        first = next((n for n, h in enumerate(hosts) if h.at == "4"), None)  # whose key {{own}} is: stage.py
        word = "own" if first is not None and self.likely(0.6) else "someone"
        domain["pinned"] = True
        for number, one in enumerate(facts):
            one["pin"] = "match" if word == "own" and number == first else "mismatch"
        return f'pins = {{{{"sha256:{{{word}}}", "sha256:{{nobody}}"}}}}\n    pins-until = "2099-01-01"'

    def make(self):
        rng = self.rng
        made = [self.host(number) for number in range(rng.choice((1, 1, 1, 2, 2, 3)))]
        hosts, facts = [h for h, _ in made], [f for _, f in made]
        domain = {"secure": self.signed, "hosts": len(hosts), "dangling": sum(h.at == "none" for h in hosts)}
        if self.likely(0.06):
            domain["mx"] = "bogus" if self.signed and self.likely(0.5) else "servfail"
            (self.damage if domain["mx"] == "bogus" else self.faults).append(
                (self.domain, "MX", "forge" if domain["mx"] == "bogus" else "servfail"))
        policy, domain["sts"] = self.policy(hosts, facts)
        demand = self.demand(hosts, facts, domain)
        letter = EIGHT_BIT if self.likely(0.25) else Letter()
        document = {"version": 2, "now_us": NOW, "domain": {"mx": "ok", **domain}, "hosts": facts,
                    "needs": {"eight_bit": letter is EIGHT_BIT}}
        state = State(self.name, "", "", hosts=tuple(hosts), zone="signed" if self.signed else "plain", faults=tuple(self.faults),
                      damage=tuple(self.damage), policy=policy, demand=demand, letter=letter, group="chance")
        return _foretell(Chance(state, document, self.answers))


ENDS = {"send": "delivered", "post": "posted", "return": "returned"}


def _foretell(chance):
    """Writes into the state what the model says of it."""
    state, first, last = chance.state, chance.foretold(False), chance.foretold(True)
    for host, one in zip(state.hosts, first["hosts"]):
        host.proved = one["action"] == "send"
    state.ends = ENDS[last["verdict"]["action"]]
    state.fate = "later" if first["verdict"]["action"] == "later" else state.ends
    state.reason = last["verdict"]["reason"]
    state.level = first["hosts"][chance.chosen(chance.facts)]["level"] if state.fate == "delivered" else None
    return chance


def chances(seed, count):
    return [Maker(seed * 1000 + number).make() for number in range(count)]



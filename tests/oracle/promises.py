# SPDX-License-Identifier: Apache-2.0
"""What must hold of every verdict, whatever the rules in between are: promises about one set of facts, and a partial order of
facts, in words, in which worse facts never earn more trust.

The order. A fact is worse when it shows less of what a proof is made of, or when more is demanded of the same host:
an answer that failed, is forged or is not validated; a connection, a handshake or a reply that went wrong; an older protocol, a
weaker cipher, a certificate with a fault, out of its dates, matching no record or pin, not named by the policy; a higher
minimum, a better level remembered, a stricter profile, pins, a policy that does not name the host, a record that nothing
matches. Only what is a proof and a demand at once has conditions: validation of the MX answer (without it no TLSA record is
heard), so it is worse to lose it only where no such record speaks against the host.

What it earns. A host earns the level it is sent to at, or nothing. An attempt earns trust when a host was believed: its mail
was sent, or its word about the mail was followed. Worse facts never raise the level of a host, never make an attempt earn
trust that had none, and where there is one host, never turn any other verdict into *send*. (With several hosts they can: the
first host that proves itself decides for the message, so that a host that lacks an extension stands before one that has it
until it fails.)"""
from tests.oracle import generate, model

NOW = generate.NOW
NEVER_BELIEVED = {"send", "return"}  # actions that need proof, but for what the domain itself says
DOMAIN_SAYS = {"null-mx", "no-such-domain", "no-mail-server"}
DOMAIN_REASONS = DOMAIN_SAYS | {"dns-failed", "dns-bogus", "dns-malformed", "dangling-mx"}


# one set of facts

def _chain_stands(chain, now_us):
    return chain["checked"] and chain["fault"] == "fine" and chain["from_us"] <= now_us <= chain["until_us"]


def proof_of(domain, host):
    """Every level at which this host could be said to have proved itself, straight from the facts."""
    tls, now_us = host["tls"], host["now_us"]
    sound = (host["dns"] == "ok" and host["connect"] == "ok" and tls["established"] and tls["protocol"] >= 771 and tls["aead"]
             and tls["ephemeral"] and tls["bits"] >= 128 and host["fault"] == "none" and host["ready"])
    if not sound or (domain["pinned"] and host["pin"] != "match"):
        return set()
    heard = host["dane"]["tlsa"] if domain["secure"] else "none"
    if heard == "usable":
        return {"dane"} if host["dane"]["matched"] and _chain_stands(host["dane"], now_us) else set()
    if heard in ("bogus", "failed") or not _chain_stands(host["cert"], now_us):
        return set()
    if domain["sts"] == "enforce":
        return {"sts"} if host["sts_match"] else set()
    return {"pkix", "pkix+dnssec"} if domain["secure"] and host["dns_secure"] else {"pkix"}


def broken(facts, said):
    """Promises that the verdict on whole facts breaks, in words."""
    domain, final, needs = facts["domain"], said["verdict"], facts["needs"]
    if len(said["hosts"]) != len(facts["hosts"]) or set(said) != {"version", "hosts", "verdict"}:
        yield "there is not one verdict for each host and one for the attempt"
        return
    for host, one in zip(facts["hosts"], said["hosts"]):
        proofs = proof_of(domain, host)
        if one["action"] == "send":
            if one["level"] not in proofs:
                yield f"sent at {one['level']} with proof of {sorted(proofs) or 'nothing'}"
            if model.below(one["level"], domain["shown"]) or model.below(one["level"], domain["minimum"]):
                yield "sent below what was demanded or shown"
            if needs["require_tls"] and one["level"] == "pkix":
                yield "REQUIRETLS with a name that nothing protects"
            if one["attack"]:
                yield "sent and marked attack"
        elif one["level"] != "none":
            yield "a level without send"
        if one.get("channel") == "proved" and not proofs:
            yield "a notice is said to be proved without proof"
        guarded = domain["shown"] != "none" or domain["sts"] == "enforce" or facts.get("notice", {}).get("attack") or (
            domain["secure"] and host["dane"]["tlsa"] in ("usable", "bogus", "failed"))
        if guarded and one.get("channel") not in (None, "none", "proved"):
            yield f"a notice may go {one['channel']} to a domain that proves itself"
        if one.get("channel") == "tls" and not (host["tls"]["established"] and host["tls"]["protocol"] >= 771):
            yield "a notice over TLS below 1.2"
        if ("channel" in one) != ("notice" in facts):
            yield "a channel that was not asked for, or none that was"
    believed = any(one["action"] == "send" for one in said["hosts"]) and domain["mx"] == "ok"
    if final["action"] not in ("send", "later", "post", "return"):
        yield "an attempt that does not end"
    if final["action"] in NEVER_BELIEVED and not believed and final["reason"] not in DOMAIN_SAYS | {*model.RETURNED_AT_LIMIT}:
        yield f"{final['action']} without proof"
    if facts["must_end"] and final["action"] == "later":
        yield "later at the limit"
    if not facts["must_end"] and final["action"] == "return" and final["reason"] in model.RETURNED_AT_LIMIT:
        yield "returned before the limit"
    if final["attack"] and final["action"] == "send":
        yield "sent and marked attack"


# worse facts

def _member(facts, path):
    for name in path.split("."):
        facts = facts[name]
    return facts


def _changed(facts, path, value):
    """A copy in which one member is other."""
    name, _, rest = path.partition(".")
    return {**facts, name: _changed(facts.get(name, {}), rest, value) if rest else value}


def _with_host(document, number, host):
    return {**document, "hosts": [*document["hosts"][:number], host, *document["hosts"][number + 1:]]}


FAILED_DNS = tuple(n for n in generate.PARTS["host"]["dns"]["enum"] if n != "ok")
FAULTS = tuple(n for n in generate.PARTS["host"]["fault"]["enum"] if n != "none")
CERT_FAULTS = tuple(n for n in generate.PARTS["cert"]["fault"]["enum"] if n != "fine")
NO_CONNECTION = tuple(n for n in generate.PARTS["host"]["connect"]["enum"] if n != "ok")
HIGHER = {level: model.LEVELS[n + 1:] for n, level in enumerate(model.LEVELS)}
HEARD = ("usable", "failed", "bogus")


def _nothing_against(facts):
    """No record that would be heard speaks against a host."""
    return all(h["dane"]["tlsa"] not in HEARD or (
        h["dane"]["tlsa"] == "usable" and h["dane"]["matched"] and _chain_stands(h["dane"], h["now_us"])) for h in facts["hosts"])


def _nobody_named(facts):
    return not any(h["sts_match"] for h in facts["hosts"])


def _all_named(facts):
    return all(h["sts_match"] for h in facts["hosts"])


def _always(_facts):
    return True


# (member, {value: worse values}, when)
OF_DOMAIN = (
    ("domain.mx", {"ok": FAILED_DNS}, _always),
    ("domain.secure", {True: (False,)}, _nothing_against),
    ("domain.minimum", HIGHER, _always),
    ("domain.shown", HIGHER, _always),
    ("domain.profile", {"strict": ("nist", "fips")}, _always),
    ("domain.pinned", {False: (True,)}, _always),
    ("domain.sts", {"none": ("enforce",), "testing": ("enforce",)}, _nobody_named),
    ("domain.sts", {"enforce": ("none", "testing")}, _all_named),
    ("needs.utf8", {False: (True,)}, _always),
    ("needs.eight_bit", {False: (True,)}, _always),
    ("needs.require_tls", {False: (True,)}, _always),
    ("needs.size", {0: (1001, 2**63 - 1), 1: (1000,), 999: (1000, 1001)}, _always),
)
OF_HOST = (
    ("dns", {"ok": FAILED_DNS}), ("dns_secure", {True: (False,)}), ("connect", {"ok": NO_CONNECTION}),
    ("starttls", {True: (False,)}), ("fault", {"none": FAULTS}), ("ready", {True: (False,)}), ("sts_match", {True: (False,)}),
    ("pin", {"match": ("none", "mismatch")}), ("tls.established", {True: (False,)}), ("tls.aead", {True: (False,)}),
    ("tls.protocol", {772: (771, 770, 769, 0), 771: (770, 769, 768)}), ("tls.ephemeral", {True: (False,)}),
    ("tls.bits", {256: (128, 127, 112), 128: (127, 0)}),
    ("tls.cipher", {"aes-gcm": ("other", "chacha20"), "aes-ccm": ("other", "chacha20")}),
    ("tls.group", dict.fromkeys(model.NIST_GROUPS, ("x25519", "secp521r1", ""))),
    ("cert.checked", {True: (False,)}), ("cert.fault", {"fine": CERT_FAULTS}),
    ("cert.until_us", {NOW + 10**12: (NOW, NOW - 1)}), ("cert.from_us", {NOW - 10**12: (NOW, NOW + 1)}),
    ("dane.checked", {True: (False,)}), ("dane.matched", {True: (False,)}), ("dane.fault", {"fine": CERT_FAULTS}),
    ("dane.until_us", {2**63 - 1: (NOW, NOW - 1)}), ("dane.from_us", {-2**63: (NOW, NOW + 1)}),
    ("dane.tlsa", dict.fromkeys(("none", "unasked", "unusable", "usable"), ("failed", "bogus"))),
    ("caps.eight_bit", {True: (False,)}), ("caps.utf8", {True: (False,)}), ("caps.require_tls", {True: (False,)}),
    ("caps.size_max", {0: (1,), 1001: (1000, 999), 1000: (999, 1)}),
)


def worse(document, facts, rng):
    """(what became worse, the worse document, number of the host or None), or None where the draw fits nothing. facts: the
    document made whole."""
    if facts["hosts"] and rng.random() < 0.75:
        number = rng.randrange(len(facts["hosts"]))
        host, given = facts["hosts"][number], document["hosts"][number]
        if rng.random() < 0.05 and not host["dane"]["matched"] and host["dane"]["tlsa"] in ("none", "unasked", "unusable"):
            given = _changed(_changed(given, "dane.tlsa", "usable"), "dane.checked", True)
            return "a record that nothing matches", _with_host(document, number, given), number
        path, steps = rng.choice(OF_HOST)
        now = _member(host, path)
        if not steps.get(now):
            return None
        then = rng.choice(steps[now])
        return f"{path}: {now} -> {then}", _with_host(document, number, _changed(given, path, then)), number
    path, steps, when = rng.choice(OF_DOMAIN)
    now = _member(facts, path)
    if not steps.get(now) or not when(facts):
        return None
    then = rng.choice(steps[now])
    return f"{path}: {now} -> {then}", _changed(document, path, then), None


def _earned(said):
    """Was a host believed? (That nothing is sent where none was, is a promise of its own.)"""
    return any(one["action"] == "send" for one in said["hosts"]) and said["verdict"]["reason"] not in DOMAIN_REASONS


def earned_more(before, after, number):
    """How worse facts earned more trust, in words. number: of the host that became worse, None: the domain."""
    for at, (one, other) in enumerate(zip(before["hosts"], after["hosts"])):
        if model.below(one["level"], other["level"]):
            yield f"host {at} rose from {one['level']} to {other['level']}"
        if number is not None and at != number and one != other:
            yield f"host {at} has another verdict because of host {number}"
    if _earned(after) and not _earned(before):
        yield f"{after['verdict']['reason']} is said where somebody is believed, {before['verdict']['reason']} where nobody was"
    if len(before["hosts"]) == 1 and after["verdict"]["action"] == "send" and before["verdict"]["action"] != "send":
        yield f"sent, not {before['verdict']['action']}"


# facts that must change nothing

TOLD_OF_HOST = {"address": "192.0.2.9", "port": 2525, "at_us": 7, "enhanced": "4.0.0", "reply": "what"}
JUDGED_OF_CHAIN = ("checked", "fault", "from_us", "until_us", "tlsa", "matched")


def _told_otherwise(document, facts, rng):
    hosts = []
    for host in document["hosts"]:
        host = {**host, **TOLD_OF_HOST}
        for part in ("cert", "dane"):
            other = {n: v for n, v in generate.odd(rng, part).items() if n not in JUDGED_OF_CHAIN}
            host[part] = {**host.get(part, {}), **other}
        host["tls"] = {**host.get("tls", {}), "protocol_name": "x", "suite": "y", "extended_master": True, "resumed": True}
        hosts.append(host)
    look = rng.choice(generate.PARTS["domain"]["sts_look"]["enum"])
    return {**document, "hosts": hosts, "domain": {**document.get("domain", {}), "implicit": not facts["domain"]["implicit"], "sts_look": look}}


def same(document, facts, rng):
    """(what was done, an equal document), or None: facts that are only told, that do not count, or that are not heard."""
    draw = rng.randrange(4)
    if draw == 0:
        return "what is only told", _told_otherwise(document, facts, rng)
    if draw == 1 and len(facts["hosts"]) < 64:
        one = {**generate.a_host(rng), "counted": False, "ready": False, "fault": "timeout"}
        return "a host that does not count", {**document, "hosts": [*document["hosts"], one]}
    if draw == 2 and not facts["domain"]["secure"]:
        return "TLSA below an insecure MX answer", {**document, "hosts": [{**h, "dane": generate.odd(rng, "dane")} for h in document["hosts"]]}
    if draw == 3 and facts["must_end"]:
        return "no limit", {**document, "must_end": False}
    return None


def differs(before, after, what):
    """How equal facts were judged differently, in words."""
    count = len(before["hosts"])
    if after["hosts"][:count] != before["hosts"]:
        yield "hosts are judged differently"
    one, other = dict(before["verdict"]), dict(after["verdict"])
    if what == "no limit" and other["action"] == "later":
        if one["action"] not in ("post", "return"):
            yield "the limit did not end it"
        one["action"] = other["action"]
    if one != other:
        yield "the attempt is judged differently"

# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/trust.md and docs/formats-trust.md once more, in another language, by somebody who has not read src/trust:
facts of one attempt in, verdicts out. Read it beside those pages; the sections have their names. Nothing here is fast or
clever. What the rules take from RFC 7671, 7672, 8461 and 8689 is named where it is."""
LEVELS = ("none", "pkix", "pkix+dnssec", "sts", "dane")


# How a document is read: a member that is left out has its default

DOMAIN = {"mx": "ok", "secure": False, "implicit": False, "hosts": 1, "dangling": 0, "minimum": "pkix", "shown": "none",
          "profile": "strict", "sts": "none", "sts_look": "unasked", "pinned": False}
TLS = {"established": False, "failure": "fine", "protocol": 0, "protocol_name": "", "suite": "", "group": "", "bits": 0,
       "aead": False, "ephemeral": False, "cipher": "other", "extended_master": False, "resumed": False}
CERT = {"checked": False, "fault": "fine", "from_us": 0, "until_us": 0, "detail": "", "key": "", "signature": "", "issuer": "",
        "checked_name": "", "matched_name": "", "chain": [], "spki": [], "names": [], "ocsp": "none", "must_staple": False}
DANE = {"tlsa": "unasked", "checked": False, "matched": False, "fault": "fine", "from_us": 0, "until_us": 0, "records": 0,
        "usable": 0, "detail": "", "record": "", "base": "", "spki": []}
CAPS = {"starttls": False, "pipelining": False, "eight_bit": False, "utf8": False, "chunking": False, "dsn": False,
        "size": False, "enhanced": False, "deliver_by": False, "require_tls": False, "size_max": 0, "rcpt_max": 0,
        "mail_max": 0}
HOST = {"host": "", "address": "", "port": 0, "at_us": 0, "counted": True, "dns": "ok",
        "dns_secure": False, "connect": "none", "starttls": False, "stage": "none", "fault": "none", "code": 0,
        "enhanced": "", "reply": "", "tls": TLS, "cert": CERT, "dane": DANE, "sts_match": False, "pin": "none",
        "caps": CAPS, "ready": False}
PARTS_OF_HOST = {"tls": TLS, "cert": CERT, "dane": DANE, "caps": CAPS}
NEEDS = {"utf8": False, "eight_bit": False, "size": 0, "require_tls": False}
ANSWER = {"stage": "none", "fault": "none", "code": 0, "enhanced": ""}
NOTICE = {"clear": False, "attack": False}


def _filled(given, defaults):
    return {**defaults, **given}


def _filled_host(given, now_us):
    host = {**HOST, "now_us": now_us, **given}
    for name, defaults in PARTS_OF_HOST.items():
        host[name] = {**defaults, **host[name]}
    return host


def whole(document):
    """The document with every default written out; `answer` and `notice` stay absent where they are absent."""
    now_us = document.get("now_us", 0)
    facts = {"version": 2, "now_us": now_us, "domain": _filled(document.get("domain", {}), DOMAIN),
             "hosts": [_filled_host(h, now_us) for h in document.get("hosts", [])],
             "needs": _filled(document.get("needs", {}), NEEDS), "must_end": document.get("must_end", False)}
    for name, defaults in (("answer", ANSWER), ("notice", NOTICE)):
        if name in document:
            facts[name] = _filled(document[name], defaults)
    return facts


# Verdicts

def verdict(action, reason, attack=False, level="none"):
    return {"action": action, "reason": reason, "level": level, "attack": attack}


def below(level, other):
    return LEVELS.index(level) < LEVELS.index(other)


# The domain (before any host)

def domain_verdict(domain):
    """None: go on with the hosts."""
    ends = {"null-mx": "null-mx", "nxdomain": "no-such-domain", "nodata": "no-mail-server"}  # RFC 7505, RFC 5321 section 5.1
    if domain["mx"] in ends:
        return verdict("return", ends[domain["mx"]])
    if domain["mx"] == "bogus":
        return verdict("later", "dns-bogus", attack=True)
    if domain["mx"] in ("malformed", "cname-loop"):
        return verdict("later", "dns-malformed")
    if domain["mx"] != "ok":
        return verdict("later", "dns-failed")
    if domain["hosts"] == 0:
        return verdict("later", "dns-malformed")
    if domain["dangling"] >= domain["hosts"]:
        return verdict("later", "dangling-mx")
    return None


# A host, in this order; the first rule that fits decides

CERTIFICATE_REASONS = {
    "none": "certificate-missing", "expired": "certificate-expired", "not-yet": "certificate-not-yet-valid",
    "self-signed": "certificate-self-signed", "untrusted": "certificate-not-trusted", "chain": "certificate-chain-invalid",
    "name": "certificate-host-mismatch", "key": "certificate-weak-key", "signature": "certificate-weak-signature",
    "usage": "certificate-wrong-usage", "revoked": "certificate-revoked", "staple": "certificate-staple-missing"}
PROOF_FAILURES = {"injected-reply", "no-starttls", "tls-too-old", "tls-weak-suite", "tls-failed", "dane-mismatch",
                  "sts-host-mismatch", "pin-mismatch", *CERTIFICATE_REASONS.values()}
NIST_CIPHERS = ("aes-gcm", "aes-ccm")
NIST_GROUPS = ("secp256r1", "prime256v1", "P-256", "secp384r1", "P-384")
TLS_1_2 = 771
CIPHER_BITS = 128


def tlsa_that_counts(domain, host):
    """With an insecure MX answer TLSA does not count (RFC 7672 section 2.2.1)."""
    return host["dane"]["tlsa"] if domain["secure"] else "unasked"


def dane_decides(domain, host):
    return tlsa_that_counts(domain, host) == "usable"


def expected(domain, host):
    """Is this host expected to prove itself?"""
    return domain["sts"] == "enforce" or dane_decides(domain, host)


def rule_1_address(_domain, host):
    if host["dns"] in ("nxdomain", "nodata"):
        return verdict("next host", "host-without-address")
    if host["dns"] == "bogus":
        return verdict("later", "dns-bogus", attack=True)
    if host["dns"] in ("malformed", "cname-loop"):
        return verdict("later", "dns-malformed")
    return None if host["dns"] == "ok" else verdict("later", "dns-failed")


def rule_2_tlsa(domain, host):
    """A lookup that fails is never read as no DANE (RFC 7672 section 2.1.1)."""
    if tlsa_that_counts(domain, host) == "bogus":
        return verdict("later", "dns-bogus", attack=True)
    if tlsa_that_counts(domain, host) == "failed":
        return verdict("later", "tlsa-lookup-failed")
    return None


def rule_3_policy(domain, host):
    """RFC 8461 section 4.1: a host that the policy does not name is no host of the domain; section 2: DANE is above it."""
    if domain["sts"] == "enforce" and not host["sts_match"] and not dane_decides(domain, host):
        return verdict("next host", "sts-host-mismatch", attack=True)
    return None


def rule_4_connection(_domain, host):
    if host["connect"] == "ok":
        return None
    if host["connect"] == "private":
        return verdict("next host", "private-address")
    return verdict("later", {"refused": "connection-refused", "timeout": "connection-timeout"}.get(host["connect"], "unreachable"))


def handshake_failed(host):
    return verdict("next host", {"old": "tls-too-old", "suite": "tls-weak-suite"}.get(host["tls"]["failure"], "tls-failed"))


def fault_verdict(host, proved):
    """Rules 5 and 8: how the connection ended."""
    fault = host["fault"]
    if fault == "reply":
        if host["code"] < 500:
            return verdict("later", "server-4xx" if proved else "unproved-4xx")
        return verdict("next host", "server-5xx-hello" if proved else "unproved-5xx")
    if fault in ("malformed", "injected"):
        return verdict("next host", f"{fault}-reply")
    if fault == "timeout":
        return verdict("later", "connection-timeout")
    if fault == "local":
        return verdict("later", "local-connection-failure")
    if fault == "tls":
        return handshake_failed(host)
    if not proved and host["stage"] == "handshake":
        return handshake_failed(host)
    return verdict("later", "connection-closed")


def rule_5_no_tls(_domain, host):
    if host["tls"]["established"]:
        return None
    if host["fault"] != "none":
        return fault_verdict(host, proved=False)
    return handshake_failed(host) if host["starttls"] else verdict("next host", "no-starttls")


def rule_6_profile(domain, host):
    tls = host["tls"]
    if tls["protocol"] < TLS_1_2:
        return verdict("next host", "tls-too-old")
    weak = not tls["aead"] or not tls["ephemeral"] or tls["bits"] < CIPHER_BITS
    if domain["profile"] in ("nist", "fips"):
        weak = weak or tls["cipher"] not in NIST_CIPHERS or tls["group"] not in NIST_GROUPS
    return verdict("next host", "tls-weak-suite") if weak else None


def chain_reason(proof, now_us):
    """What is wrong with a chain by what its check found, and by its dates now; None: nothing."""
    if not proof["checked"]:
        return "certificate-missing"
    if proof["fault"] != "fine":
        return CERTIFICATE_REASONS[proof["fault"]]
    if now_us > proof["until_us"]:
        return "certificate-expired"
    if now_us < proof["from_us"]:
        return "certificate-not-yet-valid"
    return None


def dane_reason(dane, now_us):
    """RFC 7672 section 3.1: what matches must be good in itself; a good certificate that nothing matches proves nothing."""
    shown = dane["checked"] and dane["fault"] != "none"
    if shown and (not dane["matched"] or dane["fault"] == "untrusted"):
        return "dane-mismatch"
    return chain_reason(dane, now_us)


def rule_7_proof(domain, host):
    reason = (dane_reason(host["dane"], host["now_us"]) if dane_decides(domain, host)
              else chain_reason(host["cert"], host["now_us"]))
    if reason:
        return verdict("next host", reason)
    if domain["pinned"] and host["pin"] != "match":
        return verdict("next host", "pin-mismatch", attack=True)
    return None


def rule_8_after_proof(_domain, host):
    if host["fault"] != "none":
        return fault_verdict(host, proved=True)
    return None if host["ready"] else verdict("later", "connection-closed")


def level_of(domain, host):
    """Of a host that has proved itself."""
    if dane_decides(domain, host):
        return "dane"
    if domain["sts"] == "enforce":
        return "sts"
    return "pkix+dnssec" if domain["secure"] and host["dns_secure"] else "pkix"


def rule_9_level(domain, host):
    level = level_of(domain, host)
    if below(level, domain["shown"]):
        return verdict("later", "proof-fell", attack=True)
    if below(level, domain["minimum"]):
        return verdict("next host", "proof-below-minimum")
    return None


RULES = (rule_1_address, rule_2_tlsa, rule_3_policy, rule_4_connection, rule_5_no_tls, rule_6_profile, rule_7_proof,
         rule_8_after_proof, rule_9_level)


def host_verdict(domain, host):
    for rule in RULES:
        decided = rule(domain, host)
        if decided:
            if decided["reason"] in PROOF_FAILURES and expected(domain, host):
                decided["attack"] = True
            return decided
    return verdict("send", "proved", level=level_of(domain, host))


# All hosts

SILENT_ADDRESS = ("connection-refused", "connection-timeout", "unreachable")


def first(verdicts, action):
    return next((v for v in verdicts if v["action"] == action), None)


def folded(tries):
    """Addresses of one host made one: (verdict, did one of them fail to prove itself?)."""
    later, following = first(tries, "later"), first(tries, "next host")
    taken = later if later and (following is None or later["reason"] not in SILENT_ADDRESS) else following
    return dict(taken, attack=any(v["attack"] for v in tries)), any(v["reason"] in PROOF_FAILURES for v in tries)


def all_hosts(domain, hosts, verdicts):
    groups = []
    for host, one in zip(hosts, verdicts):
        if not host["counted"]:
            continue
        if groups and host["host"] and groups[-1][0] == host["host"]:
            groups[-1][1].append(one)
        else:
            groups.append((host["host"], [one]))
    if not groups:
        return verdict("later", "dns-failed")
    ones, failed = zip(*(folded(tries) for _, tries in groups))
    attack = any(v["attack"] for v in ones)
    if domain["shown"] != "none" and any(failed):
        return verdict("later", "proof-fell", attack=True)
    later = first(ones, "later")
    if later:
        return verdict("later", later["reason"], attack)
    return verdict("post", first(ones, "next host")["reason"], attack)


# The message: needs, and the answer to it

def needs_verdict(needs, caps):
    if needs["utf8"] and not caps["utf8"]:
        return verdict("post", "no-smtputf8")
    if needs["eight_bit"] and not caps["eight_bit"]:
        return verdict("post", "no-8bitmime")
    if caps["size"] and caps["size_max"] != 0 and needs["size"] > caps["size_max"]:
        return verdict("post", "too-big")
    if needs["require_tls"] and not caps["require_tls"]:
        return verdict("post", "no-requiretls")
    return None


def answer_verdict(needs, answer):
    code, enhanced = answer["code"], answer["enhanced"]
    if answer["fault"] == "none" and answer["stage"] == "final":
        return verdict("send", "delivered")
    if answer["fault"] == "local":
        return verdict("later", "local-failure")
    if answer["fault"] != "reply":
        return verdict("later", "lost-after-end" if answer["stage"] == "final" else "lost-before-end")
    if code < 500:
        return verdict("later", "server-4xx")
    if enhanced in ("5.3.4", "5.2.3") or (code == 552 and enhanced != "5.2.2"):
        return verdict("post", "too-big")
    if needs["utf8"] and (enhanced in ("5.6.7", "5.6.9") or code == 555):
        return verdict("post", "no-smtputf8")
    if enhanced in ("5.6.1", "5.6.3") or code == 555:
        return verdict("post", "no-8bitmime")
    if enhanced == "5.7.30" and needs["require_tls"]:  # RFC 8689 section 4.2.1
        return verdict("post", "no-requiretls")
    return verdict("return", "server-5xx")


# Notices and codes

def channel(domain, host, notice):
    """Which way a notice may take on this host. It holds nothing of the message: no minimum, no needs."""
    domain = dict(domain, minimum="pkix")
    judged = host_verdict(domain, host)
    if judged["action"] == "send":
        return "proved"
    if any(rule(domain, host) for rule in (rule_1_address, rule_2_tlsa, rule_3_policy)):
        return "none"
    if expected(domain, host) or domain["shown"] != "none" or notice["attack"] or judged["attack"]:
        return "none"
    if host["connect"] != "ok":
        return "none"
    if host["fault"] == "none":
        if host["tls"]["established"]:
            return "tls" if host["ready"] and host["tls"]["protocol"] >= TLS_1_2 else "none"
        return "retry" if host["starttls"] and not notice["clear"] else "clear"
    refused = host["stage"] == "starttls" and host["fault"] == "reply" and host["code"] >= 500
    return "retry" if not notice["clear"] and (host["stage"] == "handshake" or refused) else "none"


# The attempt

RETURNED_AT_LIMIT = ("dangling-mx", "local-failure")


def _attempt(facts, domain, verdicts):
    ended = domain_verdict(domain)
    if ended:
        return ended
    for host, one in zip(facts["hosts"], verdicts):
        if one["action"] == "send":
            missing = needs_verdict(facts["needs"], host["caps"])
            if missing:
                return missing
            return answer_verdict(facts["needs"], facts["answer"]) if "answer" in facts else dict(one)
    return all_hosts(domain, facts["hosts"], verdicts)


def judge(document):
    """The verdicts on a document of facts, as the product must write them."""
    return judge_whole(whole(document))


def judge_whole(facts):
    """The same of a document that was made whole before."""
    domain = facts["domain"]
    if facts["needs"]["require_tls"] and below(domain["minimum"], "pkix+dnssec"):
        domain = dict(domain, minimum="pkix+dnssec")
    verdicts = [host_verdict(domain, host) for host in facts["hosts"]]
    final = _attempt(facts, domain, verdicts)
    if facts["must_end"] and final["action"] == "later":
        final["action"] = "return" if final["reason"] in RETURNED_AT_LIMIT else "post"
    if "notice" in facts:
        for host, one in zip(facts["hosts"], verdicts):
            one["channel"] = channel(domain, host, facts["notice"])
    return {"version": 2, "hosts": verdicts, "verdict": final}


# Which verdicts the rules can give at all: (action, reason)

FOLLOWING = PROOF_FAILURES | {"host-without-address", "private-address", "unproved-5xx", "malformed-reply", "server-5xx-hello",
                              "proof-below-minimum"}
WAITING = {"dns-bogus", "dns-malformed", "dns-failed", "tlsa-lookup-failed", "connection-refused", "connection-timeout",
           "unreachable", "unproved-4xx", "local-connection-failure", "connection-closed", "server-4xx", "proof-fell"}
HOST_CAN = {("next host", r) for r in FOLLOWING} | {("later", r) for r in WAITING} | {("send", "proved")}
LATER_CAN = WAITING | {"dangling-mx", "local-failure", "lost-after-end", "lost-before-end"}
VERDICT_CAN = ({("return", r) for r in ("null-mx", "no-such-domain", "no-mail-server", "server-5xx", *RETURNED_AT_LIMIT)}
               | {("later", r) for r in LATER_CAN}
               | {("post", r) for r in (LATER_CAN - set(RETURNED_AT_LIMIT)) | FOLLOWING | {
                   "no-smtputf8", "no-8bitmime", "too-big", "no-requiretls"}}
               | {("send", "proved"), ("send", "delivered")})
CHANNELS = ("none", "proved", "tls", "clear", "retry")

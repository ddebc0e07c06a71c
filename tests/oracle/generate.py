# SPDX-License-Identifier: Apache-2.0
"""Random facts for the judge, each set from a number of its own: generate.facts(number) is always the same set. A set starts
from a domain and hosts that prove everything and is then damaged in a few places, so that the deep rules are reached; some
hosts are random in every member, so that odd combinations are reached as well. Values crowd where rules turn: dates at the
time of judging, codes about 500, strengths about 128."""
import json
import random
from pathlib import Path

from tests.oracle import model

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/formats-trust.schema.json").read_text())
NOW = 1_700_000_000_000_000
LEAST, GREATEST = -2**63, 2**63 - 1
TIMES = (NOW - 1, NOW, NOW + 1, NOW - 10**12, NOW + 10**12, 0, 1, -1, LEAST, LEAST + 1, GREATEST - 1, GREATEST)
NUMBERS = {"code": (0, 199, 200, 220, 399, 400, 421, 450, 499, 500, 501, 550, 552, 552, 554, 555, 555, 599, 600, 999),
           "protocol": (0, 2, 768, 769, 770, 770, 771, 771, 772, 772, 773, 65535), "bits": (0, 1, 112, 127, 128, 129, 255, 256, 65535),
           "size": (0, 1, 999, 1000, 1001, GREATEST), "size_max": (0, 0, 1, 999, 1000, 1001, GREATEST),
           "hosts": (0, 1, 1, 2, 3, 65535), "dangling": (0, 0, 1, 2, 3, 65535)}
GROUPS = ("secp256r1", "prime256v1", "P-256", "secp384r1", "P-384", "x25519", "X25519", "secp521r1", "ffdhe2048", "p-256",
          "P-2567", "P-38", "", "SECP256R1", "X25519MLKEM768")
STATUS = ("", "5.3.4", "5.2.3", "5.2.2", "5.6.7", "5.6.9", "5.6.1", "5.6.3", "5.7.30", "5.7.1", "5.3.40", "5.7.3", "4.3.4", "2.0.0",
          "5.6.10", "5.1.1", "5.2.30")
NAMES = ("mx1.test", "mx1.test", "mx2.test", "MX1.test", "")
TOLD = {"address": "192.0.2.1", "reply": "550 5.7.1 \"no\"\\n", "protocol_name": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256",
        "detail": "x", "key": "RSA 2048", "signature": "sha256", "issuer": "CN=x", "checked_name": "mx1.test",
        "matched_name": "*.test", "record": "3 1 1 00", "base": "mx1.test", "names": ["a.test"], "chain": ["0" * 64],
        "spki": ["f" * 64]}


# one value

def _schema(part):
    return SCHEMA["$defs"][part]["properties"] if part in SCHEMA["$defs"] else SCHEMA["properties"][part]["properties"]


PARTS = {name: _schema(name) for name in ("domain", "host", "tls", "cert", "dane", "caps", "needs", "answer", "notice")}


def value(rng, part, name):
    """A random value of a member, of the whole range that the schema gives it."""
    what = PARTS[part][name]
    if what.get("type") == "boolean":
        return rng.random() < 0.5
    if name in NUMBERS:
        return rng.choice(NUMBERS[name])
    if name.endswith("_us"):
        return rng.choice(TIMES)
    if name == "group":
        return rng.choice(GROUPS)
    if name == "enhanced" and part != "caps":
        return rng.choice(STATUS)
    if name == "host":
        return rng.choice(NAMES)
    if name in TOLD:
        return TOLD[name]
    if "enum" in what:
        return rng.choice(what["enum"])
    return rng.choice((0, 1, what["maximum"]))


def odd(rng, part):
    """Every member at random."""
    return {name: odd(rng, name) if "$ref" in what else value(rng, part, name)
            for name, what in PARTS[part].items() if rng.random() < 0.9}


# hosts

def good_tls(rng):
    protocol = rng.choice((771, 772))
    cipher = rng.choice(("aes-gcm", "aes-gcm", "aes-ccm", "chacha20"))
    group = rng.choice(GROUPS[:5]) if rng.random() < 0.8 else rng.choice(GROUPS)
    return {"established": True, "protocol": protocol, "bits": rng.choice((128, 256)), "aead": True, "ephemeral": True,
            "cipher": cipher, "group": group}


def good_host(rng):
    """A host that proves itself by the public authorities and, often, by TLSA as well."""
    host = {"dns_secure": rng.random() < 0.6, "connect": "ok", "starttls": True, "stage": "ehlo-tls", "tls": good_tls(rng),
            "cert": {"checked": True, "from_us": NOW - 10**12, "until_us": NOW + 10**12}, "sts_match": rng.random() < 0.8,
            "ready": True, "caps": {n: rng.random() < 0.75 for n in ("eight_bit", "utf8", "size", "require_tls")}}
    if rng.random() < 0.5:
        host["host"] = rng.choice(NAMES)
    if rng.random() < 0.3:
        host["caps"]["size_max"] = rng.choice(NUMBERS["size_max"])
    if rng.random() < 0.7:
        host["pin"] = "match"
    tlsa = rng.random()
    if tlsa < 0.35:
        host["dane"] = {"tlsa": "usable", "checked": True, "matched": True, "from_us": LEAST, "until_us": GREATEST}
    elif tlsa < 0.6:
        host["dane"] = {"tlsa": rng.choice(("none", "unusable", "unasked"))}
    return host


# what is damaged, and how often: the parts of the conversation as one, then single members
PLACES = ("no-tls", "no-tls", "fault", "fault", "connect", "dns", "tls", "tls", "tls", "cert", "cert", "cert", "dane", "dane", "dane",
          "dane-match", "tlsa", "sts_match", "pin", "ready", "caps", "any")


def damage(rng, host):
    """Makes one place of the host random."""
    place = rng.choice(PLACES)
    if place == "no-tls":
        host["tls"] = {"failure": value(rng, "tls", "failure")}
    if place in ("no-tls", "fault"):
        host["stage"] = "handshake" if rng.random() < 0.3 else value(rng, "host", "stage")
        host["fault"], host["code"] = value(rng, "host", "fault"), value(rng, "host", "code")
        host["starttls"], host["ready"] = rng.random() < 0.6, rng.random() < 0.5
    elif place in ("tls", "cert", "caps", "dane"):
        name = rng.choice([n for n in PARTS[place] if n not in TOLD])
        host.setdefault(place, {})[name] = value(rng, place, name)
    elif place == "dane-match":
        host["dane"] = {"tlsa": "usable", "checked": rng.random() < 0.8, "matched": rng.random() < 0.7,
                        "fault": value(rng, "dane", "fault"), "from_us": rng.choice(TIMES), "until_us": rng.choice(TIMES)}
    elif place == "tlsa":
        host.setdefault("dane", {})["tlsa"] = value(rng, "dane", "tlsa")
    elif place == "any":
        name = rng.choice([n for n, what in PARTS["host"].items() if "$ref" not in what])
        host[name] = value(rng, "host", name)
    else:
        host[place] = value(rng, "host", place)


def a_host(rng):
    if rng.random() < 0.1:
        return odd(rng, "host")
    host = good_host(rng)
    for _ in range(rng.choice((0, 0, 1, 1, 1, 1, 2, 2, 3))):
        damage(rng, host)
    if rng.random() < 0.15:
        host["counted"] = rng.random() < 0.3
    if rng.random() < 0.05:
        host["now_us"] = rng.choice(TIMES)
    if rng.random() < 0.03:
        host.update(address=TOLD["address"], port=25, at_us=NOW, reply=TOLD["reply"], enhanced="5.7.1")
        host.setdefault("cert", {}).update(odd(rng, "cert"))
    return host


# the whole set

def a_domain(rng):
    if rng.random() < 0.05:
        return odd(rng, "domain")
    domain = {"secure": rng.random() < 0.6, "hosts": rng.choice((1, 2, 3, 3, 4)), "profile": rng.choice(("strict", "strict", "nist", "fips"))}
    for name, chance in (("mx", 0.05), ("minimum", 0.35), ("shown", 0.3), ("sts", 0.5), ("dangling", 0.15), ("pinned", 0.3)):
        if rng.random() < chance:
            domain[name] = value(rng, "domain", name)
    return domain


def facts(number):
    """The set of a number."""
    rng = random.Random(number)
    one = {"version": 2, "now_us": NOW}
    if rng.random() < 0.97:
        one["domain"] = a_domain(rng)
    one["hosts"] = [a_host(rng) for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4)))]
    if rng.random() < 0.005:
        one["hosts"] = [a_host(rng) for _ in range(64)]
    if rng.random() < 0.4:
        one["needs"] = {name: value(rng, "needs", name) for name in PARTS["needs"] if rng.random() < 0.6}
    if rng.random() < 0.35:
        one["answer"] = odd(rng, "answer")
        if rng.random() < 0.6:
            one["answer"].update(stage="final", fault=rng.choice(("none", "reply", "reply", "reply")))
    if rng.random() < 0.4:
        one["notice"] = {name: rng.random() < 0.3 for name in PARTS["notice"]}
    if rng.random() < 0.25:
        one["must_end"] = rng.random() < 0.8
    if rng.random() < 0.02:
        one["now_us"] = rng.choice(TIMES)
    if rng.random() < 0.1:
        one = model.whole(one)
    return one


def numbers(seed, count):
    """Numbers of the sets of a seed."""
    return range(seed << 32, (seed << 32) + count)

# SPDX-License-Identifier: Apache-2.0
"""Reports about TLS that others send to the Message Center (RFC 8460 section 5.4): kept sealed, listed and shown to the
operator, bounded, and nothing of them is looked at before they are shown."""
import gzip
import http.client
import json
import time
import urllib.parse

import pytest

from tests.e2e.test_demands import SignedLab, delivered, send
from tests.e2e.test_report import CONTACT, RFC_SHAPE, asks, check_report, order, summary

GZIP, JSON = "application/tlsrpt+gzip", "application/tlsrpt+json"
CANARY = "canary-9f2b7d41c0"


@pytest.fixture
def lab():
    with SignedLab() as one:
        yield one
        one.check_and_stop()


def ask(sealpost, body, kind=GZIP, method="POST", path="/tlsrpt", headers=None):
    """The status and the answer's body; no cookie, no form, no Origin: as a program sends."""
    url = urllib.parse.urlsplit(sealpost.base_url)
    client = http.client.HTTPSConnection(url.hostname, url.port, timeout=30, context=sealpost.client_context())
    try:
        client.request(method, path, body, {**({"Content-Type": kind} if kind else {}), **(headers or {})})
        answer = client.getresponse()
        return answer.status, answer.read(), answer
    finally:
        client.close()


def post(sealpost, body, kind=GZIP):
    """Sends a report that is taken, while processes come back."""
    end = time.monotonic() + 30
    while True:
        status, answer, _ = ask(sealpost, body, kind)
        if status != 503:
            assert (status, answer) == (201, b""), (status, answer)
            return
        assert time.monotonic() < end
        time.sleep(0.2)


def listed(sealpost):
    """`report list`, while the store comes back."""
    end = time.monotonic() + 30
    while True:
        done = sealpost.run("report", "list", "--json", check=False)
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert time.monotonic() < end, done.stderr
        time.sleep(0.2)


def shown(sealpost, one):
    return sealpost.json("report", "show", one["id"])


def packed(report=RFC_SHAPE):
    return gzip.compress(json.dumps(report).encode())


def test_reports_are_kept_through_restart_and_a_killed_store(lab):
    sealpost = lab.sealpost(CONTACT)
    first, plain = packed(), json.dumps(RFC_SHAPE).encode()
    post(sealpost, first)
    sealpost.kill_role("store")
    post(sealpost, plain, JSON + "; charset=utf-8")
    sealpost.kill_role("store")
    assert [r["size"] for r in listed(sealpost)] == [len(plain), len(first)]
    before = listed(sealpost)
    sealpost.restart()
    assert listed(sealpost) == before
    for one in before:
        report = shown(sealpost, one)
        assert report["report-id"] == RFC_SHAPE["report-id"]
        assert report["policies"][0]["summary"] == RFC_SHAPE["policies"][0]["summary"]
    lines = sealpost.run("report", "list").stdout.splitlines()
    assert len(lines) == 2 and all(one["id"] in line for one, line in zip(before, lines))
    words = sealpost.run("report", "show", before[0]["id"]).stdout
    assert "5326 connections proved themselves" in words and "certificate-expired" in words


def test_our_own_sender_is_received(lab):
    sealpost = lab.sealpost(CONTACT)
    receiver = lab.dane("web")
    lab.dns.add("reports.test", "A", sealpost.address)
    certificate = lab.certificate("reports.test", names=["reports.test", sealpost.address])
    sealpost.settings.update({"center.certificate": certificate.chain_file, "center.key": certificate.key_file})
    sealpost.write_configuration()
    sealpost.restart()
    asks(lab, receiver.domain, f"https://reports.test:{sealpost.center_port}/tlsrpt")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    order(sealpost)
    end = time.monotonic() + 30
    while not listed(sealpost):
        assert time.monotonic() < end
        time.sleep(0.2)
    report = check_report(shown(sealpost, listed(sealpost)[0]))
    assert summary(report, "tlsa")[1] == (len([s for s in receiver.sessions if s.tls]), 0)
    assert len(listed(sealpost)) == 1


def test_nothing_is_taken_without_a_contact(lab):
    sealpost = lab.sealpost()
    for method in ("POST", "GET", "PUT"):
        for kind in (GZIP, "text/plain"):
            assert ask(sealpost, packed(), kind, method)[0] == 404, (method, kind)
    assert listed(sealpost) == []


def test_only_posted_reports_of_their_size_are_taken(lab):
    sealpost = lab.sealpost(CONTACT)
    body = b"x" * 65536
    status, _, answer = ask(sealpost, None, None, "GET")
    assert status == 405 and answer.getheader("Allow") == "POST"
    assert ask(sealpost, b"x", GZIP, "PUT")[0] == 405 and ask(sealpost, None, None, "DELETE")[0] == 405
    for kind in (None, "application/json", "application/gzip", "application/tlsrpt", "application/tlsrpt+gzipx", "text/html"):
        assert ask(sealpost, packed(), kind)[0] == 415, kind
    assert ask(sealpost, body + b"x")[0] == 413
    assert ask(sealpost, b"")[0] == 400
    assert ask(sealpost, packed(), path="/tlsrpt/")[0] == 404 and ask(sealpost, packed(), path="/v1/tlsrpt")[0] == 404
    assert listed(sealpost) == []
    post(sealpost, body)
    assert [r["size"] for r in listed(sealpost)] == [65536]
    one = listed(sealpost)[0]["id"]
    missing = sealpost.run("report", "show", one[:-1] + ("0" if one[-1] != "0" else "1"), check=False)
    assert missing.returncode == 4 and missing.stderr.startswith("sealpost: ")
    assert sealpost.run("report", "show", "nothing", check=False).returncode == 2


def test_a_day_has_its_limit_which_a_restart_does_not_lift(lab):
    sealpost = lab.sealpost({**CONTACT, "report.daily": 3})
    for _ in range(3):
        post(sealpost, packed())
    status, _, answer = ask(sealpost, packed())
    assert status == 429 and int(answer.getheader("Retry-After")) > 0
    sealpost.restart()
    assert ask(sealpost, packed())[0] == 429
    assert len(listed(sealpost)) == 3


@pytest.mark.parametrize("body", [gzip.compress(b" " * (60 << 20) + b"{}")[:65536], gzip.compress(b" " * (32 << 20)), b"{", b"\x1f\x8b\x08junk",
                                  b'{"a":' * 5000], ids=["bomb", "spaces", "cut", "gzip", "deep"])
def test_what_is_hostile_is_refused_when_it_is_shown(lab, body):
    sealpost = lab.sealpost(CONTACT)
    post(sealpost, body)
    post(sealpost, packed())
    good, bad = listed(sealpost)
    done = sealpost.run("report", "show", bad["id"], check=False)
    assert done.returncode == 1 and done.stderr.startswith("sealpost: ") and done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    assert shown(sealpost, good)["report-id"] == RFC_SHAPE["report-id"]
    receiver = lab.dane("after")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))


def test_what_is_shown_steers_no_terminal(lab):
    sealpost = lab.sealpost(CONTACT)
    post(sealpost, packed({**RFC_SHAPE, "organization-name": "evil\x1b[2J\nfrom      you\x9b31m"}))
    words = sealpost.run("report", "show", listed(sealpost)[0]["id"]).stdout
    assert "\x1b" not in words and "\x9b" not in words and words.count("\nfrom ") == 0


def test_bytes_are_sealed_on_disk(lab):
    sealpost = lab.sealpost(CONTACT)
    body = json.dumps({**RFC_SHAPE, "organization-name": CANARY}).encode()
    post(sealpost, body, JSON)
    assert shown(sealpost, listed(sealpost)[0])["organization-name"] == CANARY
    sealpost.restart()
    files = [p for p in sealpost.folder.rglob("*") if p.is_file()]
    assert any(p.suffix == ".seg" for p in files) and any(p.name == "index.db" for p in files)
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path

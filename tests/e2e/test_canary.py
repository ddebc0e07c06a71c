# SPDX-License-Identifier: Apache-2.0
"""P4, sealed at rest: a canary in every place where a client, a receiver or a reader can put text, in mail that is
delivered, posted, returned and queued; then every file of the instance is searched for each of them in every coding a
program might have used. In a build that seals nothing, all that is stored must be found: so the search can see."""
import base64
import quopri
import re
import secrets
import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from tests.lab.builds import build
from tests.lab.reader import Browser, read

ZEROS = re.compile(rb"\0{32,}")
# Places whose text is never written anywhere, sealed or not: refused words, and what only the moment needs.
NEVER = {
    "name of a refused login": "keyd compares it and keeps a digest for the lock",
    "password of a refused login": "keyd compares it",
    "name of a refused SCRAM login": "as above",
    "refused command": "answered and forgotten",
    "refused sender": "answered and forgotten",
    "refused recipient": "answered and forgotten",
    "refused From": "the message was never whole",
    "unknown link": "only its digest is looked up",
    "browser": "no page asks what program reads it",
    "wrong code": "only a tag of it is compared",
}


# Removed before anything is written; a file that went with its last recipient.
GONE = ("Bcc", "end of a large body (delivered)", "end of a large body (returned)")


class Canaries:
    """place -> a word found nowhere else. Lower case: some places do not keep the case."""

    def __init__(self):
        self.words = {}

    def __call__(self, place):
        return self.words.setdefault(place, "cn" + secrets.token_hex(9))

    def forms(self, place):
        """Every way the word may be written."""
        word = self.words[place]
        plain = word.encode()
        yield plain
        yield quopri.encodestring(plain).strip()
        yield plain.hex().encode()
        yield plain.hex().upper().encode()
        yield word.encode("utf-16-le")
        yield word.encode("utf-16-be")
        yield "".join(f"%{b:02x}" for b in plain).encode()
        yield "".join(f"%{b:02X}" for b in plain).encode()
        yield "".join(f"={b:02X}" for b in plain).encode()
        for text in (plain, word.encode("utf-16-le"), word.encode("utf-16-be")):
            for shift in range(3):  # without the characters that depend on the neighbours
                coded = base64.b64encode(b"\0" * shift + text).decode()
                yield coded[(shift * 8 + 5) // 6:(shift + len(text)) * 8 // 6].encode()


def files(sealpost):
    """(path, content without long runs of zeros) of every file below the instance's folder, and its log."""
    for path in [sealpost.log, *sorted(Path(sealpost.folder).rglob("*"))]:
        if path.is_file() and not path.is_symlink():
            yield path, ZEROS.sub(b"\0", path.read_bytes())


def search(sealpost, canaries):
    """{place: files in which one of its forms stands}."""
    found = {place: set() for place in canaries.words}
    forms = {place: set(canaries.forms(place)) for place in canaries.words}
    for path, data in files(sealpost):
        lower = data.lower()
        for place, needles in forms.items():
            if any(n in data or n in lower for n in needles):
                found[place].add(path.name)
    return found


def message(canary, sender, to, case):
    """A message with text in every place of it."""
    def word(place):
        return canary(f"{place} ({case})")

    coded = base64.b64encode(f"base64 {word('body base64')} end".encode()).decode()
    quoted = quopri.encodestring(f"é {word('body quoted-printable')} é".encode()).decode().replace("\n", "\r\n")
    wide = base64.b64encode(word("body UTF-16").encode("utf-16-le")).decode()
    return (f"From: {word('From name')} <{sender}>\r\nTo: {word('To name')} <{to}>\r\n"
            f"Subject: {word('Subject')} =?utf-8?b?{base64.b64encode(word('Subject encoded').encode()).decode()}?=\r\n"
            f"Message-ID: <{word('Message-ID')}@clinic.test>\r\nReply-To: <{word('Reply-To')}@clinic.test>\r\n"
            f"Cc: <{word('Cc')}@elsewhere.test>\r\nBcc: <{word('Bcc')}@elsewhere.test>\r\n"
            f"X-Note: {word('other header')}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: multipart/mixed; boundary={word('boundary')}\r\n\r\n"
            f"{word('preamble')}\r\n--{word('boundary')}\r\nContent-Type: text/plain\r\n\r\n{word('body plain')}\r\n"
            f"--{word('boundary')}\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{quoted}\r\n"
            f"--{word('boundary')}\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}\r\n"
            f"--{word('boundary')}\r\nContent-Type: application/octet-stream; name={word('attachment name')}\r\n"
            f"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; "
            f"filename={word('attachment file name')}\r\n\r\n{wide}\r\n--{word('boundary')}--\r\n").encode()


def large(canary, sender, to, case):
    """More than fits a record: it lies in a file of its own."""
    return (f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: large\r\n\r\n".encode() + (b"y" * 76 + b"\r\n") * 1500 +
            canary(f"end of a large body ({case})").encode() + b"\r\n")


# case -> (state of the receiver, its replies)
CASES = {
    "delivered": ("tls13", {}),
    "posted": ("no-tls", {}),
    "returned": ("tls13", {"rcpt": "550 5.1.1 nobody: {reply}"}),
    "queued": ("tls13", {"rcpt": "450 4.2.1 not now: {reply}"}),
}


def submit(sealpost, canary, case, receiver, content):
    """Sends one message with canaries in its envelope; returns its id."""
    sender = f"{canary(f'MAIL FROM ({case})')}@{sealpost.domain}"
    to = f"{canary(f'RCPT ({case})')}@{receiver.domain}"
    client = smtplib.SMTP(sealpost.address, sealpost.starttls_port, timeout=30,
                          local_hostname=f"{canary(f'EHLO ({case})')}.clinic.test")
    client.starttls(context=sealpost.client_context())
    client.ehlo()
    credential = sealpost.user()
    client.login(credential.name, credential.password)
    return sealpost.submit(to, content(canary, sender, to, case), sender, client=client,
                           mail_options=[f"ENVID={canary(f'ENVID ({case})')}", "RET=HDRS"],
                           rcpt_options=[f"ORCPT=rfc822;{canary(f'ORCPT ({case})')}@old.test", "NOTIFY=FAILURE"])


def refusals(sealpost, canary):
    """Words that are refused."""
    for mechanism in ("PLAIN", "LOGIN"):
        client = sealpost.smtp(user=None)
        client.user, client.password = canary("name of a refused login"), canary("password of a refused login")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
        client.close()
    client = sealpost.smtp(user=None)
    first = base64.b64encode(f"n,,n={canary('name of a refused SCRAM login')},r=abcdefgh".encode()).decode()
    client.docmd("AUTH", f"SCRAM-SHA-256 {first}")
    client.close()
    with sealpost.smtp() as client:
        client.docmd(canary("refused command").upper(), canary("refused command"))
        assert client.mail(f"{canary('refused sender')}@foreign.test")[0] == 550
        assert client.mail(f"doctor@{sealpost.domain}")[0] == 250
        assert client.rcpt(f"{canary('refused recipient')}@[not-an-address")[0] // 100 == 5
        assert client.rcpt(f"doctor@{sealpost.domain}")[0] == 250
        answer = client.data(f"From: <{canary('refused From')}@foreign.test>\r\n\r\nx\r\n".encode())
        assert answer[0] == 550


def browse(sealpost, canary, receiver):
    """Opens the posted letter, with wrong words on the way. Returns link tokens and codes: secrets as good as any."""
    authority = sealpost.lab.authority.root_file
    browser = Browser(authority)
    browser.open(f"{sealpost.base_url}/l/{canary('unknown link')}")
    context = ssl.create_default_context(cafile=str(authority))
    with socket.create_connection((sealpost.address, sealpost.center_port), 10) as plain, \
            context.wrap_socket(plain, server_hostname=sealpost.address) as tls:
        tls.sendall(f"GET /l/x HTTP/1.1\r\nHost: {sealpost.address}:{sealpost.center_port}\r\nUser-Agent: "
                    f"{canary('browser')}\r\nCookie: c={canary('browser')}\r\nConnection: close\r\n\r\n".encode())
        while tls.recv(65536):
            pass

    def code(since):
        def codes():
            return [m for m in receiver.messages if m.at > since and re.search(rb"^\d{6,10}\r$", m.data, re.M)]
        for _ in range(400):
            if codes():
                return re.search(rb"^(\d{6,10})\r$", codes()[0].data, re.M)[1].decode()
            receiver.wait_messages(len(receiver.messages) + 1, 0.05)
        raise AssertionError("no code came")

    links = [re.search(rb"https://\S+/l/[\w-]+", m.data)[0].decode() for m in receiver.wait_messages(2)[:2]]
    texts = [read(link, code, authority, browser).text for link in links]
    assert any(canary("body plain (posted)") in text for text in texts)
    return links[0].rpartition("/")[2]


def fill(lab, sealpost, canary):
    """Puts canaries everywhere; returns when each message has its state."""
    receivers = {}
    for case, (state, replies) in CASES.items():
        replies = {k: v.format(reply=canary(f"receiver's reply ({case})")) for k, v in replies.items()}
        receivers[case] = lab.receiver(canary(f"recipient domain ({case})"), state, replies=replies)
    ids = {(case, kind): submit(sealpost, canary, case, receivers[case], content)
           for case in CASES for kind, content in (("small", message), ("large", large))}
    refusals(sealpost, canary)
    for (case, kind), message_id in ids.items():
        if case != "queued":
            assert sealpost.outcome(message_id)["state"] == case, (case, kind)
    small = ids["queued", "small"]
    for _ in range(100):
        row = sealpost.trace(small)[0]
        if row["tries"] >= 1:
            break
    assert row["state"] == "queued" and canary("receiver's reply (queued)") in str(row), row
    canary.words["link token"] = browse(sealpost, canary, receivers["posted"])
    sealpost.run("queue", "--all")


@pytest.fixture
def settings():
    return {"courier.hold": "1h", "courier.retry": ["5s"], "log-level": "debug"}


@pytest.mark.timeout(180)
def test_no_canary_is_found_in_any_file(lab, settings):
    sealpost = lab.sealpost(settings=settings)
    canary = Canaries()
    fill(lab, sealpost, canary)
    living = search(sealpost, canary)
    sealpost.stop()
    stopped = search(sealpost, canary)
    hits = {place: sorted(living[place] | stopped[place]) for place in canary.words if living[place] | stopped[place]}
    assert not hits, hits
    assert len(canary.words) > 90


@pytest.mark.timeout(180)
def test_without_sealing_every_stored_place_is_found(lab, settings):
    """The control. What is in NEVER or GONE must be absent even here."""
    sealpost = lab.sealpost(settings=settings, build=build("hole_seal"))
    canary = Canaries()
    fill(lab, sealpost, canary)
    found = search(sealpost, canary)
    expected = {place for place in canary.words if place not in NEVER and not place.startswith(GONE)}
    missed = sorted(expected - {p for p, where in found.items() if where})
    assert not missed, f"stored, but not found by the search: {missed}"
    assert not {p: found[p] for p in canary.words if p not in expected and found[p]}

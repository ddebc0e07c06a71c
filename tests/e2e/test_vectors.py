# SPDX-License-Identifier: Apache-2.0
"""Mail and addresses collected by others. Every message with CRLF is taken and arrives as it was, under nothing but our
own lines; with bare LF it is refused. Addresses: what SMTP allows is taken at RCPT, everything else is refused."""
import contextlib
import os
import re
import smtplib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.lab.net import ROOT
from tests.lab.sealpost import accepted_id

VECTORS = Path(os.environ.get("SEALPOST_VECTORS", ROOT.parent / "shared/vectors"))
FILES = sorted(VECTORS.glob("eml/*/*.eml"))
OURS = re.compile(rb"\A(?:(?:Received|Date|Message-ID):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*){1,3}\Z", re.I)
SENDER = "doctor@clinic.test"
needs_vectors = pytest.mark.skipif(not FILES, reason=f"SKIPPED LOUDLY: the vectors are not at {VECTORS}")


def with_crlf(raw):
    text = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def authors(raw):
    """Domains that stand in From or Sender fields of a file."""
    header = with_crlf(raw).partition(b"\r\n\r\n")[0].decode("latin-1")
    fields = re.findall(r"^(?:from|sender)[ \t]*:(.*(?:\r\n[ \t].*)*)", header, re.I | re.M)
    return set(re.findall(r"[\w.-]+@([\w.-]+)", " ".join(fields)))


@pytest.fixture(scope="module")
def user(shared_sealpost):
    domains = {"clinic.test"}.union(*(authors(f.read_bytes()) for f in FILES))
    return shared_sealpost.user("archive", *sorted(domains))


@pytest.fixture(scope="module")
def receiver(shared_lab):
    return shared_lab.receiver("tls13")


@pytest.fixture
def client(shared_sealpost, user):
    with shared_sealpost.smtp(user) as one:
        yield one


def open_data(client, recipient):
    assert client.mail(SENDER, ["BODY=8BITMIME"])[0] == 250
    assert client.rcpt(recipient)[0] == 250
    assert client.docmd("DATA")[0] == 354


def label(path):
    return f"{path.parent.name}-{path.stem}" if isinstance(path, Path) else "none"


@needs_vectors
@pytest.mark.parametrize("path", FILES, ids=label)
def test_message_with_crlf_arrives_exact(client, receiver, path):
    content = with_crlf(path.read_bytes())
    before = len(receiver.messages)
    open_data(client, f"{path.parent.name}-{path.stem}@{receiver.domain}")
    client.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
    accepted_id(client.getreply())
    arrived = receiver.wait_messages(before + 1)[before:]
    assert len(arrived) == 1
    assert arrived[0].data.endswith(content)
    ours = arrived[0].data[:-len(content)]
    assert OURS.match(ours) and ours.lower().startswith(b"received:"), ours
    header = content.partition(b"\r\n\r\n")[0].decode("latin-1")
    had = {name.lower() for name in re.findall(r"^([^\s:]+)[ \t]*:", header, re.M)}
    for name in ("date", "message-id"):
        assert (f"\n{name}:".encode() in b"\n" + ours.lower()) == (name not in had)


@needs_vectors
@pytest.mark.parametrize("path", [f for f in FILES if b"\n" in f.read_bytes().replace(b"\r\n", b"")],
                         ids=label)
def test_message_with_bare_lf_is_refused(client, receiver, path):
    before = len(receiver.messages)
    open_data(client, f"lf@{receiver.domain}")
    client.send(path.read_bytes() + b"\r\n.\r\n")
    assert 500 <= client.getreply()[0] < 600
    receiver.wait_messages(before + 1, 0.2)
    assert len(receiver.messages) == before


def addresses(*categories):
    tree = ElementTree.parse(VECTORS / "isemail/test/tests.xml")
    for test in tree.iter("test"):
        if test.findtext("category") in categories:
            text = "".join(chr(ord(c) - 0x2400) if 0x2400 <= ord(c) <= 0x2420 else c
                           for c in test.findtext("address") or "")
            yield test.get("id"), text, test.findtext("diagnosis")


def answer(sealpost, user, address):
    """The first reply to RCPT with the address, in a session of its own. No QUIT: an address with a line end in it is
    two commands, whose second reply would be taken for QUIT's."""
    with contextlib.closing(sealpost.smtp(user)) as client:
        assert client.mail(SENDER)[0] == 250
        client.send(b"RCPT TO:<" + address.encode("utf-8", "surrogateescape") + b">\r\n")
        try:
            return client.getreply()[0]
        except smtplib.SMTPServerDisconnected:
            return 421


@needs_vectors
@pytest.mark.timeout(300)
@pytest.mark.parametrize("category", ["ISEMAIL_VALID_CATEGORY", "ISEMAIL_RFC5321", "ISEMAIL_DNSWARN"])
def test_address_is_taken(shared_sealpost, user, category):
    wrong = [(n, a, d) for n, a, d in addresses(category)
             if d not in NOT_FOR_SMTP and answer(shared_sealpost, user, a) != 250]
    assert not wrong


@needs_vectors
@pytest.mark.timeout(300)
@pytest.mark.parametrize("category", ["ISEMAIL_ERR", "ISEMAIL_RFC5322", "ISEMAIL_CFWS", "ISEMAIL_DEPREC"])
def test_address_is_refused(shared_sealpost, user, category):
    wrong = [(n, a, d) for n, a, d in addresses(category) if answer(shared_sealpost, user, a) == 250]
    assert not wrong


# Diagnoses that the collection counts as valid and SMTP submission to the internet does not take, each with its reason.
NOT_FOR_SMTP = {}

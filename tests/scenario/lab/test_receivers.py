# SPDX-License-Identifier: Apache-2.0
"""The receivers of the lab are what they say they are, judged by programs nobody here wrote: openssl s_client and
Python's smtplib as control clients. A receiver that only pretended to speak TLS 1.0 would make every test of the
floor worthless."""
import smtplib
import socket
import ssl
import subprocess
import warnings

import pytest

from tests.lab import Lab
from tests.lab.receiver import Reply
from tests.lab.world import SEVEN

VERSION = {"tls10": "TLSv1", "tls11": "TLSv1.1", "tls12": "TLSv1.2", "tls13": "TLSv1.3"}
FLAG = {"tls10": "-tls1", "tls11": "-tls1_1", "tls12": "-tls1_2", "tls13": "-tls1_3"}


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        one.all = {r.state: r for r in one.seven()}
        yield one


def s_client(receiver, *options):
    return subprocess.run(["openssl", "s_client", "-connect", f"{receiver.address}:{receiver.port}", "-starttls",
                           "smtp", "-name", "control.test", "-verify_hostname", receiver.host,
                           "-verify_return_error", *options], input="QUIT\r\n", capture_output=True,
                          text=True, timeout=20)


@pytest.mark.parametrize("state", VERSION)
def test_speaks_its_version_and_no_other(lab, state):
    receiver, root = lab.all[state], str(lab.authority.root_file)
    for other in VERSION:
        done = s_client(receiver, FLAG[other], "-cipher", "ALL:@SECLEVEL=0", "-CAfile", root)
        spoke = f"Protocol  : {VERSION[other]}\n" in done.stdout or f"New, {VERSION[other]}, Cipher is" in done.stdout
        assert (done.returncode == 0 and spoke) == (other == state), (other, done.stdout[-900:], done.stderr[-400:])


@pytest.mark.parametrize("state,verdict", [("self-signed", "self-signed certificate"),
                                           ("expired", "certificate has expired")])
def test_bad_certificate_is_bad_for_openssl_too(lab, state, verdict):
    done = s_client(lab.all[state], "-CAfile", str(lab.authority.root_file))
    assert verdict in done.stdout + done.stderr


def old_context(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


def deliver(receiver, context=None):
    client = smtplib.SMTP(receiver.address, receiver.port, "control.test", timeout=20)
    client.ehlo("control.test")
    if context:
        client.starttls(context=context)
        client.ehlo("control.test")
    client.sendmail("a@control.test", [f"b@{receiver.domain}"], "Subject: control\r\n\r\n.dot\r\n..two\r\nbody\r\n")
    client.quit()


@pytest.mark.parametrize("state,version", [("tls10", ssl.TLSVersion.TLSv1), ("tls11", ssl.TLSVersion.TLSv1_1),
                                           ("expired", ssl.TLSVersion.TLSv1_2), ("tls13", ssl.TLSVersion.TLSv1_3)])
def test_control_client_delivers(lab, state, version):
    receiver = lab.all[state]
    before = len(receiver.messages)
    deliver(receiver, old_context(version))
    message = receiver.wait_messages(before + 1)[-1]
    assert message.data == b"Subject: control\r\n\r\n.dot\r\n..two\r\nbody\r\n"
    assert message.recipients == [f"b@{state}.test"] and message.tls == VERSION.get(state, "TLSv1.2")
    session = receiver.sessions[-1]
    assert b"STARTTLS" in session.plain and b"MAIL FROM" not in session.plain
    assert b"MAIL FROM" in session.encrypted.upper()


def test_receiver_without_tls_records_plain_bytes(lab):
    receiver = lab.all["no-tls"]
    deliver(receiver)
    assert receiver.messages[-1].tls is None and b"Subject: control" in receiver.sessions[-1].plain


def test_scripted_replies_and_close():
    with Lab() as lab:
        receiver = lab.receiver("script", "no-tls", replies={
            "mail": ["451 4.3.0 later", "250 ok"], "rcpt": lambda _s, a: "550 5.1.1 no" if "nobody" in a else "250 ok",
            "dot": Reply("250 kept", close=True)})
        client = smtplib.SMTP(receiver.address, receiver.port, timeout=10)
        client.ehlo("c.test")
        assert client.mail("a@c.test")[0] == 451
        assert client.mail("a@c.test")[0] == 250
        assert client.rcpt("nobody@script.test")[0] == 550
        assert client.rcpt("b@script.test")[0] == 250
        assert client.data(b"x\r\n")[0] == 250
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
            client.noop()
        assert len(receiver.messages) == 1


def test_chunking_and_injection():
    with Lab() as lab:
        receiver = lab.receiver("chunks", "no-tls")
        with socket.create_connection((receiver.address, receiver.port), timeout=10) as raw:
            raw.sendall(b"EHLO c.test\r\nMAIL FROM:<a@c.test> BODY=8BITMIME\r\nRCPT TO:<b@chunks.test> NOTIFY=NEVER\r\n"
                        b"BDAT 4\r\nab\r\nBDAT 6 LAST\r\n.\r\ncd\nQUIT\r\n")
            while raw.recv(4096):
                pass
        message = receiver.wait_messages()[0]
        assert message.data == b"ab\r\n.\r\ncd\n" and message.recipient_parameters == ["NOTIFY=NEVER"]
        injected = lab.receiver("starttls-injected")
        with socket.create_connection((injected.address, injected.port), timeout=10) as raw:
            raw.sendall(b"EHLO c.test\r\nSTARTTLS\r\n")
            seen = b""
            while b"inject.test" not in seen:
                seen += raw.recv(4096)
        assert b"220 2.0.0 go ahead\r\n250-inject.test" in seen


def test_name_server_answers_and_fails():
    import dns.message
    import dns.query
    import dns.rcode
    with Lab() as lab:
        lab.receiver("x")
        lab.dns.add("null.test", "MX", "0 .")
        lab.dns.add("alias.test", "CNAME", "x.test.")

        def ask(name, kind, how=dns.query.udp):
            return how(dns.message.make_query(name, kind), lab.dns.address, 1, port=lab.dns.port)
        assert "10 mx.x.test." in str(ask("x.test", "MX").answer[0])
        assert "10 mx.x.test." in str(ask("alias.test", "MX", dns.query.tcp).answer[1])
        assert "0 ." in str(ask("null.test", "MX").answer[0])
        assert ask("nothing.test", "MX").rcode() == dns.rcode.NXDOMAIN
        assert ask("mx.x.test", "AAAA").rcode() == 0 and not ask("mx.x.test", "AAAA").answer
        lab.dns.fail("x.test", "servfail")
        assert ask("x.test", "MX").rcode() == dns.rcode.SERVFAIL
        lab.dns.fail("x.test", "timeout", "A")
        with pytest.raises(dns.exception.Timeout):
            ask("x.test", "A")
        assert lab.dns.asked("x.test", "MX") == 2


def test_seven_are_the_seven():
    assert len(SEVEN) == 7

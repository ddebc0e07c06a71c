# SPDX-License-Identifier: Apache-2.0
"""A web server for MTA-STS policies (RFC 8461): many domains on one address and port, told apart by SNI, each in a manner of
its own: well-behaved, or wrong in one way. It publishes the TXT and address records too, and counts what it was asked."""
import socket
import ssl
import struct
import threading
import time

from tests.lab.pki import server_context

# manner -> (keywords for Lab.certificate, keywords for server_context)
CERTIFICATES = {
    "self-signed": ({"self_signed": True}, {}),
    "wrong-name": ({"names": ["mta-sts.elsewhere.test"]}, {}),
    "domain-name": ({"names": ["{domain}"]}, {}),  # of the domain, not of the policy host
    "expired": ({"expired": True}, {}),
    "not-yet-valid": ({"future": True}, {}),
    "unknown-authority": ({"authority": "other"}, {}),
    "no-intermediate": ({"chain": False}, {}),
    "common-name-only": ({"common_name_only": True}, {}),
    "client-certificate": ({"usage": "client"}, {}),
    "weak-key": ({"key": "rsa1024"}, {}),
    "wildcard": ({"names": ["*.{domain}"]}, {}),  # good
    "partial-wildcard": ({"names": ["mta-*.{domain}"]}, {}),
    "tls10": ({}, {"minimum": "1.0", "maximum": "1.0"}),
    "tls11": ({}, {"minimum": "1.1", "maximum": "1.1"}),
    "tls12": ({}, {"minimum": "1.2", "maximum": "1.2"}),  # good
    "weak-suite": ({"key": "rsa2048"}, {"maximum": "1.2", "ciphers": "AES128-SHA:@SECLEVEL=0"}),
}
# What is wrong with the answer; the certificate is good.
ANSWERS = ["ok", "redirect", "404", "500", "wrong-type", "no-type", "too-big", "endless", "slow", "silent", "held", "closed",
           "truncated", "no-http", "garbage", "empty", "clear", "long-header"]
# No connection comes about: no address, or one where nobody listens.
UNREACHABLE = ["no-host", "refused"]
MANNERS = [*ANSWERS, *CERTIFICATES, *UNREACHABLE]

BIG = 128 * 1024
ABSENT = object()


def policy_text(mode="enforce", mx=(), max_age=86400, version="STSv1", extra=(), eol="\r\n"):
    """A policy file. A field that is None is left out; extra lines come last."""
    lines = [f"{key}: {value}" for key, value in (("version", version), ("mode", mode)) if value is not None]
    lines += [f"mx: {host}" for host in mx]
    lines += [f"max_age: {max_age}"] if max_age is not None else []
    return "".join(f"{line}{eol}" for line in [*lines, *extra])


def record_text(identity):
    """The TXT record."""
    return f'"v=STSv1; id={identity};"'


class _Domain:
    def __init__(self):
        self.manner, self.text, self.context, self.asked = "ok", "", None, 0


class PolicyHost:
    """policy = PolicyHost(lab); policy.publish("a.test", mx=["mx.a.test"]). The port is the same for all: policy.port
    (resolver.sts-port). Names and certificates are made in the lab."""

    def __init__(self, lab, port=None, address=None):
        self.lab = lab
        self.address = address or lab.net.address()
        self.port = port or lab.net.free_port(self.address)
        self._refusing = lab.net.address()
        self._domains = {}
        self._released = threading.Event()
        self._open = True
        self._socket = socket.create_server((self.address, self.port), backlog=512)
        threading.Thread(target=self._serve, daemon=True).start()

    def publish(self, domain, manner="ok", identity="20260101", text=None, record=None, address=None, **policy):
        """Makes or changes the domain's record and policy. policy: what policy_text() takes (mx is mx.DOMAIN unless given);
        text: the file as it is; record: the TXT rdata as it is, or several, or ABSENT for none."""
        known = self._domains.get(domain) or _Domain()
        policy.setdefault("mx", [f"mx.{domain}"])
        known.text = policy_text(**policy) if text is None else text
        if known.context is None or known.manner != manner:
            known.context = self._context(domain, manner)
        known.manner = manner
        self._domains[domain] = known
        self.record(domain, record if record is not None else record_text(identity))
        self.lab.dns.remove(f"mta-sts.{domain}", "A")
        if manner != "no-host":
            self.lab.dns.add(f"mta-sts.{domain}", "A", address or (self._refusing if manner == "refused" else self.address))

    def record(self, domain, record):
        """Replaces the TXT record: rdata, a list of them, or ABSENT."""
        self.lab.dns.remove(f"_mta-sts.{domain}", "TXT")
        if record is not ABSENT:
            self.lab.dns.add(f"_mta-sts.{domain}", "TXT", *([record] if isinstance(record, str) else record))

    def asked(self, domain):
        """How often the policy was asked for, whole requests only."""
        return self._domains[domain].asked

    def release(self):
        """Lets the answers in manner "held" go."""
        self._released.set()

    def close(self):
        self._open = False
        self._released.set()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _context(self, domain, manner):
        issue, server = CERTIFICATES.get(manner, ({}, {}))
        certificate = self.lab.certificate(f"mta-sts.{domain}", domain, **issue)
        return server_context(certificate, **server)

    def _serve(self):
        while self._open:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection):
        with connection:
            connection.settimeout(30)
            try:
                name = (_peek_name(connection) or "").removeprefix("mta-sts.")
                domain = self._domains.get(name)
                if domain is None or domain.manner == "closed":
                    return
                if domain.manner == "clear":
                    connection.sendall(_answer(domain.text))
                    return
                with domain.context.wrap_socket(connection, server_side=True) as tls:
                    self._answer(tls, domain, name)
            except (OSError, ssl.SSLError, ValueError):
                return

    def _answer(self, tls, domain, name):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = tls.recv(4096)
            if not piece:
                return
            request += piece
        domain.asked += 1
        good = request.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n") and f"Host: mta-sts.{name}".encode() in request
        if not good:
            tls.sendall(_answer("", "400 Bad Request"))
        elif domain.manner == "silent":
            self._wait(60)
        elif domain.manner == "held":
            self._released.wait(60)
            tls.sendall(_answer(domain.text))
        elif domain.manner == "slow":
            self._drip(tls, _answer(domain.text))
        elif domain.manner == "endless":
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(BIG // 1000):
                tls.sendall(b"3e8\r\n" + b"a" * 1000 + b"\r\n")
        else:
            tls.sendall(_wrong(domain, name))

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            time.sleep(0.05)

    def _drip(self, tls, answer):
        """A byte every half second."""
        for byte in answer:
            tls.sendall(bytes([byte]))
            self._wait(0.5)
            if not self._open:
                return


def _answer(text, status="200 OK", kind="text/plain; charset=utf-8", more="", length=None):
    body = text.encode() if isinstance(text, str) else text
    head = f"HTTP/1.1 {status}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "") + more
    return f"{head}Content-Length: {len(body) if length is None else length}\r\nConnection: close\r\n\r\n".encode() + body


def _wrong(domain, name):
    """The answer of a manner, all at once."""
    text = domain.text
    answers = {
        "redirect": lambda: _answer("", "302 Found", more=f"Location: https://mta-sts.{name}/.well-known/mta-sts.txt\r\n"),
        "404": lambda: _answer("no such file", "404 Not Found"),
        "500": lambda: _answer("broken", "500 Internal Server Error"),
        "wrong-type": lambda: _answer(text, kind="text/html"),
        "no-type": lambda: _answer(text, kind=None),
        "too-big": lambda: _answer(text + "x: " + "a" * BIG + "\r\n"),
        "truncated": lambda: _answer(text, length=len(text) + 10),
        "no-http": lambda: b"220 what.test ESMTP\r\n",
        "garbage": lambda: _answer(b"\x00\xff\xfe version=STSv1\r\n\r\n\x7f" * 20),
        "empty": lambda: _answer(""),
        "long-header": lambda: _answer(text, more="".join(f"X-{n}: {'a' * 1000}\r\n" for n in range(100))),
    }
    return answers.get(domain.manner, lambda: _answer(text))()


def _peek_name(connection):
    """The name in the ClientHello that waits on the connection (which stays there), or None: a TLS context can only be
    chosen by version before the library has read it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        data = connection.recv(16384, socket.MSG_PEEK)
        if not data or data[0] != 22:
            return None
        if len(data) >= 5 and len(data) >= 5 + struct.unpack("!H", data[3:5])[0]:
            return _server_name(data[5:])
        time.sleep(0.01)
    return None


def _server_name(hello):
    """SNI of a ClientHello (RFC 8446 4.1.2, RFC 6066 3)."""
    at = 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack("!H", hello[at:at + 2])[0]
    at += 1 + hello[at]
    end = at + 2 + struct.unpack("!H", hello[at:at + 2])[0]
    at += 2
    while at + 4 <= end:
        kind, size = struct.unpack("!HH", hello[at:at + 4])
        if kind == 0:
            return hello[at + 9:at + 4 + size].decode("ascii")
        at += 4 + size
    return None

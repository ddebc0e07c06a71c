# SPDX-License-Identifier: Apache-2.0
"""Memory of an idle TLS session: many are opened, each logged in, and the growth of the relay is divided by them."""
import base64
import socket
import ssl
import time

from tools.bench import measure


class Session:
    """A logged-in session that then says nothing."""

    def __init__(self, relay, context):
        self.raw = socket.create_connection((relay.address, relay.port), timeout=30)
        self._reply()
        self._say("EHLO idle.test")
        self._say("STARTTLS")
        self.raw = context.wrap_socket(self.raw)
        self._say("EHLO idle.test")
        plain = base64.b64encode(f"\0{relay.user}\0{relay.password}".encode()).decode()
        answer = self._say(f"AUTH PLAIN {plain}")
        if not answer.startswith(b"235"):
            raise RuntimeError(f"{relay.name}: {answer!r}")

    def _reply(self):
        text = b""
        while not (text.endswith(b"\n") and text.splitlines()[-1][3:4] != b"-"):
            data = self.raw.recv(4096)
            if not data:
                raise RuntimeError(f"closed after {text!r}")
            text += data
        return text

    def _say(self, line):
        self.raw.sendall(line.encode() + b"\r\n")
        return self._reply()

    def close(self):
        self.raw.close()


def kib_per_session(relay, lab, count):
    """Growth of the relay's memory for each of count idle sessions. The first few only wake it up."""
    context = ssl.create_default_context(cafile=str(lab.authority.root_file))
    context.check_hostname = False
    first = [Session(relay, context) for _ in range(4)]
    time.sleep(0.3)
    before = measure.pss_kib(relay.pid)
    rest = [Session(relay, context) for _ in range(count)]
    time.sleep(0.5)
    grown = measure.pss_kib(relay.pid) - before
    for one in first + rest:
        one.close()
    return grown / count

# SPDX-License-Identifier: Apache-2.0
"""TLS servers that nobody here wrote and that know no mail: `openssl s_server` and `gnutls-serv`. A front of ours says
greeting, EHLO and STARTTLS in the clear and then carries every byte to the program and back, untouched. Behind its TLS
s_server is a pipe, so a whole message can be taken; gnutls-serv echoes, so only its handshake is judged."""
import contextlib
import select
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

START_SECONDS = 20
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"]


class Conversation:
    """The mail server's side of SMTP, line by line: everything is taken."""

    def __init__(self, host, starttls):
        self.host, self.starttls = host, starttls
        self.content, self.messages = None, []

    def reset(self):
        self.content = None

    def answer(self, line):
        """The reply to a line (both with their CRLF; empty: none)."""
        if self.content is not None:
            if line == b".\r\n":
                self.messages.append(b"".join(self.content))
                self.content = None
                return b"250 2.0.0 kept\r\n"
            self.content.append(line)
            return b""
        verb = line[:4].upper()
        if verb == b"EHLO":
            more = b"250-STARTTLS\r\n" if self.starttls else b""
            return b"250-" + self.host.encode() + b"\r\n" + more + b"250-8BITMIME\r\n250 SIZE 10000000\r\n"
        if verb == b"DATA":
            self.content = []
            return b"354 go on\r\n"
        return b"221 2.0.0 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n"


class TlsFront:
    """A mail host whose TLS is another program's. command(certificate, port): its command line, listening on 127.0.0.1."""
    program = ""
    talks = False  # whether what is said inside TLS comes out of the program's standard output

    def __init__(self, lab, name, certificate, *arguments):
        if shutil.which(self.program) is None:
            pytest.skip(f"{self.program} is not installed")
        self.domain, self.host = f"{name}.test", f"mx.{name}.test"
        self.address, self.port = lab.net.address(), lab.smtp_port
        self.log = f"{lab.folder}/front-{name}.log"
        self.clear, self.inside = Conversation(self.host, True), Conversation(self.host, False)
        self.handed_over = 0  # connections that began TLS
        self._inner = lab.net.free_port(self.address)
        self._start(self.command(certificate, *arguments))
        self._listener = socket.create_server((self.address, self.port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        if self.talks:
            self._threads.append(threading.Thread(target=self._talk, daemon=True))
        for thread in self._threads:
            thread.start()
        lab.dns.add(self.host, "A", self.address)
        lab.dns.add(self.domain, "MX", f"10 {self.host}.")
        lab.instances_beside.append(self)

    def command(self, certificate, *arguments):
        raise NotImplementedError

    def _start(self, command):
        pipe = subprocess.PIPE if self.talks else subprocess.DEVNULL
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*DIES_WITH_US, *command], stdin=pipe, stdout=pipe if self.talks else log,
                                            stderr=log, bufsize=0)
        end = time.monotonic() + START_SECONDS
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.program} did not start: {self.log_text()[-1000:]}")
            time.sleep(0.05)

    def _listens(self):
        """As the kernel sees it: a connection would be one that the program has to serve. At our address or at all of them:
        the same port of another address may be somebody else's."""
        own = socket.inet_aton(self.address)[::-1].hex().upper()
        with open("/proc/net/tcp", encoding="ascii") as table:
            return any(f" {at}:{self._inner:04X} 00000000:0000 0A" in line for line in table for at in (own, "00000000"))

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            connection.sendall(f"220 {self.host} ESMTP\r\n".encode())
            self.clear.reset()
            for line in lines:
                if line.upper() == b"STARTTLS\r\n":
                    connection.sendall(b"220 2.0.0 go ahead\r\n")
                    self._carry(connection)
                    return
                connection.sendall(self.clear.answer(line))

    def _carry(self, connection):
        self.inside.reset()
        self.handed_over += 1
        with socket.create_connection((self.address, self._inner), timeout=5) as inner:
            other = {connection: inner, inner: connection}
            while True:
                for end in select.select(list(other), [], [], 30)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)

    def _talk(self):
        with contextlib.suppress(OSError, ValueError):
            for line in self.process.stdout:
                reply = self.inside.answer(line)
                if reply:
                    self.process.stdin.write(reply)

    def close(self):
        self._listener.close()
        self.process.kill()
        self.process.wait(5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class OpensslServer(TlsFront):
    program = "openssl"
    talks = True

    def command(self, certificate, *arguments):
        leaf, mark, above = certificate.chain_file.read_text().partition("-----END CERTIFICATE-----\n")
        files = ["-cert", f"{self.log}.leaf", "-key", str(certificate.key_file)]
        Path(f"{self.log}.leaf").write_text(leaf + mark, encoding="ascii")
        if above:
            Path(f"{self.log}.chain").write_text(above, encoding="ascii")
            files += ["-cert_chain", f"{self.log}.chain"]
        return ["openssl", "s_server", "-accept", f"{self.address}:{self._inner}", "-quiet", *files, *arguments]


class GnutlsServer(TlsFront):
    program = "gnutls-serv"

    def command(self, certificate, *arguments):
        return ["gnutls-serv", "--echo", "--disable-client-cert", f"--port={self._inner}", f"--x509certfile={certificate.chain_file}",
                f"--x509keyfile={certificate.key_file}", *arguments]


def openssl_client(front, *arguments):
    """What `openssl s_client -starttls smtp` says of a front, with everything old allowed: the control of a refusal."""
    return subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"{front.address}:{front.port}",
                           "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", *arguments], input="QUIT\r\n", capture_output=True, text=True,
                          timeout=30, check=False).stdout


def gnutls_client(front, priority):
    """The same by gnutls-cli with a priority string."""
    return subprocess.run(["gnutls-cli", "--starttls-proto=smtp", "--insecure", f"--priority={priority}",
                           f"--port={front.port}", front.address], input="QUIT\r\n", capture_output=True, text=True,
                          timeout=30, check=False).stdout

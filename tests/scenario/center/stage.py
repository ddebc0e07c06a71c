# SPDX-License-Identifier: Apache-2.0
"""The Message Center alone: the real web and scrub processes in their sandboxes, around one letter, with a test
program in place of keyd and store (tests/tools/center_stage.c)."""
import os
import queue
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from tests.lab.net import BUILD, Net
from tests.lab.pki import Authority

TOKEN = "Tz0-" + "a" * 39
OTHER_TOKEN = "Tz0-" + "b" * 39
WAIT = 30


def program():
    where = Path(os.environ.get("SEALPOST_BUILD") or BUILD / "debug")
    path = where / "tests/unit/roles/center_stage"
    if not path.is_file():
        raise FileNotFoundError(f"center_stage is not in {where}: run ./dev build")
    return path


class Stage:
    def __init__(self, folder, letter):
        self.child_may_crash = False
        self.net = Net()
        self.address = self.net.address()
        self.port = self.net.free_port(self.address)
        self.authority = Authority(Path(folder) / "pki")
        certificate = self.authority.issue(self.address)
        self.ca = self.authority.root_file
        self.base = f"https://{self.address}:{self.port}"
        self.link = f"{self.base}/l/{TOKEN}"
        self.log = Path(folder) / "stage.log"
        (Path(folder) / "letter").write_bytes(letter)
        conf = Path(folder) / "stage.conf"
        conf.write_text(self._settings(folder), encoding="utf-8")
        self._lines = queue.Queue()
        self.process = subprocess.Popen(
            [program(), conf, certificate.chain_file, certificate.key_file, Path(folder) / "letter", TOKEN],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.log, "wb"), text=True, cwd=folder)
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for("ready")

    def _settings(self, folder):
        return (f'hostname = "mail.clinic.test"\ndirectory = "{folder}"\noperator = "Clinic <North> & Sons"\n'
                f'postmaster = "help@clinic.test"\nlog-level = "debug"\n'
                f'submission {{\n listen = {{"{self.address}:1"}}\n mode = "tls"\n certificate = "c.pem"\n key = "k.pem"\n}}\n'
                f'notice {{\n from = "notice@clinic.test"\n}}\n'
                f'center {{\n listen = {{"{self.address}:{self.port}"}}\n base-url = "{self.base}"\n'
                f' certificate = "c.pem"\n key = "k.pem"\n}}\nkeys {{\n escrow = {{"e.pem"}}\n}}\n')

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.split())
        self._lines.put(["ended"])

    def wait_for(self, first):
        """The next line that begins so, without its first word."""
        while True:
            line = self._lines.get(timeout=WAIT)
            if line[0] == first:
                return line[1:]
            assert line[0] != "ended", self.log.read_text(errors="replace")

    def code(self):
        """The code that would have been mailed last: it was printed before the page that asks for it was sent."""
        found = self.wait_for("code")
        while not self._lines.empty():
            found = self.wait_for("code")
        return found[0]

    def quiet(self):
        """True when nothing was asked of the store since the last look."""
        return self._lines.empty()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self.wait_for("done")

    def socket(self, alpn=None):
        """A raw TLS connection."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if alpn:
            context.set_alpn_protocols(alpn)
        plain = socket.create_connection((self.address, self.port), timeout=WAIT)
        return context.wrap_socket(plain, server_hostname=self.address)

    def raw(self, data, alpn=None):
        """Everything the server says to these bytes until it closes."""
        with self.socket(alpn) as s:
            s.sendall(data)
            answer = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return answer
                answer += piece

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(timeout=WAIT)
        self.net.close()
        text = self.log.read_text(errors="replace")
        if not self.child_may_crash:
            self._check_sanitizers(text)
        assert self.process.returncode == 0, text

    @staticmethod
    def _check_sanitizers(text):
        for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer"):
            assert mark not in text, text

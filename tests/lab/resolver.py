# SPDX-License-Identifier: Apache-2.0
"""The resolver's program, started and asked as the supervisor and a courier would, over its own wire format: what
tests/scenario/net/test_sts.py drives."""
import array
import os
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

BOOT, FD, START, PEER, RELOAD, DRAIN, READY, DOSSIER = 1, 2, 3, 4, 6, 7, 8, 60
RESOLVER, COURIER, KINDS = 5, 4, 9
FD_AUTHORITIES, FD_ANCHOR = 7, 8
VERSION, ANSWER, CARRIES_FD = 1, 1, 2
LOOKS = ["unasked", "absent", "found", "kept", "dns-failed", "record-invalid", "fetch-failed", "cert-failed", "policy-invalid"]
STATUSES = ["ok", "nxdomain", "nodata", "servfail", "timeout", "bogus", "malformed", "null-mx", "loop"]
MODES = ["none", "testing", "enforce"]
SECONDS = 20


@dataclass
class Policy:
    mode: str
    id: str
    fetched_us: int
    max_age: int
    hosts: list
    wire: bytes

    @staticmethod
    def read(data):
        r = Reader(data)
        return Policy(MODES[r.number(1)], r.blob().decode(), r.number(8), r.number(4), r.blob().decode().split("\n"), data)


@dataclass
class Dossier:
    status: str
    secure: bool
    expires_us: int
    hosts: list
    look: str
    policy: Policy | None
    changed: bool
    detail: str
    seconds: float = field(default=0)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "big")

    def blob(self):
        size = self.number(4)
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at]


def blob(data):
    return struct.pack("!I", len(data)) + data


def _host(r):
    preference, status, secure = r.number(2), STATUSES[r.number(1)], bool(r.number(1))
    name, addresses, canonical = r.blob().decode(), r.blob(), r.blob().decode()
    state, base, records = r.number(1), r.blob().decode(), r.blob()
    return {"name": name, "preference": preference, "status": status, "secure": secure, "addresses": len(addresses) // 17,
            "canonical": canonical, "tlsa": state, "base": base, "records": records}


def _dossier(payload):
    r = Reader(payload)
    status, secure, _, expires = STATUSES[r.number(1)], bool(r.number(1)), r.number(1), r.number(8)
    hosts, look, policy, changed, detail = r.blob(), r.number(1), r.blob(), bool(r.number(1)), r.blob().decode()
    assert r.at == len(payload)
    inner, found = Reader(hosts), []
    while inner.at < len(hosts):
        found.append(_host(inner))
    return Dossier(status, secure, expires, found, LOOKS[look], Policy.read(policy) if policy else None, changed, detail)


class Channel:
    """Frames over a socket (src/os/chan.h)."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(SECONDS)

    def send(self, kind, payload=b"", request=0, fd=None):
        flags = CARRIES_FD if fd is not None else 0
        frame = struct.pack("!IHBBQ", len(payload), kind, VERSION, flags, request) + payload
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
        sent = self.sock.sendmsg([frame], more)
        if sent < len(frame):  # to send nothing fails, too, when the other side has closed
            self.sock.sendall(frame[sent:])

    def receive(self):
        """(kind, request, payload)."""
        size, kind, _, _, request = struct.unpack("!IHBBQ", self._exactly(16))
        return kind, request, self._exactly(size)

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError("the channel closed")
            data += piece
        return data


class Resolver:
    """resolver = Resolver(build, conf={"resolver.sts-port": 8443, ...}, authorities=path, anchor=path)."""

    def __init__(self, build, conf, authorities, anchor=None, env=None):
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen([str(Path(build) / "src/roles/sealpost-resolver")], preexec_fn=lambda: os.dup2(theirs.fileno(), 3),
                                        pass_fds=[3], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **(env or {})))
        theirs.close()
        self._errors = []
        threading.Thread(target=self._read_errors, daemon=True).start()
        self.control = Channel(ours)
        self._request = 0
        self._boot(conf, authorities, anchor)
        self.couriers = []
        self.courier = self.meet()

    def _read_errors(self):
        for line in self.process.stderr:
            self._errors.append(line.decode(errors="replace"))

    @property
    def log(self):
        return "".join(self._errors)

    @staticmethod
    def text(conf, anchor):
        sections = {}
        for key, value in conf.items():
            section, _, name = key.partition(".")
            sections.setdefault(section, []).append(f"{name} = {value}")
        if anchor:
            sections.setdefault("resolver", []).append(f'trust-anchor = "{anchor}"')
        uid = os.geteuid()
        if uid > RESOLVER:
            sections["roles"] = [f"uid = {uid - RESOLVER}"]
        blocks = "".join(f"{name} {{\n" + "\n".join(lines) + "\n}\n" for name, lines in sections.items())
        return REST + blocks

    def _boot(self, conf, authorities, anchor):
        counts = b"".join(struct.pack("!I", 1 if kind == RESOLVER else 0) for kind in range(KINDS))
        text = self.text(conf, anchor).encode()
        self.control.send(BOOT, struct.pack("!BIQ", RESOLVER, 0, 1) + blob(counts) + blob(b"/lab.conf") + blob(text))
        for what, path in ((FD_AUTHORITIES, authorities), (FD_ANCHOR, anchor)):
            if path:
                with open(path, "rb") as file:
                    self.control.send(FD, struct.pack("!BI", what, 0), fd=file.fileno())
        self.control.send(START)
        try:
            kind, _, _ = self.control.receive()
        except EOFError:
            self.process.wait(SECONDS)
            time.sleep(0.1)
            raise RuntimeError(f"the resolver did not start: {self.log}") from None
        assert kind == READY

    def meet(self):
        """A courier's channel."""
        ours, theirs = socket.socketpair()
        self.control.send(PEER, struct.pack("!BI", COURIER, 0), fd=theirs.fileno())
        theirs.close()
        self.couriers.append(ours)
        return Channel(ours)

    def ask(self, domain, policy=None, fresh=False, forget=False):
        return self.ask_all([domain], policy, fresh, forget)[0]

    def ask_all(self, domains, policy=None, fresh=False, forget=False):
        """Asks for all at once; dossiers in the order of domains."""
        channel, started, requests = self.courier, time.monotonic(), {}
        for domain in domains:
            self._request += 1
            requests[self._request] = domain
            channel.send(DOSSIER, blob(domain.encode()) + blob(policy.wire if policy else b"") + bytes([fresh, forget]), self._request)
        found = {}
        while len(found) < len(domains):
            kind, request, payload = channel.receive()
            assert kind == DOSSIER
            found[request] = _dossier(payload)
            found[request].seconds = time.monotonic() - started
        return [found[r] for r in requests]

    def memory_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def close(self):
        for one in (self.control.sock, *self.couriers):
            one.close()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


# What a configuration must hold besides.
REST = """hostname = "relay.test"
directory = "/"
submission {
 listen = {"127.0.0.1:465"}
 certificate = "c"
 key = "k"
}
notice {
 from = "secure@relay.test"
}
center {
 listen = {"127.0.0.1:443"}
 base-url = "https://relay.test"
 certificate = "c"
 key = "k"
}
keys {
 escrow = {"e"}
}
"""

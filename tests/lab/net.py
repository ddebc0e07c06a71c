# SPDX-License-Identifier: Apache-2.0
"""Loopback addresses for one lab. Every lab holds a block of 127.x of its own (a lock file under build/run) and one
port on which all its receivers listen, so that many labs run side by side and no service of the machine is touched."""
import fcntl
import os
import random
import socket
from pathlib import Path

ROOT = Path(os.environ.get("SEALPOST_ROOT", Path(__file__).resolve().parents[2]))
BUILD = ROOT / "build"
RUN = BUILD / "run"
BLOCKS = range(16, 120)
PORTS = range(20000, 32000)  # below the kernel's own choice of ports


class Net:
    def __init__(self):
        self._lock = None
        self._next = 1
        self.block = self._take_block()
        self.smtp_port = self.free_port(self.address())

    def _take_block(self):
        locks = RUN / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        for block in random.sample(BLOCKS, len(BLOCKS)):
            lock = open(locks / f"{block}", "w", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            self._lock = lock
            return block
        raise RuntimeError("no free block of loopback addresses: are labs left running?")

    def address(self):
        """A loopback address that nobody else in the lab has."""
        number, self._next = self._next, self._next + 1
        return f"127.{self.block}.{number // 250}.{number % 250 + 1}"

    def free_port(self, address):
        """A port that can be bound on the address now, for TCP and UDP."""
        for _ in range(200):
            port = random.choice(PORTS)
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                    tcp.bind((address, port))
                    udp.bind((address, port))
                return port
            except OSError:
                continue
        raise RuntimeError(f"no free port on {address}")

    def close(self):
        if self._lock:
            self._lock.close()
            self._lock = None

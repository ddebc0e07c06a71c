# SPDX-License-Identifier: Apache-2.0
"""Processes as /proc shows them: the descendants of a daemon, told apart by pid and start time."""
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    started: str  # clock ticks since boot: a pid that is used again has another

    def alive(self):
        now = _stat(self.pid)
        return now is not None and now[2] == self.started and now[1] != "Z"

    def parent(self):
        """Its parent's pid, or 0 when it is gone."""
        now = _stat(self.pid)
        return now[0] if now is not None and now[2] == self.started else 0

    def command(self):
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""

    def name(self):
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().strip()
        except OSError:
            return ""

    def memory_kib(self):
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """(parent, state, start time) of a pid, or None."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0], fields[19]


def descendants(pid):
    """Every process below pid, and pid itself."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = _stat(int(entry))
            if stat:
                table[int(entry)] = stat
    found, edge = set(), {pid} & set(table)
    while edge:
        found |= edge
        edge = {p for p, stat in table.items() if stat[0] in edge} - found
    return {Process(p, table[p][2]) for p in found}


def wait_gone(processes, seconds):
    """The processes that are still there after so many seconds."""
    end = time.monotonic() + seconds
    left = {p for p in processes if p.alive()}
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = {p for p in left if p.alive()}
    return left

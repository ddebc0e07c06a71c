# SPDX-License-Identifier: Apache-2.0
"""What a family of processes has used: CPU to the microsecond, memory, flushes. Read from /proc; a family is a process
and all below it."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from tests.lab import processes

TICK = os.sysconf("SC_CLK_TCK")
STRACE_SECONDS = 20
FLUSHES = ("fsync", "fdatasync")


def _text(path):
    try:
        return Path(path).read_text()
    except OSError:  # the process has ended
        return ""


def _stat_seconds(pid, first):
    """Two neighbouring times of /proc/PID/stat together, in hundredths of a second."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[first]) + int(fields[first + 1])) / TICK if fields else 0.0


def _own_cpu(pid):
    """Seconds on a CPU of a process: the scheduler's nanoseconds of its threads, or its own rougher count where that is
    more, because threads have ended."""
    total = 0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0.0
    for thread in threads:
        words = _text(f"/proc/{pid}/task/{thread}/schedstat").split()
        total += int(words[0]) if words else 0
    return max(total / 1e9, _stat_seconds(pid, 11))


def _waited_cpu(pid):
    """Seconds of the children that have ended and were waited for (and of theirs)."""
    return _stat_seconds(pid, 13)


def cpu_seconds(pid):
    """CPU of a family since it began, children that ended included."""
    return sum(_own_cpu(p.pid) + _waited_cpu(p.pid) for p in processes.descendants(pid))


def label(process):
    """What a process is for: the role where its command line names one, else the program."""
    words = process.command().split()
    return words[words.index("--role") + 1] if "--role" in words[:-1] else process.name()


def cpu_by_name(pid):
    """{what the processes are for: seconds}, without the children that ended."""
    found = {}
    for process in processes.descendants(pid):
        name = label(process)
        found[name] = found.get(name, 0.0) + _own_cpu(process.pid)
    return found


def _kib(pid, file, key):
    match = re.search(rf"^{key}:\s+(\d+) kB", _text(f"/proc/{pid}/{file}"), re.M)
    return int(match[1]) if match else 0


def peak_rss_kib(pid):
    """Sum of the largest resident sizes of the processes there are; pages they share count in each."""
    return sum(_kib(p.pid, "status", "VmHWM") for p in processes.descendants(pid))


def process_pss_kib(pid):
    """Memory of one process now; a page it shares counts in part."""
    return _kib(pid, "smaps_rollup", "Pss")


def pss_kib(pid):
    """Memory of a family now; a shared page counts once."""
    return sum(process_pss_kib(p.pid) for p in processes.descendants(pid))


class FlushCount:
    """Counts fsync and fdatasync of a family with strace while the block runs; .count is None where that cannot be."""

    def __init__(self, pid, folder):
        self.pid, self.file, self.count, self.trouble = pid, Path(folder) / f"strace-{pid}", None, ""

    def __enter__(self):
        attach = [word for p in sorted(processes.descendants(self.pid), key=lambda p: p.pid)
                  for word in ("-p", str(p.pid))]
        try:
            self.process = subprocess.Popen(["strace", "-f", "-q", "-c", "-e", f"trace={','.join(FLUSHES)}", "-o",
                                             str(self.file), *attach], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, text=True)
        except OSError as error:
            self.process, self.trouble = None, str(error)
            return self
        end = time.monotonic() + STRACE_SECONDS
        while not self._all_traced() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        return self

    def _all_traced(self):
        return all("TracerPid:\t0" not in _text(f"/proc/{p.pid}/status") for p in processes.descendants(self.pid))

    def __exit__(self, *_):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.trouble = self.process.communicate(timeout=STRACE_SECONDS)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return
        if self.file.exists():
            rows = [line.split() for line in self.file.read_text().splitlines()]
            self.count = sum(int(row[3]) for row in rows if row and row[-1] in FLUSHES)
            self.file.unlink()

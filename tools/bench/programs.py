# SPDX-License-Identifier: Apache-2.0
"""The load tool and the sink (tests/bench): built on demand, run, and their JSON read."""
import fcntl
import json
import os
import resource
import subprocess
from pathlib import Path

TOOLS = ("bench_load", "bench_sink", "bench_trust", "bench_destinations")
LOAD_SECONDS = 600


def make(build):
    """Builds both in a build folder; returns {name: path}."""
    build = Path(build)
    with open(build / ".lock-bench", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["ninja", "-C", str(build), *(f"tests/bench/{t}" for t in TOOLS)], capture_output=True,
                              text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the bench tools cannot be built:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return {tool: build / "tests/bench" / tool for tool in TOOLS}


def _environment():
    # The tools may leak at the end; what is tested is the relay.
    return dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


class Sink:
    """The receiver of one run. Answers are dicts: taken, distinct, wrong, connections, last (monotonic seconds)."""

    def __init__(self, tool, address, port, certificate, sender, sessions, messages, size):
        self.process = subprocess.Popen([str(tool), address, str(port), str(certificate.chain_file),
                                         str(certificate.key_file), sender, str(sessions), str(messages), str(size)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment())
        if self.process.stdout.readline() != "ready\n":
            self.close()
            raise RuntimeError("the sink did not start")

    def _ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def reset(self):
        return self._ask("reset")

    def wait(self, count, seconds):
        return self._ask(f"wait {count} {int(seconds)}")

    def count(self):
        return self._ask("count")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def load(tool, system, sessions, messages, size):
    """Sends through a system (tools/bench/systems.py); returns the load's JSON. A refused message is an error."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(tool), system.address, str(system.port), "starttls", str(sessions), str(messages), str(size),
                           system.user, system.password, system.sender, system.recipient], capture_output=True, text=True,
                          env=_environment(), timeout=LOAD_SECONDS, check=False)
    if not done.stdout:
        raise RuntimeError(f"{system.name}: the load ended with {done.returncode}: {done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result["cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result["errors"] = done.stderr.splitlines()[:5]
    return result

# SPDX-License-Identifier: Apache-2.0
"""One step of ./dev: a program that is run with its whole output in build/logs and a short story on the terminal."""
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
TAIL_LINES = 60


def say(text):
    print(text, flush=True)


def tail(log, lines=TAIL_LINES):
    """Shows the end of a log file, for a step that failed."""
    content = Path(log).read_text(errors="replace").splitlines()
    for line in content[-lines:]:
        say("   | " + line)
    say(f"   whole log: {os.path.relpath(log, ROOT)}")


def run(title, argv, log_name, env=None, show=None, cwd=ROOT, quiet=False, good=(0,)):
    """Runs argv, keeps all it prints in build/logs/<log_name>, and returns its exit code.

    show(line) may return a line to print at once. A failing program's last lines are printed unless quiet; good are
    the exit codes that are no failure.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / log_name
    started = time.monotonic()
    say(f"== {title}")
    with open(log, "w", encoding="utf-8", errors="replace") as out:
        process = subprocess.Popen([str(a) for a in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        for line in process.stdout:
            out.write(line)
            out.flush()
            shown = show(line.rstrip("\n")) if show else None
            if shown:
                say("   " + shown)
        code = process.wait()
    took = time.monotonic() - started
    say(f"   {'done' if code in good else f'FAILED (exit {code})'} in {took:.0f} s")
    if code not in good and not quiet:
        tail(log)
    return code


def die(text):
    say(f"dev: {text}")
    sys.exit(1)

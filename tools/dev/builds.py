# SPDX-License-Identifier: Apache-2.0
"""The builds of ./dev: which meson options each has, and how it is set up and brought up to date."""
import fcntl
import os
import re
import shutil

from tools.dev import steps

SANITIZE = ["-Db_sanitize=address,undefined"]
# name -> (compiler, meson options). The two holes are test builds that take one promise away each; in the probe, roles try
# from inside what their sandbox must refuse.
BUILDS = {
    "release": ("gcc", ["-Dbuildtype=debugoptimized", "-Dtests=false"]),
    "debug": ("gcc", ["-Dbuildtype=debug", "-Doptimization=1", *SANITIZE]),
    "clang": ("clang", ["-Dbuildtype=debug", "-Doptimization=1"]),
    "fuzz": ("clang", ["-Dbuildtype=debug", "-Doptimization=1", *SANITIZE, "-Db_lundef=false", "-Dfuzzing=true",
                       "-Dtests=false"]),
    "hole_verify": ("gcc", ["-Dbuildtype=debug", "-Doptimization=1", "-Dtests=false", "-Dhole_verify=true"]),
    "hole_seal": ("gcc", ["-Dbuildtype=debug", "-Doptimization=1", "-Dtests=false", "-Dhole_seal=true"]),
    "probe": ("gcc", ["-Dbuildtype=debug", "-Doptimization=1", "-Dtests=false", "-Dprobe=true"]),
}
PROGRESS = re.compile(r"^\[(\d+)/(\d+)\]")


def directory(name):
    return steps.BUILD / name


def _environment(compiler):
    env = dict(os.environ, CC=compiler)
    for variable in ("CFLAGS", "CPPFLAGS", "LDFLAGS"):
        env.pop(variable, None)
    return env


def _setup(name, compiler, options):
    where = directory(name)
    stamp = where / "dev-options"
    wanted = " ".join([compiler, *options])
    if stamp.exists() and stamp.read_text() == wanted and (where / "build.ninja").exists():
        return 0
    if where.exists():
        shutil.rmtree(where)
    code = steps.run(f"set up build/{name} ({compiler})", ["meson", "setup", where, *options], f"setup-{name}.log",
                     env=_environment(compiler))
    if code == 0:
        stamp.write_text(wanted)
    return code


def _reporter():
    """Shows ninja's progress at every tenth, and everything that is not progress."""
    state = {"tenth": 0}

    def show(line):
        match = PROGRESS.match(line)
        if not match:
            return None
        done, total = int(match[1]), int(match[2])
        tenth = done * 10 // max(total, 1)
        if total >= 40 and tenth > state["tenth"] and tenth % 3 == 0:
            state["tenth"] = tenth
            return f"{done} of {total}"
        return None
    return show


def build(name):
    """Sets up and builds one of BUILDS; returns the exit code."""
    targets = ["fuzz"] if name == "fuzz" else []
    compiler, options = BUILDS[name]
    steps.BUILD.mkdir(exist_ok=True)
    with open(steps.BUILD / f".lock-{name}", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code = _setup(name, compiler, options)
        if code != 0:
            return code
        return steps.run(f"build {name}", ["ninja", "-C", directory(name), "-j", str(max(2, os.cpu_count() or 2)),
                                           *targets], f"build-{name}.log", env=_environment(compiler),
                         show=_reporter())

# SPDX-License-Identifier: Apache-2.0
"""Breaks each rule of src/trust on purpose and expects a red test.

Each line of tests/mutants/trust.list is one mutant: FILE: OLD ==> NEW, where OLD stands exactly once in the file, \\n in it
is a line end, and (nothing) as NEW takes OLD away. Each is applied alone, in a copy of the tree; what depends on it is
built, and the unit tests of trust run until one fails. A mutant that no test notices, that does not compile, or whose
line fits nothing any more is a failure.
usage: mutants.py [--list FILE] [--tree DIR] [--tests NAME] [WORD...]   (WORDs: only mutants whose line contains one of them)"""
import argparse
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests/mutants/trust.list"
TREE = ROOT / "build/mutants"
TESTS = "tests/unit/trust"
OTHERS = ("test_trust_profile", "test_tlsrpt")  # of what is offered to servers, and of reports: they judge nothing
PARTS = ("meson.build", "meson_options.txt", "src", "tests", "man", "docs", "tools")
DEADLINE = 600  # of one build, or of one test: a mutant may never end
ARROW = " ==> "
NOTHING = "(nothing)"

Mutant = namedtuple("Mutant", "number file old new")


class Failure(Exception):
    """What stops the whole run."""


def read_list(path):
    """The mutants of a list file; empty lines and those that begin with # say nothing."""
    mutants = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        file, colon, change = line.partition(": ")
        old, arrow, new = change.partition(ARROW)
        if not colon or not arrow or not old.strip() or old == new:
            raise Failure(f"{path}:{number}: not FILE: OLD{ARROW}NEW")
        old, new = old.replace("\\n", "\n"), "" if new == NOTHING else new
        mutants.append(Mutant(number, file.strip(), old, new))
    return mutants


def wanted_files():
    """The files of the copy, relative to the root."""
    for part in PARTS:
        top = ROOT / part
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            relative = path.relative_to(ROOT)
            if path.is_file() and not {"__pycache__", "node_modules"} & set(relative.parts):
                yield relative


def copy_tree(tree):
    """A copy of the sources. Only what differs is written, and is then new: builds go by time, not by content."""
    target, wanted = tree / "tree", set(wanted_files())
    for relative in wanted:
        content, copy = (ROOT / relative).read_bytes(), target / relative
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            shutil.copymode(ROOT / relative, copy)
    for copy in [path for path in target.rglob("*") if path.is_file()]:
        if copy.relative_to(target) not in wanted:
            copy.unlink()


def call(argv, env=None, cwd=None):
    """(exit code, output); a program that does not end in time counts as failed."""
    try:
        done = subprocess.run([str(a) for a in argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=DEADLINE, check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return -1, f"no end after {DEADLINE} s\n{late.stdout or ''}"


class Bench:
    """The copy with its build, and the tests to run in it."""

    def __init__(self, tree, only=""):
        self.only = only
        self.sources, self.build = tree / "tree", tree / "out"
        vectors = os.environ.get("SEALPOST_VECTORS", str(ROOT.parent / "shared/vectors"))
        self.env = dict(os.environ, SEALPOST_SOURCE=str(self.sources), SEALPOST_VECTORS=vectors,
                        LIMBO_TABLE=str(self.build / "limbo.txt"))
        for variable in ("CFLAGS", "CPPFLAGS", "LDFLAGS"):
            self.env.pop(variable, None)
        self.tests = []

    def prepare(self):
        """Sets up, builds, and proves that every test is green before anything is broken."""
        if not (self.build / "build.ninja").exists():
            code, output = call(["meson", "setup", self.build, self.sources, "-Dbuildtype=debug", "-Doptimization=1",
                                 "-Dwerror=false"], self.env)
            if code != 0:
                raise Failure(f"meson setup failed\n{output[-3000:]}")
        code, output = call(["ninja", "-C", self.build, "-t", "targets", "all"], self.env)
        self.tests = sorted(line.partition(":")[0] for line in output.splitlines()
                            if line.startswith(f"{TESTS}/test_") and line.endswith("c_LINKER")
                            and not line.partition(":")[0].endswith(OTHERS) and self.only in line.partition(":")[0])
        # The quickest to notice stand in front: tables of rules, then properties, then certificates.
        first = ["verdict", "rules", "notice", "evidence", "json", "reason", "properties"]
        self.tests.sort(key=lambda t: next((i for i, word in enumerate(first) if t.endswith(f"_{word}")), len(first)))
        if not self.tests:
            raise Failure(f"no tests in {TESTS}")
        output = self.compile()
        if output:
            raise Failure(f"the copy does not build\n{output[-3000:]}")
        for test in self.tests:
            code, output = self.run(test)
            if code != 0:
                raise Failure(f"{test} is red before anything was broken\n{output[-3000:]}")

    def compile(self):
        """What the build said when it failed, else an empty text."""
        code, output = call(["ninja", "-C", self.build, *self.tests], self.env)
        return output if code != 0 else ""

    def run(self, test):
        return call([self.build / test], self.env, cwd=self.build)

    def try_mutant(self, mutant):
        """("killed" and by whom, "survived", "unbuildable" or "stale" and why)."""
        path = self.sources / mutant.file
        text = path.read_text() if path.is_file() else ""
        if text.count(mutant.old) != 1:
            return "stale", f"stands {text.count(mutant.old)} times in the file"
        path.write_text(text.replace(mutant.old, mutant.new))
        try:
            output = self.compile()
            if output:
                return "unbuildable", next((x for x in output.splitlines() if " error: " in x), output[-200:])
            for test in self.tests:
                if self.run(test)[0] != 0:
                    return "killed", Path(test).name
            return "survived", ""
        finally:
            path.write_text(text)


def run(list_file=LIST, tree=TREE, words=(), only=""):
    """Tries all mutants; prints the table; returns the exit code."""
    mutants = [m for m in read_list(list_file) if not words or any(w in f"{m.file}: {m.old}{ARROW}{m.new}" for w in words)]
    if not mutants:
        raise Failure("no mutant fits")
    copy_tree(tree)
    bench = Bench(tree, only)
    bench.prepare()
    failed = 0
    for mutant in mutants:
        ended, detail = bench.try_mutant(mutant)
        failed += ended != "killed"
        old = mutant.old.replace("\n", "\\n")
        print(f"{ended:11}  {detail:24}  {mutant.file}: {old}{ARROW}{mutant.new or NOTHING}", flush=True)
    print(f"{len(mutants) - failed} of {len(mutants)} mutants noticed")
    return 1 if failed else 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="dev mutants", description="break each rule of src/trust and expect a red test")
    parser.add_argument("--list", type=Path, default=LIST, help="list of mutants")
    parser.add_argument("--tree", type=Path, default=TREE, help="where to copy and build")
    parser.add_argument("--tests", default="", help="only tests whose name contains this")
    parser.add_argument("words", nargs="*", help="only mutants whose line contains one of these")
    given = parser.parse_args(arguments)
    try:
        return run(given.list, given.tree, given.words, given.tests)
    except Failure as failure:
        print(f"mutants: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

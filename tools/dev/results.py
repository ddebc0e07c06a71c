# SPDX-License-Identifier: Apache-2.0
"""What ran and how it ended. One name per test: `tests/unit/base/test_mem.c::test_new`, `tests/e2e/test_x.py::test_y`,
`lint::sizes`, `build::clang`. Written to build/logs/results.json, which the requirements lint reads."""
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tools.dev import steps

FILE = steps.LOGS / "results.json"
CMOCKA = re.compile(r"^\[\s*(RUN|OK|FAILED|SKIPPED|ERROR)\s*\] ([A-Za-z_]\w*)$", re.M)
OUTCOME = {"OK": "passed", "FAILED": "failed", "ERROR": "failed", "SKIPPED": "skipped"}


class Results:
    def __init__(self):
        self.tests = {}
        self.notes = {}

    def add(self, name, outcome, note=""):
        """A test that ends twice keeps its worst end."""
        order = {"passed": 0, "skipped": 1, "failed": 2}
        if name not in self.tests or order[outcome] > order[self.tests[name]]:
            self.tests[name] = outcome
            if note:
                self.notes[name] = note

    def count(self, outcome):
        return sum(1 for o in self.tests.values() if o == outcome)

    def write(self):
        steps.LOGS.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps({"tests": self.tests}, indent=1, sort_keys=True))

    def summary(self):
        """Prints what failed and what was skipped, then the last line; returns the exit code of the run."""
        strict = os.environ.get("CI") == "true"
        for outcome in ("skipped", "failed"):
            for name in sorted(n for n, o in self.tests.items() if o == outcome):
                note = self.notes.get(name, "").strip().splitlines()
                steps.say(f"{outcome}: {name}" + (f": {note[0][:200]}" if note else ""))
        failed, skipped = self.count("failed"), self.count("skipped")
        if strict:
            failed += skipped
        steps.say("")
        line = f"{self.count('passed')} passed, {failed} failed"
        if skipped and not strict:
            line += f", {skipped} skipped"
        steps.say(line)
        return 1 if failed or not self.tests else 0


def _add_cmocka(results, source, output, passed):
    ended = {}
    for kind, name in CMOCKA.findall(output):
        ended[name] = OUTCOME.get(kind, ended.get(name, "failed"))
    for name, outcome in ended.items():
        results.add(f"{source}::{name}", outcome, "see build/logs/unit.txt")
    if not ended or (not passed and "failed" not in ended.values()):
        results.add(source, "passed" if passed else "failed", "see build/logs/unit.txt")


def _source(entry, build_directory):
    """The source file of a unit test: beside its program, or tests/unit/<room>/test_<x>.c for the test <room>/<x>."""
    room, _, subject = entry["name"].split(" / ")[-1].rpartition("/")
    for path in (os.path.relpath(entry["command"][0], build_directory) + ".c", f"tests/unit/{room}/test_{subject}.c"):
        if (steps.ROOT / path).exists():
            return path
    return f"meson::{entry['name']}"


def add_meson(results, testlog, build_directory):
    """Takes the unit tests of a meson run from its JSON log; returns how many programs it named."""
    programs = 0
    if not Path(testlog).exists():
        return 0
    for line in Path(testlog).read_text(errors="replace").splitlines():
        entry = json.loads(line)
        output = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
        source = _source(entry, build_directory)
        if entry["result"] == "SKIP":
            results.add(source, "skipped", output)
        else:
            _add_cmocka(results, source, output, entry["result"] == "OK")
        programs += 1
    return programs


def add_junit(results, path):
    """Takes the tests of a pytest run from its JUnit file; returns how many it held, or -1 without a file."""
    if not Path(path).exists():
        return -1
    cases = ElementTree.parse(path).getroot().iter("testcase")
    number = 0
    for case in cases:
        parts = (case.get("classname") or "").split(".")
        file = case.get("file") or "/".join(parts) + ".py"
        inner = [p for p in parts if p.startswith("Test")]
        name = "::".join([file, *inner, case.get("name")])
        outcome, note = "passed", ""
        for kind, meaning in (("skipped", "skipped"), ("failure", "failed"), ("error", "failed")):
            found = case.find(kind)
            if found is not None:
                outcome, note = meaning, found.get("message") or ""
        results.add(name, outcome, note)
        number += 1
    return number

# SPDX-License-Identifier: Apache-2.0
"""Each demand in docs/requirements names tests that exist and, at the end of ./dev test, ran and passed; where skips are
failures (CI), a skipped one has not run.
The format is in docs/requirements/README.md."""
import json
import re

NUMBERED = re.compile(r"^ {0,3}[-*]\s+(R\d+(?:\.\d+)*)\b(.*)$")
TESTS = re.compile(r"\s[—-]+\s+tests?:\s+(.+)$")
OUTSIDE_FILES = ("lint::", "build::", "peers::")


def _numbered(text):
    """(line number, number, whole text) of each demand; lines indented below it belong to it."""
    current = None
    for number, line in enumerate(text.splitlines(), 1):
        match = NUMBERED.match(line)
        if match:
            if current:
                yield current
            current = (number, match[1], match[2])
        elif current and line.startswith("  ") and line.strip():
            current = (current[0], current[1], current[2] + " " + line.strip())
        elif current:
            yield current
            current = None
    if current:
        yield current


def _exists(tree, test):
    if test.startswith(OUTSIDE_FILES):
        return True
    path, _, name = test.partition("::")
    if not tree.exists(path):
        return False
    last = name.split("::")[-1].split("[")[0]
    return not last or re.search(rf"\b{re.escape(last)}\b", tree.text(path)) is not None


def _outcomes(results, test):
    """Outcomes of a test, of all its parameters when it names none, of a whole file when it names no function."""
    return [o for n, o in results.items() if n == test or n.startswith((test + "[", test + "::"))]


def check(tree, context):
    results = json.loads(context.results.read_text())["tests"] if context.results else None
    seen = set()
    for path in tree.files("docs/requirements", (".md",)):
        for line, number, text in _numbered(tree.text(path)):
            where = f"{path}:{line}: {number}"
            if number in seen:
                yield f"{where} is numbered twice"
            seen.add(number)
            named = TESTS.search(text)
            if not named:
                yield f"{where} names no test"
                continue
            for test in re.split(r"[,\s]+", named[1].replace("`", "").strip().rstrip(".")):
                if not _exists(tree, test):
                    yield f"{where}: there is no test {test}"
                elif results is not None:
                    outcomes = _outcomes(results, test)
                    if not outcomes:
                        yield f"{where}: {test} did not run"
                    elif "failed" in outcomes:
                        yield f"{where}: {test} failed"
                    elif context.strict and set(outcomes) != {"passed"}:
                        yield f"{where}: {test} was skipped"

# SPDX-License-Identifier: Apache-2.0
"""Runs the rules of the house over a tree. There is no list of exceptions: a rule that does not fit is changed for
everybody or kept."""
import os
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.lint import (banned, heads, mutable, options, permit, prototypes, requirements, rooms,  # noqa: E402
                        sizes, workplace)
from tools.lint.tree import Tree  # noqa: E402

CHECKS = {
    "rooms": rooms, "sizes": sizes, "banned": banned, "prototypes": prototypes, "heads": heads, "mutable": mutable,
    "options": options, "permit": permit, "requirements": requirements, "workplace": workplace,
}


@dataclass
class Context:
    """results: file with what ran in this ./dev test, or None when lint runs alone. strict: a skip is a failure."""
    results: Path | None = None
    strict: bool = False


def run(root, build, results=None, only=None):
    """{check: [findings]} for every check, or for the one named."""
    tree, context = Tree(root, build), Context(results, os.environ.get("CI") == "true")
    return {name: list(module.check(tree, context)) for name, module in CHECKS.items() if only in (None, name)}


def main():
    root = Path(__file__).resolve().parents[2]
    ended = run(root, root / "build/release")
    for name, problems in ended.items():
        for problem in problems:
            print(f"{name}: {problem}")
    return 1 if any(ended.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The tree as the lint checks see it: its files, C text with comments and strings blanked out, functions in it."""
import os
import re
from pathlib import Path

SKIP_DIRECTORIES = {"build", ".git", "__pycache__", "node_modules", ".pytest_cache"}
BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)
FUNCTION_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
NOT_FUNCTIONS = {"if", "for", "while", "switch", "return", "sizeof", "__attribute__", "_Static_assert", "do", "else"}


def blank(match):
    """Spaces of the same shape, so that offsets and line numbers stay."""
    text = match.group(0)
    keep = text[0] if text[0] in "\"'" else " "
    inner = re.sub(r"[^\n]", " ", text)
    return inner if keep == " " else keep + inner[1:-1] + keep


def without_comments(text):
    """C text with comments and the insides of strings turned into spaces; every offset stays the same."""
    return BLANK.sub(blank, text)


def without_directives(text):
    """As above, preprocessor lines too."""
    return DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


class Tree:
    def __init__(self, root, build=None):
        self.root = Path(root)
        self.build = Path(build) if build else None
        self._files = None

    def files(self, under="", suffixes=None):
        """Paths relative to the root, sorted; below `under`, ending in one of `suffixes`."""
        if self._files is None:
            self._files = sorted(self._walk())
        prefix = under.rstrip("/") + "/" if under else ""
        return [f for f in self._files if f.startswith(prefix) and (suffixes is None or f.endswith(tuple(suffixes)))]

    def _walk(self):
        for directory, names, files in os.walk(self.root):
            names[:] = [n for n in names if n not in SKIP_DIRECTORIES]
            for file in files:
                yield os.path.relpath(os.path.join(directory, file), self.root)

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def exists(self, path):
        return (self.root / path).exists()


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def functions(text):
    """(name, first line, last line, body offset range) of each function defined in C text."""
    plain = without_directives(without_comments(text))
    depth, start = 0, 0
    found = None
    for match in re.finditer(r"[{};]", plain):
        mark, at = match.group(0), match.start()
        if mark == "{":
            if depth == 0:
                found = _function_head(plain, start, at)
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                if found:
                    name, head = found
                    yield name, line_of(plain, head), line_of(plain, at), (head, at + 1)
                start, found = at + 1, None
        elif depth == 0:
            start = at + 1


def _function_head(plain, start, brace):
    """(name, offset of its first word) when the text before a brace at depth 0 is the head of a function."""
    head = plain[start:brace]
    bare = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", lambda m: " " * len(m.group(0)), head)
    if not bare.rstrip().endswith(")") or "=" in bare:
        return None
    name = FUNCTION_NAME.search(bare)
    if not name or name.group(1) in NOT_FUNCTIONS:
        return None
    return name.group(1), start + len(head) - len(head.lstrip())

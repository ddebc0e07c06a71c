# SPDX-License-Identifier: Apache-2.0
"""Each function that a header in src/ declares or defines has a comment directly above it."""
import re

from tools.lint.tree import line_of, without_comments, without_directives

ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
SKIP_WORDS = ("typedef", "_Static_assert", "static_assert")


def _declarations(plain):
    """(offset, text) of each declaration or function head at depth 0."""
    depth, start = 0, 0
    for match in re.finditer(r"[{};]", plain):
        mark, at = match.group(0), match.start()
        if mark == "{":
            if depth == 0:
                yield start, plain[start:at], True
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                start = at + 1
        elif depth == 0:
            yield start, plain[start:at], False
            start = at + 1


def _function(text, opens):
    bare = ATTRIBUTE.sub(" ", text).strip()
    if not bare or bare.startswith(SKIP_WORDS) or "=" in bare:
        return None
    if opens and not bare.endswith(")"):
        return None
    name = NAME.search(bare)
    return name.group(1) if name and re.search(r"\w[\s*]+" + name.group(1) + r"\s*\(", bare) else None


def check(tree, _context):
    for path in tree.files("src", (".h",)):
        text = tree.text(path)
        lines = text.splitlines()
        plain = without_directives(without_comments(text))
        for offset, declaration, opens in _declarations(plain):
            name = _function(declaration, opens)
            if not name:
                continue
            first = line_of(plain, offset + len(declaration) - len(declaration.lstrip()))
            above = lines[first - 2].strip() if first >= 2 else ""
            if not (above.endswith("*/") or above.startswith("//")):
                yield f"{path}:{first}: {name}() has no comment directly above"

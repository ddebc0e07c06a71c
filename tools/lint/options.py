# SPDX-License-Identifier: Apache-2.0
"""No option is read and ignored: each field of the configuration (src/os/conf.h) is used by a file of src/ that is
not the configuration itself."""
import re

from tools.lint.tree import line_of, without_comments, without_directives

HEADER = "src/os/conf.h"
OWN = re.compile(r"^src/os/conf[\w]*\.[ch]$")
STRUCT = re.compile(r"\bstruct\s+(conf\w*)\s*\{")
FIELD = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\])*\s*$")


def _body(plain, opening):
    depth = 0
    for at in range(opening, len(plain)):
        depth += {"{": 1, "}": -1}.get(plain[at], 0)
        if depth == 0:
            return plain[opening + 1:at]
    return ""


def _fields(plain):
    """(struct, field, line) of each member of each struct whose name begins with conf."""
    for match in STRUCT.finditer(plain):
        body = re.sub(r"\{[^{}]*\}", lambda m: re.sub(r"[^\n;]", " ", m.group(0)).replace(";", " "),
                      _body(plain, match.end() - 1))
        at = match.end()
        for member in body.split(";"):
            for one in member.split(","):
                name = FIELD.search(one)
                if name and one.strip():
                    yield match.group(1), name.group(1), line_of(plain, at + len(member) - len(member.lstrip()))
            at += len(member) + 1


def check(tree, _context):
    if not tree.exists(HEADER):
        return
    users = " ".join(without_comments(tree.text(p)) for p in tree.files("src", (".c", ".h")) if not OWN.match(p))
    plain = without_directives(without_comments(tree.text(HEADER)))
    for struct, field, line in _fields(plain):
        if not re.search(rf"(?:->|\.)\s*{field}\b", users):
            yield f"{HEADER}:{line}: nothing uses {struct}.{field}: an option that is read and ignored"

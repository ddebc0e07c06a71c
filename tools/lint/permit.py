# SPDX-License-Identifier: Apache-2.0
"""Promise P1 in the text of the program: what gives the right to write content on a connection (a struct smtp_permit) is
made in two places only, by the proof and by the notice route."""
import re

from tools.lint.tree import line_of, without_comments

MAKERS = {"src/trust/trust_proved.c", "src/roles/courier_notice.c"}
CONSTRUCTOR = re.compile(r"\bstruct\s+smtp_permit\s*\*?\s*(smtp_permit_\w+)\s*\(")


def check(tree, _context):
    names = set()
    for path in tree.files("src/smtp", (".h",)):
        names.update(CONSTRUCTOR.findall(without_comments(tree.text(path))))
    if not names:
        if any(tree.exists(path) for path in MAKERS):
            yield "src/smtp: no function there makes a struct smtp_permit, yet something uses one"
        return
    call = re.compile(r"\b(" + "|".join(sorted(names)) + r")\b")
    for path in tree.files("src", (".c", ".h")):
        if path in MAKERS or path.startswith("src/smtp/"):
            continue
        plain = without_comments(tree.text(path))
        for match in call.finditer(plain):
            yield f"{path}:{line_of(plain, match.start())}: {match.group(1)}() is for {' and '.join(sorted(MAKERS))}"

# SPDX-License-Identifier: Apache-2.0
"""Functions that are not called anywhere: unbounded, hidden state, a shell, or non-local jumps."""
import re

from tools.lint.tree import line_of, without_comments

BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "strncpy", "strncat", "stpcpy", "atoi", "atol",
          "atoll", "atof", "system", "popen", "alloca", "gmtime", "localtime", "asctime", "ctime", "rand", "srand",
          "random", "sscanf", "scanf", "fscanf", "setjmp", "sigsetjmp", "longjmp", "siglongjmp", "tmpnam", "mktemp",
          "bcmp", "bcopy"]
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")


def check(tree, _context):
    for path in [*tree.files("src", (".c", ".h")), *tree.files("tests", (".c", ".h"))]:
        plain = without_comments(tree.text(path))
        for match in CALL.finditer(plain):
            yield f"{path}:{line_of(plain, match.start())}: {match.group(1)}() is banned"

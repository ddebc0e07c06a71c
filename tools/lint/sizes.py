# SPDX-License-Identifier: Apache-2.0
"""A file has at most 1,000 lines, a C function at most 70."""
from tools.lint.tree import functions

FILE_LINES = 1000
FUNCTION_LINES = 70
SOURCES = (".c", ".h", ".py", ".sh", ".js")


def check(tree, _context):
    for path in tree.files(suffixes=SOURCES):
        text = tree.text(path)
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield f"{path}:{lines}: {lines} lines, at most {FILE_LINES}"
        if not path.endswith((".c", ".h")):
            continue
        for name, first, last, _ in functions(text):
            if last - first + 1 > FUNCTION_LINES:
                yield f"{path}:{first}: {name}() has {last - first + 1} lines, at most {FUNCTION_LINES}"

# SPDX-License-Identifier: Apache-2.0
"""The tree speaks of the product only: no path of the machine it was written on, no tool of the place it was written
at. The words are joined here from halves, so that this file keeps its own rule."""
import re

WORDS = ["/wo" + "rk/", "iss" + "ues show", "dupli" + "cates --", "Cla" + "ude", "Anth" + "ropic", "Chat" + "GPT",
         "Open" + "AI", "Copi" + "lot", "language mo" + "del", ".libr" + "ary/", "before-st" + "op"]
PATTERN = re.compile("|".join(rf"(?<![\w.]){re.escape(w)}" for w in WORDS), re.I)
BINARY = (".png", ".jpg", ".ico", ".woff2", ".pdf", ".bin", ".gz")


def check(tree, _context):
    for path in tree.files():
        if path.endswith(BINARY) or "/seeds/" in path:
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            match = PATTERN.search(line)
            if match:
                yield f"{path}:{number}: speaks of {match.group(0)!r}"

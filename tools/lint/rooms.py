# SPDX-License-Identifier: Apache-2.0
"""Include direction: a room includes only rooms named before it; roles and cli may include all."""
import re

from tools.lint.tree import line_of

ROOMS = ["base", "os", "net", "mail", "smtp", "trust", "keys", "ledger", "store", "people", "center", "api", "console",
         "lab", "roles", "cli"]
TOP = {"roles", "cli"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def _allowed(room, other):
    if room == other or room == "":
        return True
    return room in TOP or ROOMS.index(other) < ROOMS.index(room)


def check(tree, _context):
    for path in tree.files("src", (".c", ".h")):
        parts = path.split("/")
        room = parts[1] if len(parts) > 2 else ""
        if room and room not in ROOMS:
            yield f"{path}:1: src/{room} is not a room"
            continue
        text = tree.text(path)
        for match in INCLUDE.finditer(text):
            where = f"{path}:{line_of(text, match.start())}"
            other = match.group(1).split("/")[0]
            if "/" not in match.group(1) or other not in ROOMS:
                if not tree.exists(f"src/{match.group(1)}") and "/" in match.group(1):
                    yield f'{where}: include "{match.group(1)}" names no room'
                elif "/" not in match.group(1):
                    yield f'{where}: include "{match.group(1)}" must be written "room/file.h"'
            elif not _allowed(room, other):
                yield f"{where}: room {room} may not include {other}"

# SPDX-License-Identifier: Apache-2.0
"""Each source and script starts with its SPDX line (behind the interpreter line where there is one)."""
SUFFIXES = (".c", ".h", ".py", ".sh", ".js", ".mjs", "meson.build", "meson_options.txt", "meson.options")
WANTED = "SPDX-License-Identifier: Apache-2.0"


def _is_script(tree, path):
    if "." in path.rsplit("/", 1)[-1]:
        return False
    with open(tree.root / path, "rb") as file:
        return file.read(2) == b"#!"


def check(tree, _context):
    for path in tree.files():
        if not path.endswith(SUFFIXES) and not _is_script(tree, path):
            continue
        lines = tree.text(path).splitlines()
        first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
        if not first or WANTED not in first[0]:
            yield f"{path}:1: does not begin with {WANTED}"

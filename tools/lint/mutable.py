# SPDX-License-Identifier: Apache-2.0
"""No variable of the product lives outside a function and can change: looked for in the compiled objects, where
neither a macro nor a static inside a function can hide one."""
import re
import subprocess

WRITABLE = re.compile(r"^(\.data|\.bss|\.tdata|\.tbss|\*COM\*|COMMON)(\..*)?$")
CONSTANT = re.compile(r"^\.data\.rel\.ro")


def _symbols(objects):
    """(object, name, section) of every data symbol."""
    output = subprocess.run(["nm", "--format=sysv", "--print-file-name", *map(str, objects)], check=True,
                            capture_output=True, text=True).stdout
    for line in output.splitlines():
        fields = [f.strip() for f in line.split("|")]
        if len(fields) < 7 or fields[3] not in ("OBJECT", "TLS"):
            continue
        file, _, name = fields[0].rpartition(":")
        yield file, name, fields[6]


def check(tree, _context):
    if tree.build is None or not (tree.build / "src").is_dir():
        yield "build: there are no objects to look at; build first"
        return
    objects = sorted((tree.build / "src").rglob("*.o"))
    if not objects:
        yield "build: there are no objects to look at; build first"
        return
    for file, name, section in _symbols(objects):
        if WRITABLE.match(section) and not CONSTANT.match(section):
            yield f"{file.rsplit('/src/', 1)[-1]}: {name} is a mutable variable outside functions ({section})"

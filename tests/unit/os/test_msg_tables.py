# SPDX-License-Identifier: Apache-2.0
"""The layout tables against os/msg.h: every struct has a table, every member is in it once, in order, with its kind."""

import pathlib
import re
import sys

KINDS = {"uint8_t": "U8", "bool": "BOOL", "uint16_t": "U16", "uint32_t": "U32", "uint64_t": "U64", "int64_t": "I64",
         "struct id": "ID", "struct tag": "TAG", "struct digest": "DIGEST", "struct key": "KEY", "struct slice": "BLOB"}


def structs(header):
    """Name of each struct msg_* and its members as (kind, name)."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    for name, body in re.findall(r"^struct (msg_\w+) \{\n(.*?)^\};", text, flags=re.S | re.M):
        members = re.findall(r"^\s*((?:struct )?\w+) (\w+);\s*$", body, flags=re.M)
        assert len(members) == body.count(";"), f"{name}: a member of an unexpected form"
        yield name, [(KINDS[kind], member) for kind, member in members]


def tables(sources):
    """Name of each layout and its fields as (kind, name)."""
    for text in sources:
        for name, body in re.findall(r"layout_field (msg_\w+)_fields\[\] = \{\n(.*?)^\};", text, flags=re.S | re.M):
            fields = []
            for kind, blob_struct, blob, struct, member in re.findall(
                    r"LAYOUT_(?:B\((?P<a>)struct (\w+), (\w+), \w+\)|F\(\w+, struct (\w+), (\w+)\))", body):
                assert (blob_struct or struct) == name and kind == "", f"{name}: a field of another struct"
                fields.append(("BLOB" if blob else None, blob or member))
            kinds = re.findall(r"LAYOUT_(?:B|F\((\w+))", body)
            yield name, [(kind or "BLOB", field) for kind, (_, field) in zip(kinds, fields, strict=True)]


def main(root):
    """Compares; every difference is printed."""
    wanted = dict(structs((root / "src/os/msg.h").read_text()))
    found = dict(tables(path.read_text() for path in sorted((root / "src/os").glob("msg_*.c"))))
    listed = re.findall(r"&(msg_\w+)_layout", (root / "tests/unit/os/msg_layouts.h").read_text())
    bad = [f"{name}: {wanted.get(name)} but the table says {found.get(name)}"
           for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    bad += [f"{name}: not in msg_layouts.h" for name in sorted(wanted.keys() ^ set(listed))]
    print("\n".join(bad) or f"{len(wanted)} structs agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).parents[3]))

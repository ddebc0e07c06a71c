# SPDX-License-Identifier: Apache-2.0
"""Each rule of the house is shown a small tree that breaks it, and one that keeps it."""
import json
import subprocess

import pytest

from tools.lint import lint

C_HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n"
PY_HEAD = "# SPDX-License-Identifier: Apache-2.0\n"
GOOD = {
    "src/base/a.h": C_HEAD + '#ifndef A\n#define A\n/* Adds one. */\nint a_add(int x);\n#endif\n',
    "src/base/a.c": C_HEAD + '#include "base/a.h"\nstatic const char *const names[] = {"x"};\n'
                             'int a_add(int x)\n{\n    return x + (int)names[0][0]; /* not strcpy() */\n}\n',
    "src/os/conf.h": C_HEAD + "struct conf {\n    int hold; /* us */\n    char *a, *b[2];\n};\n",
    "src/roles/r.c": C_HEAD + '#include "base/a.h"\n#include "os/conf.h"\n'
                              'int r(struct conf *c)\n{\n    return c->hold + c->a[0] + c->b[0][0];\n}\n',
    "src/smtp/smtp_permit.h": C_HEAD + "/* Opens. */\nstruct smtp_permit *smtp_permit_new(int fd);\n",
    "src/trust/trust_proved.c": C_HEAD + "void *p(void)\n{\n    return smtp_permit_new(1);\n}\n",
    "tests/unit/base/test_a.c": C_HEAD + "static void test_add(void **state)\n{\n    (void)state;\n}\n",
    "tools/x.py": PY_HEAD,
    "docs/requirements/x.md": "# x\n\n- R3.1 Adds. — test: tests/unit/base/test_a.c::test_add\n"
                              "- R3.2 Adds more,\n  over two lines. — tests: tests/unit/base/test_a.c::test_add,\n"
                              "  lint::sizes\n",
}
RESULTS = {"tests/unit/base/test_a.c::test_add": "passed", "lint::sizes": "passed"}


@pytest.fixture
def tree(tmp_path):
    """A function that writes GOOD with changes and returns the findings of one check."""
    def look(check, changes=None, results=None, objects=None):
        for path, text in {**GOOD, **(changes or {})}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        build = tmp_path / "build/release"
        (build / "src/base/libbase.a.p").mkdir(parents=True)
        for name, source in (objects or {"a": "int f(void) { return 1; }"}).items():
            subprocess.run(["gcc", "-fpic", "-c", "-x", "c", "-", "-o", build / f"src/base/libbase.a.p/{name}.o"],
                           input=source, text=True, check=True)
        file = None
        if results is not None:
            file = tmp_path / "build/results.json"
            file.write_text(json.dumps({"tests": results}))
        return lint.run(tmp_path, build, file, only=check)[check]
    return look


@pytest.mark.parametrize("check", sorted(lint.CHECKS))
def test_good_tree_passes(tree, check):
    assert tree(check, results=RESULTS) == []


def bad_source(body):
    return {"src/base/bad.c": C_HEAD + body}


BAD = {
    "room-upward": ("rooms", {"src/base/bad.c": C_HEAD + '#include "os/conf.h"\n'}),
    "room-unknown": ("rooms", {"src/attic/bad.c": C_HEAD}),
    "room-unnamed": ("rooms", {"src/base/bad.c": C_HEAD + '#include "a.h"\n'}),
    "file-too-long": ("sizes", bad_source("\n" * 1000)),
    "function-too-long": ("sizes", bad_source("int f(void)\n{\n" + "    g();\n" * 68 + "}\n")),
    "static-too-long": ("sizes", bad_source("static struct x *f(int (*g)(int), int y)\n{\n" + "    g(1);\n" * 68 + "}\n")),
    "banned-call": ("banned", bad_source("void f(char *a)\n{\n    strcpy(a, \"x\");\n}\n")),
    "banned-in-test": ("banned", {"tests/unit/base/test_b.c": C_HEAD + "int f(void)\n{\n    return rand ();\n}\n"}),
    "prototype-bare": ("prototypes", {"src/base/bad.h": C_HEAD + "\nint f(int x);\n"}),
    "prototype-blank-line-between": ("prototypes", {"src/base/bad.h": C_HEAD + "/* F. */\n\nint f(int x);\n"}),
    "prototype-second-of-two": ("prototypes", {"src/base/bad.h": C_HEAD + "/* F. */\nint f(int x);\nint *g(void);\n"}),
    "prototype-inline": ("prototypes", {"src/base/bad.h": C_HEAD + "\nstatic inline int f(int x)\n{\n    return x;\n}\n"}),
    "prototype-attribute": ("prototypes", {"src/base/bad.h": C_HEAD + "\nint f(int x, ...)\n"
                                                                      "    __attribute__((format(printf, 1, 2)));\n"}),
    "head-missing-c": ("heads", {"src/base/bad.c": "int x;\n"}),
    "head-missing-script": ("heads", {"tools/bad": "#!/bin/sh\necho\n"}),
    "head-missing-meson": ("heads", {"src/base/meson.build": "x = 1\n"}),
    "option-ignored": ("options", {"src/os/conf.h": C_HEAD + "struct conf {\n    int hold, ignored;\n"
                                                             "    char *a, *b[2];\n};\n"}),
    "option-used-by-itself-only": ("options", {"src/os/conf.h": GOOD["src/os/conf.h"].replace("hold;", "hold, mine;"),
                                               "src/os/conf.c": C_HEAD + "int f(struct conf *c)\n{\n"
                                                                         "    return c->mine;\n}\n"}),
    "permit-elsewhere": ("permit", {"src/roles/bad.c": C_HEAD + "void *f(void)\n{\n"
                                                                  "    return smtp_permit_new(1);\n}\n"}),
    "permit-by-pointer": ("permit", {"src/store/bad.c": C_HEAD + "void *f = smtp_permit_new;\n"}),
    "requirement-without-test": ("requirements", {"docs/requirements/y.md": "- R4.1 Something.\n"}),
    "requirement-test-missing": ("requirements", {"docs/requirements/y.md":
                                                  "- R4.1 X. — test: tests/unit/base/test_a.c::test_other\n"}),
    "requirement-file-missing": ("requirements", {"docs/requirements/y.md": "- R4.1 X. — test: tests/no.py::test_x\n"}),
    "requirement-twice": ("requirements", {"docs/requirements/y.md": "- R3.1 X. — test: lint::sizes\n"}),
    "workplace-path": ("workplace", {"docs/x.md": "see /wo" + "rk/main\n"}),
    "workplace-name": ("workplace", {"docs/x.md": "made by CLA" + "UDE\n"}),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_tree_fires(tree, case):
    check, changes = BAD[case]
    assert len(tree(check, changes, results=RESULTS)) == 1


@pytest.mark.parametrize("results", [{"lint::sizes": "passed"},
                                     {**RESULTS, "tests/unit/base/test_a.c::test_add": "failed"}])
def test_requirement_whose_test_did_not_pass_fires(tree, results):
    assert len(tree("requirements", results=results)) == 2


@pytest.mark.parametrize("ci,findings", [("true", 2), ("", 0)])
def test_requirement_whose_test_was_skipped_fires_in_ci(tree, monkeypatch, ci, findings):
    monkeypatch.setenv("CI", ci)
    skipped = {**RESULTS, "tests/unit/base/test_a.c::test_add": "skipped"}
    assert len(tree("requirements", results=skipped)) == findings


@pytest.mark.parametrize("source", ["int counter;", "static int n; int *f(void) { return &n; }", "int x = 4;",
                                    "int *f(void) { static int hidden = 1; return &hidden; }",
                                    "_Thread_local int t;"])
def test_mutable_variable_fires(tree, source):
    assert len(tree("mutable", objects={"bad": source})) == 1


def test_constants_and_relocated_constants_are_no_variables(tree):
    source = 'extern int g(void); int (*const table[])(void) = {g}; const char *const names[] = {"a"}; const int x = 3;'
    assert tree("mutable", objects={"good": source}) == []


def test_mutable_without_objects_fires(tmp_path):
    assert len(lint.run(tmp_path, tmp_path / "none", only="mutable")["mutable"]) == 1


def test_every_check_has_a_bad_tree():
    assert {check for check, _ in BAD.values()} | {"mutable"} == set(lint.CHECKS)

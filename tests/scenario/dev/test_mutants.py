# SPDX-License-Identifier: Apache-2.0
"""`./dev mutants` itself: a rule that is broken turns a test red; a mutant that changes nothing, fits nothing or is no C is
told; and the list that the tree has fits the files of today."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.dev import mutants

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_broken_rules_are_noticed_and_harmless_changes_are_told(tmp_path):
    """One build, four mutants; the second changes no behaviour, so no test can see it. Only quick tests are built."""
    listed = tmp_path / "list"
    verdict = "src/trust/trust_verdict.c: "
    listed.write_text(f"{verdict}if (!session->tls.established) ==> if (false)\n"
                      f"{verdict}if (domain->hosts == 0) ==> if (domain->hosts < 1)\n"
                      f"{verdict}this stands nowhere ==> at all\n"
                      f"{verdict}if (v.action == TRUST_LATER && must_end) ==> if (no such thing)\n")
    done = subprocess.run([sys.executable, str(ROOT / "tools/dev/mutants.py"), "--list", str(listed), "--tree", str(tmp_path / "tree"),
                           "--tests", "verdict"], capture_output=True, text=True, check=False)
    lines = [line.split()[0] for line in done.stdout.splitlines()]
    assert lines == ["killed", "survived", "stale", "unbuildable", "1"], done.stdout + done.stderr
    assert done.returncode == 1 and "1 of 4 mutants noticed" in done.stdout
    original = (ROOT / "src/trust/trust_verdict.c").read_text()
    assert (tmp_path / "tree/tree/src/trust/trust_verdict.c").read_text() == original


def test_every_listed_mutant_fits_the_tree():
    found = mutants.read_list(mutants.LIST)
    assert len(found) >= 100
    for mutant in found:
        assert (ROOT / mutant.file).read_text().count(mutant.old) == 1, f"trust.list:{mutant.number}"
    assert {"trust_verdict.c", "trust_destination.c", "trust_notice.c", "trust_cert.c", "trust_dane.c", "trust_pin.c",
            "trust_ocsp.c"} <= {Path(m.file).name for m in found}


@pytest.mark.parametrize("line", ["src/a.c no colon ==> x", "src/a.c: no arrow", "src/a.c: same ==> same", "src/a.c:  ==> x"])
def test_lines_that_are_no_mutant_stop_the_run(tmp_path, line):
    listed = tmp_path / "list"
    listed.write_text(line + "\n")
    with pytest.raises(mutants.Failure):
        mutants.read_list(listed)


def test_a_changed_file_is_new_in_the_copy_whatever_its_time(tmp_path, monkeypatch):
    """Builds go by time: an older file with other content would be taken for what was built from the mutant."""
    root, tree = tmp_path / "root", tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src/a.c").write_text("one")
    (root / "src/b.c").write_text("same")
    (root / "src/gone.c").write_text("gone")
    monkeypatch.setattr(mutants, "ROOT", root)
    monkeypatch.setattr(mutants, "PARTS", ("src",))
    mutants.copy_tree(tree)
    before = {name: (tree / "tree/src" / name).stat().st_mtime_ns for name in ("a.c", "b.c")}
    (root / "src/a.c").write_text("two")
    os.utime(root / "src/a.c", (1, 1))
    (root / "src/gone.c").unlink()
    mutants.copy_tree(tree)
    assert (tree / "tree/src/a.c").read_text() == "two" and (tree / "tree/src/a.c").stat().st_mtime_ns > before["a.c"]
    assert (tree / "tree/src/b.c").stat().st_mtime_ns == before["b.c"]
    assert not (tree / "tree/src/gone.c").exists()

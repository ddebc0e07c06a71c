# SPDX-License-Identifier: Apache-2.0
"""What the documents say is there, is there: commands in the manual, keys in the reference, files behind links."""
import re
import subprocess

import pytest

from tests.lab.net import ROOT
from tests.lab.sealpost import program

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def run(name, *arguments):
    return subprocess.run([program(name), *arguments], capture_output=True, text=True, timeout=30, check=True).stdout


def entries(text):
    """{(command, subcommand or ""): its options} of the help or of the page without its marks."""
    found = {}
    for line in text:
        command, *rest = line.replace("*", "").replace("_", "").split(" ", 1)
        for part in re.split(r" \| (?=[a-z])", rest[0] if rest else ""):  # of the help: add ... | list | remove NAME
            word = re.match(r"[a-z]+", part)
            key = (command, word[0] if word else "")
            found[key] = found.get(key, set()) | set(re.findall(r"--[a-z-]+", part))
    return found


def test_manual_and_help_name_the_same_commands_and_options():
    manual = (ROOT / "man/sealpost.1.scd").read_text().partition("# COMMANDS")[2].partition("# EXIT")[0]
    told = entries(re.findall(r"^  sealpost (\w.*)$", run("sealpost", "--help"), re.M))
    assert len(told) > 10 and entries(re.findall(r"^(\*\w.*)$", manual, re.M)) == told


def test_manual_of_the_daemon_names_every_option():
    manual = (ROOT / "man/sealpostd.8.scd").read_text()
    for option in set(re.findall(r"--[a-z]+", run("sealpostd", "--help"))) - {"--role", "--help"}:
        assert option in manual, option


@pytest.mark.parametrize("page", ["sealpost.1", "sealpostd.8"])
def test_manual_pages_are_good_scdoc(page):
    source = (ROOT / f"man/{page}.scd").read_bytes()
    assert subprocess.run(["scdoc"], input=source, capture_output=True, check=True).stdout


def test_reference_is_made_from_the_schema():
    source = run("sealpostd", "--reference")
    page = subprocess.run(["scdoc"], input=source, capture_output=True, text=True, check=True).stdout
    schema = (ROOT / "src/os/conf_schema.c").read_text()
    keys = re.findall(r'(?:KEY|SUB)\("[^)]*?"(?:, "([a-z-]+)")?, CONF_', schema)
    assert len(keys) > 40 and all(key in page.replace("\\-", "-") for key in keys if key)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_pages_name_exist(page):
    for name in re.findall(r"`((?:docs|src|tests|tools|man)/[\w./-]+?)`", page.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere_and_nothing_is_left_to_fill_in(page):
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text):
        assert (page.parent / target).exists(), target
    assert not re.findall(r"@[A-Z_]{2,}@", text)


def test_fips_is_never_called_validated():
    """Who built the module, and where it runs, decides that: words that claim it stand nowhere."""
    texts = [*PAGES, *(ROOT / "man").glob("*.scd"), *(ROOT / "src").rglob("*.[ch]")]
    said = {str(p.relative_to(ROOT)): claim for p in texts
            for claim in re.findall(r"(?i)\bfips\b[^.;:]{0,80}\b(?:validated|certified|compliant)\b"
                                    r"|\b(?:validated|certified|compliant)\b[^.;:]{0,80}\bfips\b", p.read_text())}
    assert not said
    assert "No claim of validation is made" in (ROOT / "docs/profiles.md").read_text()


def test_readme_names_every_page():
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").iterdir():
        assert f"`docs/{page.name}" in readme, page.name

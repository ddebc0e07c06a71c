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


def test_manual_names_every_command_and_option():
    manual = (ROOT / "man/sealpost.1.scd").read_text()
    for line in re.findall(r"^  sealpost (\w.*)$", run("sealpost", "--help"), re.M):
        assert re.search(rf"^\*{line.split()[0]}\b", manual, re.M), line
        for option in re.findall(r"--[a-z-]+", line):
            assert option in manual, option


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

# SPDX-License-Identifier: Apache-2.0
"""The release programs are hardened: position independent, RELRO with immediate binding, no executable stack, stack
protector, fortified calls, CET, and no assertion taken out."""
import re
import subprocess

import pytest

from tests.lab.net import BUILD
from tests.lab.sealpost import program


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module", params=["sealpostd", "sealpost"])
def binary(request):
    return program(request.param, BUILD / "release")


def test_position_independent_and_bound_at_start(binary):
    assert "DYN (Position-Independent Executable file)" in readelf(binary, "-h")
    segments = readelf(binary, "-l")
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK .* RW +0x", segments)
    assert "BIND_NOW" in readelf(binary, "-d") or " NOW" in readelf(binary, "-d")


def test_stack_protector_and_fortify(binary):
    symbols = readelf(binary, "--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert re.search(r"__(snprintf|vsnprintf|memcpy|fprintf|read)_chk", symbols)


def test_control_flow_protection():
    """Every object of ours is made for it. (Debian 12's own start files are not, so the linker leaves the mark out of
    the program; the landing places are there all the same.)"""
    objects = sorted((BUILD / "release/src").rglob("*.o"))
    assert objects
    for path in objects:
        notes = readelf(path, "-n")
        assert "IBT" in notes and "SHSTK" in notes, path


def test_assertions_stay(binary):
    assert "__assert_fail" in readelf(binary, "--dyn-syms") or "abort" in readelf(binary, "--dyn-syms")

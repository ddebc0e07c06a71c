# SPDX-License-Identifier: Apache-2.0
"""A message sealed by our writer opens with the public Encryption SDK from npm, once with the escrow private key (raw
RSA keyring) and once with the working key (raw AES keyring); a changed one does not."""
import json
import os
import pathlib
import subprocess

import pytest

from tests.lab import npm

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SEALPOST_BUILD", ROOT / "build" / "debug"))
SDK = ROOT / "tests" / "e2e" / "sdk"


@pytest.fixture(scope="module")
def modules():
    """The folder in which npm has installed the SDK; below the build folder, kept from run to run."""
    return npm.install("sdk", SDK / "package.json")


def make(folder, size):
    tool = BUILD / "tests" / "unit" / "keys" / "seal_sample"
    subprocess.run([tool, folder, str(size)], check=True, timeout=60)


def open_with_sdk(folder, kind, modules):
    return subprocess.run(
        ["node", SDK / "open.js", folder, kind, modules], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("size", [0, 10_000, 16384, 200_001])
@pytest.mark.parametrize("kind", ["rsa", "aes"])
def test_opens(tmp_path, modules, kind, size):
    make(tmp_path, size)
    done = open_with_sdk(tmp_path, kind, modules)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"opened-{kind}").read_bytes() == (tmp_path / "plain").read_bytes()
    told = json.loads(done.stdout)
    assert told["suite"] == 0x0478
    assert told["context"] == {
        "sealpost-id": (tmp_path / "id").read_text(),
        "sealpost-schema": "1",
        "sealpost-tenant": "default",
    }


@pytest.mark.parametrize("place", ["context", "tail"])
def test_changed_does_not_open(tmp_path, modules, place):
    make(tmp_path, 20_000)
    message = bytearray((tmp_path / "message").read_bytes())
    message[60 if place == "context" else -1] ^= 1
    (tmp_path / "message").write_bytes(message)
    for kind in ("rsa", "aes"):
        assert open_with_sdk(tmp_path, kind, modules).returncode != 0

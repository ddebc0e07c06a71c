# SPDX-License-Identifier: Apache-2.0
"""docs/escrow.md, followed to the letter: with the store, the private escrow key and the public SDK alone, mail of
either kind of storage is opened."""
import re
import subprocess
import sys

import pytest

from tests.lab import npm
from tests.lab.net import ROOT
from tests.lab.sealpost import letter

SDK = ROOT / "tests/e2e/sdk"
NAME = "openssl pkey -in {0}/escrow.pem -pubout -outform DER | sha256sum | cut -c1-16 | tr -d '\\n' > {0}/escrow.name"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("size", [200, 150_000], ids=["in the journal", "in a file"])
def test_recipe_opens_what_waits(lab, tmp_path, size):
    page = (ROOT / "docs/escrow.md").read_text()
    assert NAME.format("out") in page
    (tmp_path / "take_out.py").write_text(re.search(r"```python\n(.*?)```", page, re.S)[1])
    modules = npm.install("sdk", SDK / "package.json")
    lab.receiver("later", "starttls-refused")
    instance = lab.sealpost()
    body = "Kept for the escrow key.\r\n" * (size // 26)
    content = letter("doctor@clinic.test", ["patient@later.test"], body=body)
    message = instance.submit("patient@later.test", content)
    instance.kill()
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([sys.executable, tmp_path / "take_out.py", instance.folder / "store", message, out / "message"],
                   check=True, timeout=60)
    (out / "escrow.pem").write_bytes((instance.folder / "escrow/private.pem").read_bytes())
    subprocess.run(["/bin/sh", "-c", NAME.format(out)], check=True, timeout=60)
    done = subprocess.run(["node", SDK / "open.js", out, "rsa", modules], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (out / "opened-rsa").read_bytes().endswith(content)

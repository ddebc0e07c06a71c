# SPDX-License-Identifier: Apache-2.0
"""Programs from npm that tests drive, installed below the build folder from a package.json in the tree and kept from run
to run."""
import fcntl
import os
import shutil
import subprocess

import pytest

from tests.lab.net import BUILD

INSTALL_SECONDS = 600


def install(name, package_json):
    """The folder build/npm/<name> that holds node_modules as package_json wants it; skips where npm is not here."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"SKIPPED LOUDLY: node and npm are not here, {name} is not tried")
    target, wanted = BUILD / "npm" / name, package_json.read_text()
    target.mkdir(parents=True, exist_ok=True)
    with open(target / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = target / "node_modules/.done"
        if not done.exists() or done.read_text() != wanted:
            (target / "package.json").write_text(wanted)
            ended = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                                    "--loglevel=error"],
                                   env=dict(os.environ, npm_config_cache=str(BUILD / "npm/cache")), cwd=target,
                                   timeout=INSTALL_SECONDS, capture_output=True, text=True)
            assert ended.returncode == 0, f"npm could not install {name}: {ended.stderr[-1500:]}"
            done.write_text(wanted)
    return target

# SPDX-License-Identifier: Apache-2.0
"""The test builds that some tests need beside the one under test (tools/dev/builds.py), made when they are missing."""
import os
from pathlib import Path

from tools.dev import builds


def build(name):
    """Folder of one of ./dev's builds, up to date; $SEALPOST_BUILD_<NAME> names another."""
    other = os.environ.get(f"SEALPOST_BUILD_{name.upper()}")
    if other:
        return Path(other)
    assert builds.build(name) == 0, f"build/{name} cannot be made: see build/logs/build-{name}.log"
    return builds.directory(name)

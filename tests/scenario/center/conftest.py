# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the Message Center's tests."""
import os
from pathlib import Path

import pytest

from tests.scenario.center import letters
from tests.scenario.center.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A Message Center with a letter that has text, HTML and attachments."""
    if os.geteuid() != 0:
        pytest.skip("the live roles need root to take their own user ids")
    one = Stage(tmp_path_factory.mktemp("center"), letters.MIXED)
    yield one
    one.stop()


@pytest.fixture
def make_stage(tmp_path):
    """Makes a Message Center around any letter."""
    if os.geteuid() != 0:
        pytest.skip("the live roles need root to take their own user ids")
    made = []

    def make(letter):
        folder = Path(tmp_path) / str(len(made))
        folder.mkdir()
        made.append(Stage(folder, letter))
        return made[-1]

    yield make
    for one in made:
        one.stop()

# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. After every test `sealpost check` must pass, no sanitizer may have spoken, and
nothing may be left running."""
import pytest

from tests.lab import Lab


@pytest.fixture
def lab(tmp_path_factory):
    """A lab of its own for a test."""
    with Lab() as one:
        yield one
        one.check_and_stop()


@pytest.fixture
def sealpost(lab):
    """A running Sealpost with the usual settings in a lab of its own."""
    return lab.sealpost()


@pytest.fixture(scope="module")
def shared_lab():
    """A lab for the tests of a whole module, for those that do not disturb one another."""
    with Lab() as one:
        yield one
        for instance in one.instances:
            if instance.process is not None:
                instance.check()
                instance.stop()


@pytest.fixture(scope="module")
def shared_sealpost(shared_lab):
    return shared_lab.sealpost()


@pytest.fixture(autouse=True)
def counted(request):
    """accepted = delivered + posted + returned + queued, after every test that had a Sealpost."""
    yield
    if "shared_sealpost" in request.fixturenames:
        request.getfixturevalue("shared_sealpost").check()

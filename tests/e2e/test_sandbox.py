# SPDX-License-Identifier: Apache-2.0
"""From inside each live role of a whole instance, after it entered its sandbox: what it must not be able to do, tried
there and refused; and the same tries in controls without the sandbox, where each of them succeeds."""
import re
from pathlib import Path

import pytest

from tests.lab.builds import build

ROLES = ["keyd", "store", "resolver", "scrub", "courier", "intake", "web"]
LINE = re.compile(r"^\S+ (\w+)\.\d+ info probe (.+): (passed|refused)$", re.M)
CALLS = ["socket", "socket-local", "datagram", "exec", "ptrace", "fork", "code"]
# What is a role's own work and must pass: all else is refused.
OWN = {"resolver": {"socket"}, "courier": {"socket"}, "scrub": {"fork"}, "keyd": {"read root", "write root"},
       "store": {"read index", "write index"}, "intake": set(), "web": set()}
# What user ids alone refuse to all but the owner, with no sandbox at all.
OWNERS = {"read root": "keyd", "write root": "keyd", "read index": "store", "write index": "store"}


class Probe:
    """An instance of the probe build, and what its roles tried when it was started anew."""

    def __init__(self, lab):
        self.folder = f"{lab.folder}/probed"
        outside = Path(lab.folder) / "outside"
        outside.mkdir()
        (outside / "readable").write_text("anyone may read this")
        (outside / "writable").write_text("anyone may write this")
        (outside / "readable").chmod(0o644)
        (outside / "writable").chmod(0o666)
        self.names = {f"read-file {self.folder}/keys/root.key": "read root",
                      f"write-file {self.folder}/keys/root.key": "write root",
                      f"read-file {self.folder}/store/index.db": "read index",
                      f"write-file {self.folder}/store/index.db": "write index",
                      f"read-file {outside}/readable": "read outside",
                      f"write-file {outside}/writable": "write outside", **{c: c for c in CALLS}}
        self.instance = lab.sealpost(build=build("probe"), folder=self.folder)
        self.instance.stop()  # every file it needs is there now

    def outcomes(self, **environment):
        """{role: {what passed}} of one start, with all tries of all roles in the log."""
        self.instance.env.update({f"SEALPOST_PROBE_{k.upper()}": str(v) for k, v in environment.items()})
        self.instance.env["SEALPOST_PROBE_TRIES"] = "\n".join(self.names)
        offset = self.instance.log.stat().st_size
        self.instance.start()
        self.instance.stop()
        found = {role: {} for role in ROLES}
        for role, what, outcome in LINE.findall(self.instance.log_text(offset)):
            found[role][self.names[what]] = outcome
        for role in ROLES:
            assert set(found[role]) == set(self.names.values()), f"{role} did not try everything"
        return {role: {w for w, o in tries.items() if o == "passed"} for role, tries in found.items()}


@pytest.fixture
def probe(lab):
    return Probe(lab)


@pytest.mark.parametrize("abi", [0, 2])
def test_every_role_is_refused_what_is_not_its_work(probe, abi):
    """With the Landlock of this kernel, and capped to ABI 2."""
    assert probe.outcomes(abi=abi) == OWN


def test_without_the_sandbox_only_user_ids_refuse(probe):
    """The first control: all passes but what belongs to another user id."""
    everything = set(probe.names.values())
    expected = {role: {w for w in everything if OWNERS.get(w, role) == role} for role in ROLES}
    assert probe.outcomes(no_sandbox=1) == expected


def test_without_the_sandbox_and_user_ids_everything_passes(probe):
    """The second control: nothing is refused, so each try above was refused by what it is meant to test."""
    assert probe.outcomes(no_sandbox=1, root=1) == dict.fromkeys(ROLES, set(probe.names.values()))

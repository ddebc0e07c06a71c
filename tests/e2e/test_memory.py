# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with the message: 50 MB cost a role no more than 50 kB, on the release build."""
from pathlib import Path

import pytest

from tests.lab.builds import build
from tests.lab.sealpost import letter

SLACK_KIB = 1024  # pages touched for the first time by chance
AUTHOR = "doctor@clinic.test"


def peak_kib(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise KeyError("VmHWM")


def forget_peak(process):
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")


@pytest.mark.timeout(120)
def test_50_mb_cost_no_more_memory_than_50_kb(lab):
    sealpost = lab.sealpost(build=build("release"))
    to = f"a@{sealpost.domain}"
    roles = sealpost.roles()
    watched = {role: roles[role][0] for role in ("intake", "store", "courier", "keyd")}

    def cost(size):
        for process in watched.values():
            forget_peak(process)
        body = ("m" * 76 + "\r\n") * (size // 78)
        message_id = sealpost.submit(to, letter(AUTHOR, [to], body=body))
        assert sealpost.outcome(message_id, timeout=60)["state"] == "delivered"
        return {role: peak_kib(process) for role, process in watched.items()}

    for size in (50_000, 500_000, 50_000):  # every path has been walked once
        cost(size)
    small = cost(50_000)
    large = cost(50_000_000)
    print(f"\npeak KiB of 50 kB {small}, of 50 MB {large}")
    assert all(large[role] <= small[role] + SLACK_KIB for role in watched), (small, large)

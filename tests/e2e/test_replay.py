# SPDX-License-Identifier: Apache-2.0
"""`sealpost trace --replay`: every kept verdict is computed once more from its evidence and agrees."""
import json
import os
import subprocess
from pathlib import Path

import pytest

QUICK = {"courier.hold": "2s", "courier.retry": ["300ms", "500ms"]}


@pytest.fixture(scope="module")
def quick(shared_lab):
    instance = shared_lab.sealpost(settings=QUICK)
    yield instance
    instance.check()


def replays(sealpost, to):
    """The row, and the replay of each attempt up to the one that was final (those of a notice come behind it)."""
    row = sealpost.outcome(sealpost.submit(to))
    attempts = sealpost.json("trace", row["id"], "--replay")[0]["attempts"]
    final = [a["outcome"] for a in attempts].index(row["state"])
    return row, [attempt["replay"] for attempt in attempts[:final + 1]]


def test_delivered(shared_lab, quick):
    receiver = shared_lab.receiver("again-ok", "tls13")
    row, found = replays(quick, f"a@{receiver.domain}")
    assert row["state"] == "delivered" and [one["result"] for one in found] == ["agrees"]
    assert found[0]["entries"][-1]["action"] == "send" and found[0]["facts"]["version"] == 2
    shown = quick.run("trace", row["id"], "--replay").stdout
    assert "replay        agrees" in shown
    assert "replay" not in quick.run("trace", row["id"]).stdout


def test_posted_by_all_hosts_together(shared_lab, quick):
    receiver = shared_lab.receiver("again-expired", "expired")
    row, found = replays(quick, f"a@{receiver.domain}")
    assert row["state"] == "posted" and {one["result"] for one in found} == {"agrees"}
    assert found[-1]["entries"][-1]["reason"] == "certificate-expired"
    assert found[-1]["entries"][-1]["action"] == "post"


@pytest.mark.parametrize("name", ["again-null.test", "again-nowhere.test"])
def test_ended_by_the_domain_itself(shared_lab, quick, name):
    if "null" in name:
        shared_lab.dns.add(name, "MX", "0 .")
    row, found = replays(quick, f"a@{name}")
    assert row["state"] == "returned" and [one["result"] for one in found] == ["agrees"]
    assert found[0]["entries"][0]["action"] == "return"
    assert row["attempts"][0]["conclusion"]["reason"] == row["reason"]


def test_held_until_the_limit(shared_lab, quick):
    shared_lab.dns.add("again-fail.test", "MX", "10 mx.again-fail.test.")
    shared_lab.dns.fail("again-fail.test", "servfail")
    row, found = replays(quick, "a@again-fail.test")
    assert row["state"] == "posted" and {one["result"] for one in found} == {"agrees"}


def test_the_judge_for_programs_says_the_same(shared_lab, quick):
    """The facts that --json gives, judged by the program that others are compared with."""
    judge = Path(os.environ["SEALPOST_BUILD"]) / "tests/unit/trust/trust_judge"
    receiver = shared_lab.receiver("again-judge", "self-signed")
    _, found = replays(quick, f"a@{receiver.domain}")
    line = json.dumps(found[-1]["facts"]) + "\n"
    said = json.loads(subprocess.run([str(judge)], input=line, capture_output=True, text=True, check=True).stdout)
    assert said["verdict"] == {k: v for k, v in found[-1]["entries"][-1].items() if k != "result"}

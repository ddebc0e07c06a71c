# SPDX-License-Identifier: Apache-2.0
"""./dev bench says what it must say and loses nothing, in a tiny run; and a flush is shared by the sessions that wait
for it. No figure of time is judged here: builds with sanitizers are slow."""
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.lab import peers
from tests.lab.net import ROOT
from tests.lab.sealpost import accepted_id, letter

SESSIONS, MESSAGES = 2, 10
FIGURES = ["cpu_us", "accepted_per_s", "delivered_per_s", "p50_us", "p99_us"]
RUN_FIGURES = ["peak_rss_kib", "pss_kib", "processes", "idle_session_kib", "flushes"]


@pytest.mark.timeout(240)
def test_bench_prints_figures_and_conserves(tmp_path):
    peers.require("postfix")
    done = subprocess.run([sys.executable, str(ROOT / "tools/bench/main.py"), "--sessions", str(SESSIONS), "--messages",
                           str(MESSAGES), "--rounds", "1", "--idle", "10", "--destinations", "200", "--survey", "20",
                           "--out", str(tmp_path)],
                          capture_output=True, text=True, timeout=220, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    result = json.loads((tmp_path / "bench.json").read_text())
    assert result["problems"] == [] and set(result["relays"]) == {"sealpost", "postfix"}
    for relay, figures in result["relays"].items():
        assert len(figures["rounds"]) == 1 and figures["rounds"][0]["messages"] == SESSIONS * MESSAGES
        assert all(figures["rounds"][0][key] > 0 for key in FIGURES), (relay, figures)
        assert all(figures[key] is not None and figures[key] > 0 for key in RUN_FIGURES), (relay, figures)
    assert result["relays"]["sealpost"]["rounds"][0]["flushes_counted"] > 0
    proof = result["proof"]  # that no domain was lost from a cache or a survey is judged by the bench itself: no problems
    assert proof["verdict_us"] > 0 and proof["destinations"]["domains"] == 200 and proof["survey"]["domains"] == 20
    assert set(proof["destinations"]["processes_kib"]) == {"resolver", "courier"}
    for title in ("a verdict", "memory of 200 destinations", "explain --file of 20 domains"):
        assert title in done.stdout
    for title in ("CPU us per message", "messages/s end to end", "flushes per message", "peak RSS", "Postfix", "ratio"):
        assert title in done.stdout


def _at_the_dot(sealpost, recipient):
    """A session that has sent all of a message but the final dot."""
    client = sealpost.smtp(timeout=60)
    for answer in (client.mail("doctor@clinic.test"), client.rcpt(recipient), client.docmd("DATA")):
        assert answer[0] in (250, 354), answer
    client.send(letter("doctor@clinic.test", [recipient]))
    return client


@pytest.mark.timeout(180)
def test_sessions_share_a_flush(lab):
    """Twenty sessions commit while the store is held: when it goes on, they share waves, and a wave is one flush."""
    count = 20
    sealpost = lab.sealpost(settings={"courier.hold": "1h"})
    lab.dns.fail("slow.test", "timeout")  # no delivery, so no completion, comes in between
    clients = [_at_the_dot(sealpost, f"p{number}@slow.test") for number in range(count)]
    before = sealpost.json("status")
    [store] = sealpost.roles()["store"]
    os.kill(store.pid, signal.SIGSTOP)
    try:
        for client in clients:
            client.send(b".\r\n")
        time.sleep(1.5)  # intake seals and hands over; a 250 now would be a lie
        held = replies_waiting(clients)
    finally:
        os.kill(store.pid, signal.SIGCONT)
    assert held == 0
    assert len({accepted_id(client.getreply()) for client in clients}) == count
    after = sealpost.json("status")
    waves, flushes = after["waves"] - before["waves"], after["flushes"] - before["flushes"]
    assert after["accepted"] - before["accepted"] == count
    assert flushes == waves, (before, after)
    assert 1 <= waves <= count // 2, f"{count} messages took {waves} waves"


def replies_waiting(clients):
    """How many sessions have something to read."""
    import select
    ready = select.select([c.sock for c in clients], [], [], 0)[0]
    return len(ready) + sum(c.sock.pending() > 0 for c in clients)

# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every role again and again while mail is in every stage of its way (R3.9.6). Nothing that was answered
250 is lost, and a second copy is seen only where the receiver's word was not durable yet."""
import collections
import itertools
import re
import secrets
import smtplib
import threading
import time

import pytest

from tests.lab.sealpost import CommandFailed, accepted_id, letter

ROUNDS = 20           # kills of each role
SENDERS = 14
IN_FLIGHT = 50        # messages at every kill, at the least
THROTTLE = 110        # senders wait while so many are on their way
SLOWNESS = 0.35       # seconds a receiver takes for each of its three slow answers
STAGES = ["reading", "committing", "leased", "in DATA", "after the dot"]
# What is killed at once in each event of a round. The last three see nothing of a message's commit or delivery.
EVENTS = [("keyd",), ("store",), ("courier",), ("intake",), ("resolver", "scrub", "web")]
# A completion waits at most 20 ms for its wave; the rest is the flush, and two cores that run sanitizers, senders and
# receivers meanwhile. Measured so: 8 ms.
WAVE = 0.1
MARK = re.compile(rb"Mk[0-9a-f]{16}")
AUTHOR = "doctor@clinic.test"


class Stages:
    """How many messages are in each stage now."""

    def __init__(self):
        self._lock = threading.Lock()
        self._now = collections.Counter()

    def enter(self, stage):
        with self._lock:
            self._now[stage] += 1

    def leave(self, stage):
        with self._lock:
            self._now[stage] -= 1

    def now(self):
        with self._lock:
            return {stage: self._now[stage] for stage in STAGES}


class Load:
    """Senders, slow receivers, and what both of them know."""

    def __init__(self, lab, sealpost):
        self.sealpost, self.stages = sealpost, Stages()
        self.copies = collections.defaultdict(list)  # mark -> [(whole message there, 250 given)]
        self.accepted = {}                           # mark -> (id, expected state)
        self.refused = collections.Counter()
        self.lock, self.over = threading.Lock(), threading.Event()
        features = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 100000000")  # no CHUNKING: DATA and a dot
        self.good = [lab.receiver(f"good{n}", "tls13", features=features, replies=self._slow()) for n in range(6)]
        self.bad = lab.receiver("bad", "tls13", replies={"rcpt": "550 5.1.1 nobody here"})
        self.plain = lab.receiver("plain", "no-tls")
        sealpost.user()
        self._threads = [threading.Thread(target=self._send, args=(n,), daemon=True) for n in range(SENDERS)]

    def _slow(self):
        def wait(stage, text):
            def reply(_session, _argument):
                self.stages.enter(stage)
                time.sleep(SLOWNESS)
                self.stages.leave(stage)
                return text
            return reply

        return {"rcpt": wait("leased", "250 2.1.5 ok"), "data": wait("in DATA", "354 go on"), 
                "dot": wait("after the dot", "250 2.0.0 kept")}

    def note_copies(self, receiver):
        """Makes the receiver tell of each message when it is whole; its 250 follows SLOWNESS later."""
        def whole(_session, message):
            mark = MARK.search(message.data)
            if mark:
                at = time.monotonic()
                with self.lock:
                    self.copies[mark[0].decode()].append((at, at + SLOWNESS))
        receiver.on_message = whole

    def start(self):
        for receiver in self.good:
            self.note_copies(receiver)
        for thread in self._threads:
            thread.start()

    def in_flight(self):
        with self.lock:
            done = sum(1 for mark, (_, state) in self.accepted.items() if state == "delivered" and mark in self.copies)
            waiting = sum(1 for _, state in self.accepted.values() if state == "delivered") - done
        now = self.stages.now()
        return waiting + now["reading"] + now["committing"] + now["after the dot"]

    def _send(self, number):
        kinds = itertools.cycle(["delivered"] * 9 + ["posted"] + ["delivered"] * 9 + ["returned"])
        for _ in range(number):
            next(kinds)
        client = None
        while not self.over.is_set():
            if self.in_flight() >= THROTTLE:
                time.sleep(0.05)
                continue
            try:
                client = client or self.sealpost.smtp(timeout=20)
                self._one(client, next(kinds), number)
            except (smtplib.SMTPException, OSError) as error:
                self.refused[type(error).__name__] += 1
                client = None
                time.sleep(0.1)

    def _one(self, client, kind, number):
        mark = "Mk" + secrets.token_hex(8)
        domain = {"posted": self.plain, "returned": self.bad}.get(kind, self.good[number % len(self.good)]).domain
        to = f"p{number}@{domain}"
        content = letter(AUTHOR, [to], f"Result {mark}", f"{mark}\r\n" + ("x" * 72 + "\r\n") * 40)
        if client.mail(AUTHOR)[0] != 250 or client.rcpt(to)[0] != 250 or client.docmd("DATA")[0] != 354:
            self.refused["before content"] += 1
            client.rset()
            time.sleep(0.1)
            return
        stage = "reading"
        self.stages.enter(stage)
        try:
            half = len(content) // 2
            client.send(content[:half])
            time.sleep(0.05)
            client.send(content[half:])
            self.stages.leave(stage)
            stage = "committing"
            self.stages.enter(stage)
            client.send(b".\r\n")
            answer = client.getreply()
        finally:
            self.stages.leave(stage)
        if answer[0] == 250:
            with self.lock:
                self.accepted[mark] = (accepted_id(answer), kind)
        else:
            self.refused[str(answer[0])] += 1

    def end(self):
        self.over.set()
        for thread in self._threads:
            thread.join(30)


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def check_deep(sealpost, seconds=30):
    """`sealpost check --deep` as soon as the store answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            return sealpost.run("check", "--deep")
        except CommandFailed as failed:
            if "exit 1" in str(failed) and "differ" in str(failed) or time.monotonic() > end:
                raise
            time.sleep(0.1)


def kill(sealpost, load, roles, wanted, seen):
    """One event: waits for the load and the stage, kills, checks, waits for the new processes. Returns the time."""
    until(lambda: load.in_flight() >= IN_FLIGHT, 30, f"{IN_FLIGHT} messages in flight before killing {roles}")
    end = time.monotonic() + 2
    while not load.stages.now()[wanted] and time.monotonic() < end:
        time.sleep(0.0005)
    now = load.stages.now()
    before = {role: {p.pid for p in sealpost.roles().get(role, [])} for role in roles}
    at = time.monotonic()
    for role in roles:
        assert sealpost.kill_role(role) >= 1, role
    for stage, count in now.items():
        seen[stage] += count
    check_deep(sealpost)
    until(lambda: all(any(p.pid not in before[role] for p in sealpost.roles().get(role, [])) for role in roles), 30,
          f"new {roles}")
    return at


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kill_each_role_with_mail_in_every_stage(lab):
    sealpost = lab.sealpost(settings={"courier.per-destination": 6, "courier.retry": ["200ms"], "courier.hold": "60s"})
    load = Load(lab, sealpost)
    load.start()
    seen, kills, wanted = collections.Counter(), [], itertools.cycle(STAGES)
    for _ in range(ROUNDS):
        for roles in EVENTS:
            kills.append((kill(sealpost, load, roles, next(wanted), seen), roles))
        next(wanted)  # another stage for each role in the next round
    load.end()
    counts = collections.Counter(role for _, roles in kills for role in roles)
    print(f"\nkills {dict(counts)}; accepted {len(load.accepted)}; in stage at a kill: {dict(seen)}; "
          f"refused {dict(load.refused)}")
    assert min(counts.values()) >= 20 and len(counts) == 7
    assert all(seen[stage] > 0 for stage in STAGES), seen
    until(lambda: sealpost.json("status")["queued"] == 0, 60, "an empty queue")
    sealpost.run("check", "--deep")
    account(sealpost, load)
    excuse(load, kills)


def account(sealpost, load):
    """Every message that got 250 is where it must be; so are those whose 250 was lost on the way."""
    status = sealpost.json("status")
    assert status["accepted"] == status["delivered"] + status["posted"] + status["returned"], status
    rows = {r["id"]: r for r in sealpost.rows("queue", "--all", "--limit", "100000") if r["kind"] == "mail"}
    assert status["accepted"] == len(rows) >= len(load.accepted)
    for mark, (message_id, expected) in load.accepted.items():
        assert message_id in rows, f"{mark} was answered 250 and is not known"
        assert rows[message_id]["state"] == expected, rows[message_id]
        assert expected != "delivered" or load.copies[mark], f"{mark} is called delivered and nobody has it"
    reports = [m for m in sealpost.lab.receivers["mx.clinic.test"].messages if b"report-type=delivery-status" in m.data]
    assert len(reports) >= sum(1 for _, kind in load.accepted.values() if kind == "returned")
    notices = [m for m in load.plain.messages if f"{sealpost.base_url}/l/".encode() in m.data]
    assert len(notices) >= sum(1 for _, kind in load.accepted.values() if kind == "posted")


def excuse(load, kills):
    """A second copy needs a reason: the courier died between the whole message and one wave behind its 250. A store that
    dies is no reason: couriers keep what they have done until it is durable."""
    doubles = {mark: times for mark, times in load.copies.items() if len(times) > 1}
    deaths = [at for at, roles in kills if "courier" in roles]
    print(f"copies twice or more: {len(doubles)} of {len(load.copies)}")
    latest = 0
    for mark, times in doubles.items():
        for whole, answered in sorted(times)[:-1]:
            near = [at for at in deaths if whole - WAVE <= at <= answered + WAVE]
            assert near, f"{mark} came again and no courier died near {whole:.3f}..{answered:.3f}"
            latest = max(latest, min(near) - answered)
    print(f"latest death of a courier behind a 250 that was forgotten: {latest * 1000:.0f} ms")

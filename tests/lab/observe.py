# SPDX-License-Identifier: Apache-2.0
"""Sends a letter to each receiver state of a Stage and writes down what the receivers saw: how many bytes of it came before
proof, how many copies, in which sessions, by which way the notice. Observations are plain data; nothing here judges, and
what Sealpost says of itself is kept apart from what was seen."""
import secrets
import shutil
import socket
import ssl
import time
import warnings

from tests.lab.sealpost import accepted_id
from tests.lab.stage import Stage
from tools.run.letters import found

SETTLE_SECONDS = 150  # until every letter is final
NOTICE_SECONDS = 30
PAUSE_SECONDS = 12    # longer than the lab's TTL, and than a policy just fetched is left alone
CONTROLLED = ("certificates", "tls", "dane", "policies", "starttls")


def perform(states, log=None):
    """{name: {"first": observation, "then": observation or None, "controls": [words]}} of all states. log: where Sealpost's
    log is copied to at the end, whatever the end is."""
    with Stage() as stage:
        stage.build(states)
        sealpost = stage.relay()
        try:
            return _perform(stage, sealpost)
        finally:
            if log is not None:
                shutil.copyfile(sealpost.log, log)


def _perform(stage, sealpost):
    lives = list(stage.live.values())
    seen = {name: {"first": one, "then": None} for name, one in _round(sealpost, lives, 1).items()}
    later = [live for live in lives if live.state.then and live.id]
    for live in later:
        live.state.then.change(live)
    time.sleep(PAUSE_SECONDS)
    for restart in (False, True):
        chosen = [live for live in later if live.state.then.restart == restart]
        if restart:
            sealpost.restart()
        for name, one in _round(sealpost, chosen, 2).items():
            seen[name]["then"] = one
    for live in lives:
        seen[live.state.name]["controls"] = controls(live)
    sealpost.check()
    sealpost.stop()
    assert not sealpost.sanitizer_reports(), sealpost.sanitizer_reports()
    return seen


def _round(sealpost, lives, number):
    """One letter to each, all at once; observations by name."""
    with sealpost.smtp() as client:
        for live in lives:
            submit(sealpost, live, client, number)
    rows = wait_final(sealpost, lives)
    wait_notices(sealpost, lives, rows, number)
    rows = by_message(sealpost)
    return {live.state.name: observe(sealpost, live, rows.get(live.id, []), number) for live in lives}


def by_message(sealpost):
    """{id: its rows}"""
    rows = {}
    for row in sealpost.rows("queue", "--all", "--limit", "1000"):
        rows.setdefault(row["id"], []).append(row)
    return rows


def wait_final(sealpost, lives, seconds=SETTLE_SECONDS):
    """Waits until no letter is queued, or the time is over."""
    end = time.monotonic() + seconds
    while True:
        rows = by_message(sealpost)
        if not any(row["state"] == "queued" for live in lives for row in rows.get(live.id, [])) or time.monotonic() > end:
            return rows
        time.sleep(1)


def wait_notices(sealpost, lives, rows, number, seconds=NOTICE_SECONDS):
    """Waits until every notice that is expected was seen, or held."""
    end = time.monotonic() + seconds
    waiting = [live for live in lives if (live.state.notice if number == 1 else live.state.then.notice) not in (None, "none")]
    while waiting and time.monotonic() < end:
        rows = by_message(sealpost)
        waiting = [live for live in waiting if any(
            row["state"] == "posted" and (row["notice"] or {}).get("state") not in ("held", "sent", "refused")
            for row in rows.get(live.id, []))]
        time.sleep(0.5)


# sending

def compose(live, number=1):
    """The letter: every line of it holds a mark of its own."""
    letter, domain = live.state.letter, live.state.address.format(**live.words()) or live.domain
    to = [f"{name}@{domain}" for name in letter.recipients]
    marks = [f"Mk{secrets.token_hex(8)}" for _ in range(4)]
    live.lines = [f"Subject: Result {marks[0]}", f"X-Private: {marks[1]}", f"finding {marks[2]}", f"end {marks[3]}"]
    filling = f"{'x' * 98}\r\n" * letter.repeat
    mime = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" if letter.body else ""
    text = (f"From: <{live.author}>\r\nTo: {', '.join(f'<{t}>' for t in to if t.isascii()) or 'you: ;'}\r\n"
            f"{live.lines[0]}\r\n{live.lines[1]}\r\nX-Number: {number}\r\n{mime}\r\n{live.lines[2]}\r\n{letter.body}{filling}"
            f"{live.lines[3]}\r\n")
    return to, text.encode()


def submit(sealpost, live, client, number=1):
    """Submits the letter of a state; keeps its id, or what it was refused with."""
    to, content = compose(live, number)
    live.refused, live.id, live.since = "", "", time.time()
    code, text = client.mail(live.author, list(live.state.letter.options))
    for recipient in to:
        if code == 250:
            client.send(f"RCPT TO:<{recipient}>\r\n".encode())
            code, text = client.getreply()
    if code == 250:
        live.id = accepted_id(client.data(content))
    else:
        live.refused = f"{code} {text.decode(errors='replace')}"
        client.rset()


# observing

def content_bytes(data, lines):
    """How many bytes of the letter stand in what was received: whole lines, and marks in any other shape."""
    seen = sum(len(line) for line in lines if line.encode() in data)
    return seen or sum(len(mark) for mark in found(data, [line.rpartition(" ")[2] for line in lines]))


def _proved(live, host, number):
    """May this host see the letter?"""
    if number == 2:
        return live.state.then.fate == "delivered"
    return live.state.fate == "delivered" if host.proved is None else host.proved


def observe(sealpost, live, rows, number=1):
    """What the receivers of a state saw of the letter, and what Sealpost says of it."""
    fate = live.state.fate if number == 1 else live.state.then.fate
    if rows and fate == "later":
        rows = sealpost.trace(live.id)  # with the attempts; asking for all of them would take minutes
    seen = {"refused": live.refused, "before_proof": 0, "after_proof": 0, "copies": 0, "sessions": 0, "nameless": 0, "author_unproved": 0,
            "envelopes": [], "old_tls": []}
    for host, receiver in zip(live.state.hosts, live.receivers):
        if receiver is not None:
            _observe_host(live, receiver, _proved(live, host, number), seen)
    seen["notice"] = _notice(sealpost, live)
    seen["rows"] = {row["recipient"].partition("@")[0]: _row(row) for row in rows}
    seen["returned"] = any(live.author in m.recipients and m.tls for m in sealpost.lab.receivers["mx.clinic.test"].messages)
    return seen


def _observe_host(live, receiver, proved, seen):
    for session in list(receiver.sessions):
        if session.helo == "control.test":
            continue
        plain, inside = content_bytes(session.plain, live.lines), content_bytes(session.encrypted, live.lines)
        proof = proved and session.tls in ("TLSv1.2", "TLSv1.3")
        seen["before_proof"] += plain + (0 if proof else inside)
        seen["after_proof"] += inside if proof else 0
        if not session.helo.startswith("notice."):  # a session that ended before EHLO may have been a notice's
            seen["sessions"] += 1
            seen["nameless"] += not session.helo
        authors = [line for secret, line in session.commands if line.upper().startswith("MAIL") and live.author in line]
        if not (proved and session.tls) and session.started >= live.since:
            seen["author_unproved"] += len(authors)
        seen["envelopes"] += authors if proved else []
        if any("MAIL" == verb for verb in session.verbs()) and session.tls in ("SSLv3", "TLSv1", "TLSv1.1"):
            seen["old_tls"].append(session.tls)
        seen["copies"] += sum(1 for m in session.messages if all(line.encode() in m.data for line in live.lines))


def _row(row):
    tries = [a for a in row["attempts"] if a["reason"] != "notice-sent"]
    return {"state": row["state"], "reason": row["reason"], "level": row["proof"],
            "first": tries[0]["outcome"] if tries else None, "tries": len(tries),
            "notice": (row["notice"] or {}).get("state")}


def _notice(sealpost, live):
    """The way the notice came: clear, tls, or none."""
    ways = set()
    for receiver in live.receivers:
        for session in list(receiver.sessions) if receiver else []:
            for message in session.messages:
                if f"{sealpost.base_url}/l/".encode() in message.data:
                    ways.add("tls" if message.tls in ("TLSv1.2", "TLSv1.3") else message.tls or "clear")
    return "+".join(sorted(ways)) or "none"


# controls

def controls(live):
    """Of each host that offers TLS: "" when a client that trusts anything is answered inside, or what went wrong."""
    if live.state.group not in CONTROLLED:
        return []
    return [control(host, receiver) for host, receiver in zip(live.state.hosts, live.receivers)
            if receiver is not None and receiver.offers_tls and host.control is not None]


def control(host, receiver):
    try:
        raw = socket.create_connection((receiver.address, receiver.port), timeout=20)
    except OSError as error:
        return f"no connection: {error}"
    with raw:
        try:
            tls = host.control if callable(host.control) else _permissive
            return _converse(raw, tls)
        except (OSError, ssl.SSLError, ValueError) as error:
            return f"{type(error).__name__}: {error}"


def _permissive(raw):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    with warnings.catch_warnings():  # old versions are the point here
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.options |= 0x4 | ssl.OP_NO_RENEGOTIATION  # SSL_OP_LEGACY_SERVER_CONNECT
    return context.wrap_socket(raw)


def _converse(raw, tls):
    def reply(sock):
        data = b""
        while not (data.endswith(b"\r\n") and data.split(b"\r\n")[-2][3:4] == b" "):
            piece = sock.recv(4096)
            if not piece:
                return data.decode(errors="replace") or "closed"
            data += piece
        return data.decode(errors="replace")

    for command in ("", "EHLO control.test\r\n", "STARTTLS\r\n"):
        raw.sendall(command.encode())
        answer = reply(raw)
        if answer[0] != "2":
            return f"{command.strip() or 'greeting'}: {answer}"
    inside = tls(raw)
    inside.sendall(b"EHLO control.test\r\n")
    answer = reply(inside)
    inside.sendall(b"QUIT\r\n")
    reply(inside)
    return "" if answer.startswith("250") else f"EHLO inside: {answer}"

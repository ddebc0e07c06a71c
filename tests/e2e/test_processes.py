# SPDX-License-Identifier: Apache-2.0
"""The processes of an instance: what each may, that each is started again when it dies, how the whole starts, reads its
certificates again and stops."""
import ctypes
import os
import platform
import random
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.lab import processes
from tests.lab.sealpost import program

KINDS = ["keyd", "store", "intake", "courier", "resolver", "web", "scrub"]  # in the order of their user ids
FIRST_UID = 61440
PIDFD_GETFD = 438   # system call, the same on every architecture
SUPERVISOR_FD = 3   # of every role
PTRACE, PTRACE_SEIZE, PTRACE_O_TRACEEXIT, PTRACE_DETACH = 101, 0x4206, 0x40, 17


def until(condition, seconds=15, what="it", pause=0.05):
    """Waits until condition() is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(pause)


def status(process):
    """/proc/PID/status as a dictionary."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {k: v.strip() for k, _, v in (line.partition(":") for line in lines)}


def limit(process, name):
    """(soft, hard) of one line of /proc/PID/limits."""
    for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines():
        if line.startswith(name):
            return tuple(line[len(name):].split()[:2])
    raise KeyError(name)


# what each may

def test_each_role_has_its_own_user_and_no_rights(shared_sealpost):
    roles = shared_sealpost.roles()
    assert set(roles) == {"supervisor", *KINDS}
    for number, kind in enumerate(KINDS, 1):
        for process in roles[kind]:
            shown = status(process)
            assert set(shown["Uid"].split()) == {str(FIRST_UID + number)}, kind
            assert set(shown["Gid"].split()) == {str(FIRST_UID + number)} and shown["Groups"] == "", kind
            assert shown["NoNewPrivs"] == "1" and shown["Seccomp"] == "2", kind
            for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(shown[capabilities], 16) == 0, (kind, capabilities)


def test_no_role_dumps_or_grows(shared_sealpost):
    for kind in KINDS:
        for process in shared_sealpost.roles()[kind]:
            assert limit(process, "Max core file size") == ("0", "0"), kind
            soft, hard = limit(process, "Max open files")
            assert soft == hard and int(hard) <= 65536, (kind, hard)
            # a process that may neither dump nor be traced belongs to root in /proc
            assert os.stat(f"/proc/{process.pid}/io").st_uid == 0, kind


# garbage on local sockets

def frame(length, kind, version=1, flags=0, request=1, payload=b""):
    return struct.pack(">IHBBQ", length, kind, version, flags, request) + payload


def garbage():
    dice = random.Random(6)
    yield "noise", dice.randbytes(4096)
    yield "too long", frame(0xffffffff, 86)
    yield "wrong version", frame(0, 86, version=200)
    yield "unknown flags", frame(0, 86, flags=0xf8)
    yield "unknown type", frame(0, 60000)
    yield "another's request", frame(0, 42)
    yield "an answer nobody asked for", frame(0, 86, flags=1)
    yield "a descriptor that is not there", frame(0, 86, flags=2)
    yield "short payload", frame(3, 80, payload=b"\0\0\0")
    yield "long payload", frame(9, 86, payload=b"123456789")
    yield "no request id", frame(0, 86, request=0)


@pytest.mark.parametrize("door", ["store.sock", "keyd.sock"])
def test_garbage_drops_the_peer_never_the_daemon(shared_sealpost, door):
    before = shared_sealpost.roles()
    for name, data in garbage():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(f"{shared_sealpost.folder}/run/{door}")
            try:
                peer.sendall(data)
                answer = peer.recv(65536)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            assert answer == b"", name
    assert shared_sealpost.roles() == before
    shared_sealpost.run("status")


def test_half_a_frame_holds_nobody_up(shared_sealpost):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(f"{shared_sealpost.folder}/run/store.sock")
        peer.sendall(frame(1000, 80)[:7])
        shared_sealpost.run("status")
        to = f"doctor@{shared_sealpost.domain}"
        assert shared_sealpost.outcome(shared_sealpost.submit(to))["state"] == "delivered"


# roles that die

def replaced(sealpost, kind, old):
    """True when as many processes of a kind run as before, and none of the old ones."""
    now = {p.pid for p in sealpost.roles().get(kind, [])}
    return len(now) == len(old) and not now & old


class Stream:
    """A sender that keeps sending and knows what was accepted."""

    def __init__(self, sealpost, recipient):
        self.sealpost, self.recipient = sealpost, recipient
        sealpost.user()
        self.ids, self.refused = [], 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            try:
                self.ids.append(self.sealpost.submit(self.recipient))
            except (smtplib.SMTPException, OSError):
                self.refused += 1
            self._over.wait(0.1)

    def more(self, count=2):
        """Waits until so many more were accepted."""
        wanted = len(self.ids) + count
        until(lambda: len(self.ids) >= wanted, 30, f"{count} more messages")

    def end(self):
        self._over.set()
        self._thread.join(30)
        return self.ids


@pytest.mark.timeout(180)
def test_a_role_that_dies_is_started_again_and_nothing_is_lost(lab):
    sealpost = lab.sealpost()
    receiver = lab.receiver("tls13")
    stream = Stream(sealpost, f"a@{receiver.domain}")
    stream.more()
    for kind in KINDS:
        old = {p.pid for p in sealpost.roles()[kind]}
        sealpost.kill_role(kind)
        until(lambda k=kind, o=old: replaced(sealpost, k, o), 20, f"a new {kind}")
        stream.more()
    ids = stream.end()
    for message_id in ids:
        assert sealpost.outcome(message_id)["state"] == "delivered"
    assert len(receiver.messages) >= len(ids)
    sealpost.run("check", "--deep")


def call(number, *arguments):
    """A system call that Python has no name for."""
    result = ctypes.CDLL(None, use_errno=True).syscall(*(ctypes.c_long(a) for a in (number, *arguments)))
    assert result >= 0, os.strerror(ctypes.get_errno())
    return result


def cut_channel(process):
    """Ends a role's channel to the supervisor, which the role knows nothing of."""
    held = os.pidfd_open(process.pid)
    with socket.socket(fileno=call(PIDFD_GETFD, held, SUPERVISOR_FD, 0)) as channel:
        channel.shutdown(socket.SHUT_RDWR)
    os.close(held)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="ptrace(2) by its number")
@pytest.mark.timeout(120)
def test_a_role_becomes_ready_beside_one_that_is_being_ended(lab):
    """The supervisor ends a role whose channel has broken, and hears of its death a moment later, which is made long here. A
    process that becomes ready in that moment must not be joined with it."""
    sealpost = lab.sealpost()
    old = {p.pid for p in sealpost.roles()["courier"]}
    [store] = sealpost.roles()["store"]
    call(PTRACE, PTRACE_SEIZE, store.pid, 0, PTRACE_O_TRACEEXIT)
    cut_channel(store)
    os.waitpid(store.pid, 0x40000000)  # __WALL: the supervisor has ended it, and its death stops on the way
    sealpost.kill_role("courier")
    until(lambda: replaced(sealpost, "courier", old), 20, "a new courier")
    time.sleep(2)  # until it is ready
    call(PTRACE, PTRACE_DETACH, store.pid, 0, 0)
    until(lambda: replaced(sealpost, "store", {store.pid}), 20, "a new store")
    receiver = lab.receiver("after", "tls13")
    assert sealpost.outcome(sealpost.submit(f"a@{receiver.domain}"))["state"] == "delivered"


def test_roles_end_with_their_supervisor(lab):
    sealpost = lab.sealpost()
    everyone = {p for kind in sealpost.roles().values() for p in kind}
    assert len(everyone) == 1 + len(KINDS)
    os.kill(sealpost.process.pid, signal.SIGKILL)
    sealpost.process.wait(5)
    left = processes.wait_gone(everyone, 8)
    assert not left, [p.command() for p in left]
    sealpost.kill()


# start, reload, stop

def test_ready_is_told_in_the_foreground_and_by_notification(lab, tmp_path):
    path = str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        told.settimeout(10)
        sealpost = lab.sealpost(env={"NOTIFY_SOCKET": path})
        assert told.recv(100) == b"READY=1"
        assert sealpost.process.poll() is None and status(sealpost.roles()["supervisor"][0])["PPid"] == str(os.getpid())
        assert b"\nready\n" in b"\n" + sealpost.log_bytes()
        with sealpost.smtp() as client:
            assert client.noop()[0] == 250
        assert sealpost.stop() == 0
        assert told.recv(100) == b"STOPPING=1"


def read_all(connection):
    connection.settimeout(10)
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except (ssl.SSLError, ConnectionResetError):
        pass
    return data


def test_a_stop_tells_open_sessions_421_within_10_seconds(lab):
    sealpost = lab.sealpost()
    idle, known, busy = sealpost.smtp(user=None), sealpost.smtp(), sealpost.smtp(starttls=True)
    sender = f"doctor@{sealpost.domain}"
    assert known.mail(sender)[0] == 250
    assert busy.mail(sender)[0] == 250 and busy.rcpt(f"a@{sealpost.domain}")[0] == 250
    assert busy.docmd("DATA")[0] == 354
    busy.send(b"Subject: half a mess")
    time.sleep(0.2)
    started = time.monotonic()
    heard = {}
    listeners = [threading.Thread(target=lambda n=n, c=c: heard.update({n: read_all(c.sock)}))
                 for n, c in (("idle", idle), ("known", known), ("busy", busy))]
    for listener in listeners:
        listener.start()
    assert sealpost.stop(10) == 0
    assert time.monotonic() - started < 10
    for listener in listeners:
        listener.join(10)
    for name, text in heard.items():
        assert text.startswith(b"421 4."), (name, text)
    with pytest.raises(OSError):
        sealpost.smtp(user=None, timeout=2)


def served(address, port, authority, starttls=False):
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(authority))
    if starttls:
        with smtplib.SMTP(address, port, timeout=10) as client:
            client.starttls(context=context)
            return client.sock.getpeercert(True)
    with socket.create_connection((address, port), 10) as plain, \
            context.wrap_socket(plain, server_hostname=address) as tls:
        return tls.getpeercert(True)


def test_a_renewed_certificate_is_for_new_sessions(lab):
    sealpost = lab.sealpost()
    receiver = lab.receiver("tls13")
    doors = {"tls": (sealpost.tls_port, False), "starttls": (sealpost.starttls_port, True),
             "center": (sealpost.center_port, False)}
    show = {name: lambda p=port, s=starttls: served(sealpost.address, p, lab.authority.root_file, s)
            for name, (port, starttls) in doors.items()}
    old = {name: ask() for name, ask in show.items()}
    session, pids = sealpost.smtp(), sealpost.roles()
    shown = session.sock.getpeercert(True)
    fresh = lab.certificate("relay.test", names=["relay.test", sealpost.address])
    sealpost.settings["submission.0"]["certificate"].write_bytes(fresh.chain_file.read_bytes())
    sealpost.settings["submission.0"]["key"].write_bytes(fresh.key_file.read_bytes())
    assert {name: ask() for name, ask in show.items()} == old  # not before it is told
    sealpost.process.send_signal(signal.SIGHUP)
    for name, ask in show.items():
        until(lambda n=name, a=ask: a() != old[n], 10, f"the new certificate on {name}")
    assert session.sock.getpeercert(True) == shown
    assert sealpost.outcome(sealpost.submit(f"a@{receiver.domain}", client=session))["state"] == "delivered"
    assert sealpost.roles() == pids


def test_a_faulty_configuration_is_not_taken_in(lab):
    sealpost = lab.sealpost()
    good = sealpost.conf.read_text()
    credential = sealpost.user()
    sealpost.conf.write_text(good + "\nno-such-key = 1\n")
    sealpost.process.send_signal(signal.SIGHUP)
    until(lambda: "the old configuration stays" in sealpost.log_text(), 10, "the refusal")
    assert f"{sealpost.conf}:{len(good.splitlines()) + 2}: unknown key" in sealpost.log_text()
    with sealpost.smtp(credential) as client:
        assert client.noop()[0] == 250
    sealpost.conf.write_text(good)


def test_two_instances_run_side_by_side(lab):
    one, two = lab.sealpost(), lab.sealpost()
    receiver = lab.receiver("tls13")
    to = f"a@{receiver.domain}"
    for sealpost in (one, two):
        assert sealpost.outcome(sealpost.submit(to))["state"] == "delivered"
    with pytest.raises(smtplib.SMTPAuthenticationError):
        two.smtp(one.user())  # nothing is shared
    one.kill()
    assert two.outcome(two.submit(to))["state"] == "delivered"
    one.start()
    assert one.outcome(one.submit(to))["state"] == "delivered"
    assert len(receiver.messages) == 4


def test_what_init_makes_is_secret_and_stays(lab):
    """Keys are for their owners only, and a second init changes nothing."""
    folder = Path(lab.folder) / "made"
    command = [str(program("sealpost")), "init", str(folder)]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 1 and "exists already" in again.stderr
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    for secret in ("keys", "keys/root.key", "escrow/private.pem"):
        assert (folder / secret).stat().st_mode & 0o077 == 0, secret

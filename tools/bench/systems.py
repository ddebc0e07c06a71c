# SPDX-License-Identifier: Apache-2.0
"""The two relays of the bench, each between the same load and the same sink: Sealpost, and a Postfix tuned for the same
work: submission over TLS with AUTH, a durable queue on the same disk, and delivery over verified, reused TLS."""
import os
import secrets
import socket
import threading
import time
from pathlib import Path

from tests.lab import peers, processes

SENDER = "load@clinic.test"
SINK_HOST, SINK_DOMAIN = "mx.bench.test", "bench.test"
RECIPIENT = f"reader%d@{SINK_DOMAIN}"
DRAIN_SECONDS = 60


class SealpostSystem:
    name = "Sealpost"
    sender, recipient = SENDER, RECIPIENT
    notes = ("Sealpost: AUTH PLAIN against its own credential store; every recipient's proof checked; content sealed",)

    def __init__(self, lab, build, _sink):
        self.instance = lab.sealpost(settings={"log-level": "info", "roles.intake": None, "roles.courier": None,
                                               "courier.hold": "1h", "limits.disk-reserve": None}, build=build)
        credential = self.instance.user("bench")
        self.user, self.password = credential.name, credential.password
        self.address, self.port = self.instance.address, self.instance.starttls_port
        self.pid = self.instance.process.pid

    def status(self):
        return self.instance.json("status")

    def drained(self):
        """Nothing is queued; the numbers are those of its own counters."""
        return self.status()["queued"] == 0

    def check(self):
        """Its own conservation check; problems in words."""
        done = self.instance.run("check", check=False)
        return [] if done.returncode == 0 else [f"sealpost check: {done.stdout}{done.stderr}".strip()]

    def log_text(self):
        return self.instance.log_text()

    def close(self):
        self.instance.stop()


class Doorman(threading.Thread):
    """An authentication service for Postfix that speaks Dovecot's protocol (version 1.1) and knows one name and
    password. Its work is not counted as Postfix's; 20 sessions ask it 20 times."""

    def __init__(self, path, user, password):
        super().__init__(daemon=True)
        self._wanted = b"\0" + user.encode() + b"\0" + password.encode()
        self._user = user
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._socket.listen(128)
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        from base64 import b64decode
        with peer, peer.makefile("rw", encoding="ascii", newline="\n") as stream:
            stream.write("VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t" + secrets.token_hex(16) + "\nDONE\n")
            stream.flush()
            for line in stream:
                words = line.rstrip("\n").split("\t")
                if words[0] != "AUTH":
                    continue
                response = next((w[5:] for w in words if w.startswith("resp=")), "")
                good = words[2] == "PLAIN" and b64decode(response) == self._wanted
                stream.write(f"OK\t{words[1]}\tuser={self._user}\n" if good else f"FAIL\t{words[1]}\n")
                stream.flush()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class PostfixSystem:
    name = "Postfix"
    sender, recipient = SENDER, RECIPIENT
    notes = ("Postfix: AUTH PLAIN through its Dovecot interface, answered by the bench itself (that CPU is not counted); "
             "no sealing, no audit",)

    def __init__(self, lab, _build, sink):
        self.user, self.password = "bench", secrets.token_hex(16)
        self.peer = peers.Postfix(lab, "postfix.bench.test", domains=("local.test",),
                                  certificate=lab.certificate("postfix.bench.test"), settings=self._settings(sink))
        with open(self.peer.etc / "postfix/master.cf", "a", encoding="ascii") as master:
            master.write("tlsproxy  unix  -       -       n       -       0       tlsproxy\n")
        self.doorman = Doorman(self.peer.folder / "door", self.user, self.password)
        self.peer.start()
        self.address, self.port = self.peer.address, self.peer.port
        self.pid = self.peer.process.pid

    @staticmethod
    def _settings(sink):
        address, port = sink
        return {
            # in: TLS and AUTH, nothing that looks anything up
            "smtpd_tls_security_level": "encrypt", "smtpd_tls_auth_only": "yes", "smtpd_tls_loglevel": "0",
            "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "/mnt/door",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, reject", "smtpd_peername_lookup": "no",
            "smtpd_client_connection_count_limit": "0", "in_flow_delay": "0",
            # out: verified, reused
            "relayhost": f"[{address}]:{port}", "smtp_tls_security_level": "secure", "smtp_tls_CAfile": "/mnt/tls/root.pem",
            "smtp_tls_secure_cert_match": SINK_HOST, "smtp_tls_connection_reuse": "yes",
            "smtp_connection_cache_destinations": "static:all", "initial_destination_concurrency": "20",
            "smtp_destination_concurrency_limit": "20", "default_destination_concurrency_limit": "20",
            # processes live long
            "default_process_limit": "200", "max_use": "10000",
        }

    def status(self):
        return {}

    def drained(self):
        queue = self.peer.folder / "queue"
        return not any(files for name in ("maildrop", "incoming", "active", "deferred")
                       for _, _, files in os.walk(queue / name))

    def check(self):
        return [] if self.drained() else ["Postfix has mail left in its queue"]

    def log_text(self):
        return self.peer.log_text()

    def close(self):
        self.peer.close()
        self.doorman.close()


def wait_drained(system, seconds=DRAIN_SECONDS):
    """Waits until nothing is queued; False when the time is over."""
    end = time.monotonic() + seconds
    while not system.drained():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def postfix_missing():
    """Why Postfix cannot be run here, or an empty text."""
    if not Path(peers.PEERS / "postfix/root/usr").is_dir():
        return "it is not under build/peers (./dev test and ./dev bench fetch it)"
    return "" if os.geteuid() == 0 else "it needs private namespaces: run as root"


def busy(pid):
    """How many processes a relay has now."""
    return len(processes.descendants(pid))

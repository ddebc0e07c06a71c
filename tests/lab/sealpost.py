# SPDX-License-Identifier: Apache-2.0
"""One Sealpost under test, driven only by what a stranger has: `sealpost init`, a configuration file, `sealpostd -c`,
SMTP, HTTPS and the `sealpost` command. Everything it writes is below its own folder."""
import json
import os
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import processes
from tests.lab.net import BUILD

START_SECONDS = 60  # a sanitizer build on a busy machine
STOP_SECONDS = 10
ACCEPTED = re.compile(r"^2\.0\.0 (\S+)")
DIES_WITH_US = ["setpriv", "--pdeathsig", "TERM"]  # a test run that is killed leaves no daemon
FINAL = {"delivered", "posted", "returned"}


def program(name, build=None):
    """Path of a built program; the build is the folder given, else $SEALPOST_BUILD, else build/debug."""
    where = Path(build or os.environ.get("SEALPOST_BUILD") or BUILD / "debug")
    for path in (where / "src/roles" / name, where / "src/cli" / name, where / "src" / name):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name} is not in {where}: run ./dev build")


@dataclass
class Credential:
    name: str
    password: str


class CommandFailed(Exception):
    pass


class Sealpost:
    """settings: "section.key" or "key" -> text as it stands in the file, or a string, number, bool or list."""

    def __init__(self, lab, settings=None, build=None, start=True, domain="clinic.test", folder=None, env=None,
                 launcher=()):
        self.lab, self.build, self.domain = lab, build, domain
        self.folder = Path(folder or f"{lab.folder}/sealpost-{len(lab.instances)}")
        self.conf = self.folder / "sealpost.conf"
        self.log = Path(f"{self.folder}.log")
        self.env = dict(os.environ, **(env or {}))
        self.launcher = list(launcher)
        self.process, self.family = None, set()
        self._users = {}
        self.address = lab.net.address()
        self.source = lab.net.address()
        self.tls_port, self.starttls_port, self.center_port = (lab.net.free_port(self.address) for _ in range(3))
        if domain and f"mx.{domain}" not in lab.receivers:
            lab.receiver(domain.rpartition(".")[0])
        self.init()
        self.settings = self._settings(settings or {})
        self.write_configuration()
        if start:
            self.start()

    # configuration

    @property
    def base_url(self):
        return f"https://{self.address}:{self.center_port}"

    def init(self):
        done = subprocess.run([program("sealpost", self.build), "init", self.folder], capture_output=True, text=True,
                              env=self.env, timeout=START_SECONDS)
        if done.returncode != 0:
            raise CommandFailed(f"sealpost init: {done.returncode}: {done.stdout}{done.stderr}")
        escrow = re.search(r"^\s*escrow\s*=\s*(\{.*?\})", self.conf.read_text(), re.M | re.S)
        self._escrow = escrow[1] if escrow else '{"escrow/public.pem"}'

    def _settings(self, changes):
        certificate = self.lab.certificate("relay.test", names=["relay.test", self.address])
        pair = {"certificate": certificate.chain_file, "key": certificate.key_file}
        settings = {
            "hostname": "relay.test", "directory": self.folder, "operator": "Lab Clinic",
            "postmaster": f"postmaster@{self.domain}", "log-level": "debug",
            "submission.0": {"listen": [f"{self.address}:{self.tls_port}"], "mode": "tls", **pair},
            "submission.1": {"listen": [f"{self.address}:{self.starttls_port}"], "mode": "starttls", **pair},
            "resolver.forward": [self.lab.dns.endpoint],
            "trust.ca-file": self.lab.authority.root_file,
            "courier.port": self.lab.smtp_port, "courier.source": [self.source], "courier.helo": "relay.test",
            "courier.allow-private": True, "courier.retry": ["500ms", "1s", "2s"], "courier.hold": "20s",
            "courier.connect-timeout": "5s",
            "notice.from": "secure-message@relay.test", "notice.helo": "notice.relay.test",
            "notice.refusal-gap": "1s",
            "center.listen": [f"{self.address}:{self.center_port}"], "center.base-url": self.base_url,
            "center.certificate": certificate.chain_file, "center.key": certificate.key_file,
            "limits.disk-reserve": "1MiB",
            "keys.escrow": Raw(self._escrow),
            "roles.intake": 1, "roles.courier": 1,
        }
        for key, value in changes.items():
            if value is None:
                settings.pop(key, None)
            else:
                settings[key] = value
        return settings

    def write_configuration(self):
        sections, top = {}, []
        for key, value in self.settings.items():
            section, dot, name = key.partition(".")
            if not dot:
                top.append(f"{key} = {_value(value)}")
            elif isinstance(value, dict):
                sections[key] = (key.rpartition(".")[0], [f"    {k} = {_value(v)}" for k, v in value.items()])
            else:
                sections.setdefault(section, (section, []))[1].append(f"    {name} = {_value(value)}")
        blocks = [f"{title} {{\n" + "\n".join(lines) + "\n}" for title, lines in sections.values()]
        self.conf.write_text("\n".join(top) + "\n\n" + "\n\n".join(blocks) + "\n")

    # life

    def start(self):
        """Starts the daemon in the foreground and returns when it has printed `ready`."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*DIES_WITH_US, *self.launcher, str(program("sealpostd", self.build)), "-c",
                                             str(self.conf)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, env=self.env, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not re.search(rb"^ready$", self.log_bytes(offset), re.M):
            if self.process.poll() is not None or time.monotonic() > end:
                code = self.process.poll()
                text = self.log_text(offset)[-3000:]
                self.kill()
                raise CommandFailed(f"sealpostd did not become ready (exit {code}):\n{text}")
            time.sleep(0.02)
        self.roles()
        return self

    def log_bytes(self, offset=0):
        with open(self.log, "rb") as log:
            log.seek(offset)
            return log.read()

    def log_text(self, offset=0):
        return self.log_bytes(offset).decode(errors="replace")

    def roles(self):
        """{role name: [Process]} of what runs now; the supervisor too."""
        found = {}
        for process in processes.descendants(self.process.pid):
            self.family.add(process)
            role = re.search(r" --role (\w+)", process.command())
            if process.pid == self.process.pid or role:
                found.setdefault(role[1] if role else "supervisor", []).append(process)
        return found

    def kill_role(self, role, sig=signal.SIGKILL):
        """Kills every process of one role; returns how many there were."""
        victims = self.roles().get(role, [])
        for victim in victims:
            try:
                os.kill(victim.pid, sig)
            except ProcessLookupError:
                pass
        return len(victims)

    def stop(self, seconds=STOP_SECONDS):
        """Stops by pid and asserts that nothing is left running; returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.roles()
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"sealpostd did not stop within {seconds} s:\n{self.log_text()[-2000:]}") from None
        left = processes.wait_gone(self.family, 2)
        names = [f"{p.pid} {p.command()}" for p in left]
        self.kill()
        assert not left, f"left running after the stop: {names}"
        return code

    def kill(self):
        """Ends the whole family at once, as a power cut would."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.family |= processes.descendants(self.process.pid)
        for member in sorted(self.family, key=lambda p: p.pid != self.process.pid):
            if member.alive():
                try:
                    os.kill(member.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait(5)
        processes.wait_gone(self.family, 5)
        self.process, self.family = None, set()

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        if self.process is not None:
            self.kill()
        if self.folder.exists() and not os.environ.get("SEALPOST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def sanitizer_reports(self):
        """What the address or undefined-behaviour sanitizer wrote."""
        text = self.log_text() if self.log.exists() else ""
        return re.findall(r"^.*(?:ERROR: \w+Sanitizer|runtime error:).*$", text, re.M)

    # the command

    def run(self, *arguments, timeout=60, check=True):
        """Runs `sealpost ARGUMENTS` against this instance; returns the finished process."""
        done = subprocess.run([str(program("sealpost", self.build)), "-c", str(self.conf), *map(str, arguments)],
                              capture_output=True, text=True, env=self.env, timeout=timeout, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise CommandFailed(f"sealpost {' '.join(map(str, arguments))}: exit {done.returncode}: "
                                f"{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done

    def json(self, *arguments, **more):
        return json.loads(self.run(*arguments, "--json", **more).stdout)

    def rows(self, command="queue", *arguments):
        """The per-recipient objects of `queue` or `trace`."""
        answer = self.json(command, *arguments)
        return answer if isinstance(answer, list) else answer["recipients"]

    def trace(self, message):
        """Every verdict must follow from its evidence once more: a replay that differs fails the command."""
        return self.rows("trace", message, "--replay")

    def wait(self, message, timeout=30):
        """Waits until every recipient of a message is final; returns its rows."""
        self.run("wait", message, "--timeout", f"{int(timeout * 1000)}ms", timeout=timeout + 30, check=False)
        rows = self.trace(message)
        assert rows and all(r["state"] in FINAL for r in rows), f"not final after {timeout} s: {rows}"
        return rows

    def outcome(self, message, recipient=None, timeout=30):
        """The row of the one recipient (or the one named) once it is final."""
        rows = [r for r in self.wait(message, timeout) if recipient in (None, r["recipient"])]
        assert len(rows) == 1, rows
        return rows[0]

    def check(self):
        """`sealpost check` and no sanitizer report: what must hold after every test."""
        assert not self.sanitizer_reports(), self.sanitizer_reports()
        if self.process is not None and self.process.poll() is None:
            self.run("check")

    def user(self, name="app", *domains):
        """The credential of a user, made when it is asked for the first time."""
        if name not in self._users:
            sources = [word for domain in domains or (self.domain,) for word in ("--from", domain)]
            self._users[name] = Credential(name, self.json("user", "add", name, *sources)["password"])
        return self._users[name]

    # sending

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.lab.authority.root_file))

    def smtp(self, user="app", starttls=False, timeout=30):
        """A logged-in smtplib session (user None: not logged in)."""
        if starttls:
            client = smtplib.SMTP(self.address, self.starttls_port, "app.clinic.test", timeout)
            client.starttls(context=self.client_context())
        else:
            client = smtplib.SMTP_SSL(self.address, self.tls_port, "app.clinic.test", timeout=timeout,
                                      context=self.client_context())
        client.ehlo()
        if user:
            credential = self.user(user) if isinstance(user, str) else user
            client.login(credential.name, credential.password)
        return client

    def submit(self, recipients, content=None, sender=None, user="app", client=None, mail_options=(), rcpt_options=(),
               starttls=False):
        """Sends one message and returns its ID (from the 250 behind the dot)."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        sender = f"doctor@{self.domain}" if sender is None else sender
        content = content if content is not None else letter(sender, recipients)
        own = client is None
        client = client or self.smtp(user, starttls)
        try:
            _expect(client.mail(sender, list(mail_options)), 250)
            for recipient in recipients:
                _expect(client.rcpt(recipient, list(rcpt_options)), 250)
            return accepted_id(client.data(content))
        finally:
            if own:
                client.close()


class Raw(str):
    """Text that stands in the configuration as it is."""


def _value(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(_value(v) for v in value) + "}"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _expect(answer, code):
    if answer[0] != code:
        raise smtplib.SMTPResponseException(*answer)


def accepted_id(answer):
    """The ID in the reply to the final dot."""
    _expect(answer, 250)
    match = ACCEPTED.match(answer[1].decode())
    assert match, f"no ID in {answer!r}"
    return match[1]


def letter(sender, recipients, subject="Result", body="Your result is ready.\r\n", extra=""):
    """A small message with CRLF."""
    return (f"From: <{sender}>\r\nTo: {', '.join(f'<{r}>' for r in recipients)}\r\nSubject: {subject}\r\n{extra}"
            f"\r\n{body}").encode()

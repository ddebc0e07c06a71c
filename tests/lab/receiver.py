# SPDX-License-Identifier: Apache-2.0
"""A scripted SMTP receiver that keeps every byte it saw. One Receiver is one host (address, certificate, manner); its
sessions and messages are what a test judges by.

Manner: `replies` maps a stage to a reply text, a list of them (one for each time, the last repeats) or a function
(session, argument) -> reply. Stages: greeting, ehlo, helo, starttls, mail, rcpt, data, dot, bdat, rset, noop, quit.
A reply may also be None (close the connection), or a Reply with a delay. Without a script the receiver accepts."""
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

from tests.lab.pki import server_context

LIMIT_IDLE = 120
DEFAULT_FEATURES = ("PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES", "SIZE 100000000")
DEFAULT_REPLIES = {
    "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on", "dot": "250 2.0.0 kept as {number}",
    "bdat": "250 2.0.0 kept as {number}", "rset": "250 2.0.0 reset", "noop": "250 2.0.0 ok", "quit": "221 2.0.0 bye",
    "starttls": "220 2.0.0 go ahead", "vrfy": "252 2.0.0 perhaps",
}


def standard_suite(name):
    """The IANA name of a suite that OpenSSL calls ECDHE-RSA-AES256-GCM-SHA384; TLS 1.3 has one name only."""
    if name.startswith("TLS_"):
        return name
    exchange, _, rest = name.partition("-AES")
    if not rest:
        return name
    bits, rest = rest[:3], rest[3:].lstrip("-")
    return f"TLS_{exchange.replace('-', '_')}_WITH_AES_{bits}_{rest.replace('-', '_')}"


@dataclass
class Reply:
    """A reply with manners: waits `delay` seconds, closes afterwards when told to, may be sent in pieces."""
    text: str | None
    delay: float = 0
    close: bool = False
    raw: bytes | None = None


@dataclass
class Message:
    mail_from: str
    mail_parameters: str
    recipients: list
    recipient_parameters: list
    data: bytes
    tls: str | None
    cipher: str | None
    helo: str
    peer: str
    at: float


@dataclass
class Session:
    peer: str
    local: str
    started: float
    plain: bytearray = field(default_factory=bytearray)      # what came before TLS
    encrypted: bytearray = field(default_factory=bytearray)  # what came inside TLS
    commands: list = field(default_factory=list)             # (inside TLS?, line)
    replies: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    tls: str | None = None
    cipher: str | None = None
    sni: str | None = None
    tls_error: str | None = None
    helo: str = ""
    ended: float | None = None
    stage: str = "greeting"

    def verbs(self):
        return [line.split(" ")[0].upper() for _, line in self.commands]


class _Closed(Exception):
    """The session is over."""


class Receiver:
    def __init__(self, address, port, certificate=None, minimum="1.2", maximum="1.3", starttls=True, ciphers=None,
                 features=DEFAULT_FEATURES, replies=None, host="receiver.test", implicit_tls=False, after_starttls=b"",
                 close_in_data=None, reset_in_data=None, tls_close_in_data=None, on_message=None, autostart=True):
        """after_starttls: bytes sent in clear behind the 220 (injection). close_in_data: close after so many bytes of
        content; reset_in_data: the same with a TCP reset; tls_close_in_data: the same with a TLS close only.
        on_message(session, message) is called when a message is whole, before the reply to its dot."""
        self.address, self.port, self.host = address, port, host
        self._tls = (minimum, maximum, ciphers)
        self._sni = threading.local()
        self.context, self.certificate = None, None
        if certificate:
            self.show_certificate(certificate)
        self.offers_tls = bool(certificate) and starttls and not implicit_tls
        self.implicit_tls = implicit_tls
        self.features = list(features)
        self.replies = dict(replies or {})
        self.after_starttls = after_starttls
        self.close_in_data, self.reset_in_data, self.tls_close_in_data = close_in_data, reset_in_data, tls_close_in_data
        self.on_message = on_message
        self.sessions = []
        self.changed = threading.Condition()
        self._counts = {}
        self._listener, self._open = None, False
        if autostart:
            self.start()

    # what a test asks

    @property
    def messages(self):
        return [m for s in list(self.sessions) for m in list(s.messages)]

    def bytes_seen(self):
        """Everything this host was ever sent, before and inside TLS."""
        return b"".join(bytes(s.plain) + bytes(s.encrypted) for s in list(self.sessions))

    def wait_messages(self, count=1, timeout=20):
        """Waits until so many messages were received; returns them (perhaps fewer when the time is over)."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.messages) >= count, timeout)
        return self.messages

    def wait_sessions(self, count=1, timeout=20):
        with self.changed:
            self.changed.wait_for(lambda: len([s for s in self.sessions if s.ended]) >= count, timeout)
        return list(self.sessions)

    # life

    def show_certificate(self, certificate):
        """From now on new sessions see this certificate."""
        context = server_context(certificate, *self._tls)
        context.sni_callback = lambda sock, name, _c: self._note_sni(sock, name)
        self.context, self.certificate = context, certificate

    def start(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self._listener = socket.create_server((self.address, self.port), family=family, backlog=256)
        self._open = True
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def close(self):
        """Stops listening; running sessions end with their connection."""
        self._open = False
        if self._listener:
            try:
                self._listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._listener.close()
            self._listener = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self, listener):
        while self._open:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            session = Session(f"{peer[0]}:{peer[1]}", self.address, time.time())
            with self.changed:
                self.sessions.append(session)
            threading.Thread(target=_Conversation(self, connection, session).run, daemon=True).start()

    def _note_sni(self, _sock, name):
        self._sni.name = name

    def next_reply(self, stage, session, argument):
        """The scripted reply of a stage, else the usual one."""
        script = self.replies.get(stage, DEFAULT_REPLIES.get(stage, "500 5.5.1 what?"))
        if callable(script):
            return script(session, argument)
        if isinstance(script, list):
            with self.changed:
                number = self._counts.get(stage, 0)
                self._counts[stage] = number + 1
            return script[min(number, len(script) - 1)]
        return script


class _Conversation:
    """One session, in its own thread."""

    def __init__(self, receiver, connection, session):
        self.receiver, self.socket, self.session = receiver, connection, session
        self.buffer = bytearray()
        self.mail, self.recipients, self.chunks = None, [], None
        connection.settimeout(LIMIT_IDLE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        try:
            if self.receiver.implicit_tls:
                self._start_tls()
            self._reply("greeting", default=f"220 {self.receiver.host} ESMTP lab")
            while True:
                self._command(self._line())
        except (_Closed, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            self._close()
            with self.receiver.changed:
                self.session.ended = time.time()
                self.receiver.changed.notify_all()

    def _close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    # bytes

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise _Closed
        (self.session.encrypted if self.session.tls else self.session.plain).extend(data)
        self.buffer.extend(data)

    def _line(self):
        while b"\n" not in self.buffer:
            self._fill()
        line, _, rest = bytes(self.buffer).partition(b"\n")
        self.buffer = bytearray(rest)
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def _exactly(self, size):
        while len(self.buffer) < size:
            self._fill()
            self._harm(len(self.buffer))
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def _send(self, data):
        self.socket.sendall(data)

    def _choose(self, stage, argument="", default=None):
        """The scripted reply, else the default given, else the usual one; always a Reply."""
        if default is not None and stage not in self.receiver.replies:
            return Reply(default)
        reply = self.receiver.next_reply(stage, self.session, argument)
        return reply if isinstance(reply, Reply) else Reply(reply)

    def _reply(self, stage, argument="", default=None):
        """Sends the reply of a stage; returns its code (0 for none)."""
        return self._utter(self._choose(stage, argument, default))

    def _utter(self, manner):
        if manner.delay:
            time.sleep(manner.delay)
        if manner.raw is not None:
            self._send(manner.raw)
        elif manner.text is not None:
            text = manner.text.replace("{number}", str(len(self.receiver.messages)))
            self.session.replies.append(text)
            self._send(text.encode("utf-8", "surrogateescape") + b"\r\n")
        if manner.close or (manner.text is None and manner.raw is None):
            raise _Closed
        return int(manner.text[:3]) if manner.text else 0

    # commands

    def _command(self, line):
        verb, _, argument = line.partition(" ")
        self.session.commands.append((self.session.tls is not None, line))
        self.session.stage = verb.lower()
        handler = getattr(self, "_" + verb.lower() + "_command", None) if verb.isalpha() else None
        if handler:
            handler(argument)
        else:
            self._reply(verb.lower(), argument)

    def _ehlo_command(self, argument):
        self.session.helo = argument
        features = list(self.receiver.features)
        if self.receiver.offers_tls and not self.session.tls:
            features.append("STARTTLS")
        lines = [self.receiver.host, *features]
        text = "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{t}" for n, t in enumerate(lines))
        self._reply("ehlo", argument, default=text)

    def _helo_command(self, argument):
        self.session.helo = argument
        self._reply("helo", argument, default=f"250 {self.receiver.host}")

    def _starttls_command(self, argument):
        if not self.receiver.context:
            self._reply("starttls_refused", default="502 5.5.1 not offered")
            return
        reply = self.receiver.next_reply("starttls", self.session, argument)
        if reply != DEFAULT_REPLIES["starttls"]:
            if self._utter(reply if isinstance(reply, Reply) else Reply(reply)) != 220:
                return
        else:
            self._send(reply.encode() + b"\r\n" + self.receiver.after_starttls)
        self._start_tls()

    def _start_tls(self):
        self.receiver._sni.name = None
        self.buffer.clear()
        try:
            self.socket = self.receiver.context.wrap_socket(self.socket, server_side=True)
        except (ssl.SSLError, OSError) as error:
            self.session.tls_error = str(error)
            raise _Closed from error
        cipher = self.socket.cipher()
        if cipher is None:  # the client was killed meanwhile
            raise _Closed
        self.session.tls = self.socket.version()
        self.session.cipher = standard_suite(cipher[0])
        self.session.sni = self.receiver._sni.name

    def _mail_command(self, argument):
        self.mail = None
        if self._reply("mail", argument) // 100 == 2:
            self.mail, self.recipients, self.chunks = argument, [], None

    def _rcpt_command(self, argument):
        if self.mail is None:
            self._reply("sequence", default="503 5.5.1 MAIL first")
        elif self._reply("rcpt", argument) // 100 == 2:
            self.recipients.append(argument)

    def _rset_command(self, argument):
        self.mail, self.recipients, self.chunks = None, [], None
        self._reply("rset", argument)

    def _quit_command(self, argument):
        self._reply("quit", argument)
        raise _Closed

    def _data_command(self, argument):
        if not self.recipients:
            self._reply("no_recipients", default="554 5.5.1 no valid recipients")
            return
        if self._reply("data", argument) != 354:
            return
        self.session.stage = "content"
        raw = self._until_dot()
        self._keep(re.sub(rb"(^|\r\n)\.", rb"\1", raw), "dot")

    def _until_dot(self):
        """The stuffed content up to the final dot."""
        while not (self.buffer.startswith(b".\r\n") or b"\r\n.\r\n" in self.buffer):
            self._fill()
            self._harm(len(self.buffer))
        if self.buffer.startswith(b".\r\n"):
            raw, rest = b"", bytes(self.buffer[3:])
        else:
            raw, _, rest = bytes(self.buffer).partition(b"\r\n.\r\n")
            raw += b"\r\n"
        self.buffer = bytearray(rest)
        return raw

    def _bdat_command(self, argument):
        size, _, last = argument.partition(" ")
        self.session.stage = "content"
        chunk = self._exactly(int(size))
        if not self.recipients:
            self._reply("no_recipients", default="554 5.5.1 no valid recipients")
            return
        self.chunks = (self.chunks or b"") + chunk
        if last.strip().upper() == "LAST":
            self._keep(self.chunks, "bdat")
        else:
            self._reply("chunk", default=f"250 2.0.0 {len(chunk)} bytes")

    def _harm(self, size):
        """Ends the session in the middle of content, in the manner asked for."""
        receiver = self.receiver
        if receiver.close_in_data is not None and size >= receiver.close_in_data:
            raise _Closed
        if receiver.reset_in_data is not None and size >= receiver.reset_in_data:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            raise _Closed
        if receiver.tls_close_in_data is not None and size >= receiver.tls_close_in_data and self.session.tls:
            plain = self.socket.unwrap()
            time.sleep(0.5)
            plain.close()
            raise _Closed

    def _keep(self, data, stage):
        session = self.session
        address, parameters = _split_path(self.mail)
        paths = [_split_path(r) for r in self.recipients]
        message = Message(address, parameters, [p[0] for p in paths], [p[1] for p in paths], data, session.tls,
                          session.cipher, session.helo, session.peer, time.time())
        self.session.stage = stage
        if self.receiver.on_message:
            self.receiver.on_message(session, message)
        reply = self._choose(stage)
        self.mail, self.recipients, self.chunks = None, [], None
        if (reply.text or "").startswith("2"):
            self._remember(message)
        self._utter(reply)
        session.stage = "idle"

    def _remember(self, message):
        with self.receiver.changed:
            self.session.messages.append(message)
            self.receiver.changed.notify_all()


def _split_path(argument):
    """("a@b", "PARAM=x") from "FROM:<a@b> PARAM=x"."""
    match = re.match(r"\s*(?:FROM|TO)\s*:\s*<(.*?)>\s*(.*)$", argument or "", re.I | re.S)
    return (match[1], match[2]) if match else (argument, "")

# SPDX-License-Identifier: Apache-2.0
"""What became of one recipient, read from what the receiver recorded: never from the daemon's word. The daemon's
evidence is shown, and counts only where it agrees with the receiver's own record of the session."""
import email
import email.policy
import re
import time
from dataclasses import dataclass, field

from tests.lab import reader
from tools.run.letters import AUTHOR, PRIVATE_NAME, found

URL = re.compile(r"https?://\S+")
OFFERED = {"no-tls": "no TLS", "tls10": "at most TLS 1.0", "tls11": "at most TLS 1.1",
           "tls12": "TLS 1.2, valid certificate", "tls13": "TLS 1.3, valid certificate",
           "self-signed": "self-signed certificate", "expired": "expired certificate"}
SPOKEN = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3", None: "clear text"}


@dataclass
class Row:
    receiver: str
    offered: str
    expected: str
    outcome: str = "waiting"
    proof: str = ""
    seconds: float | None = None
    problems: list = field(default_factory=list)
    done: bool = False
    letter_read: bool = False

    @property
    def right(self):
        return self.done and self.outcome == self.expected and not self.problems

    def as_json(self):
        return {"receiver": self.receiver, "offered": self.offered, "expected": self.expected,
                "outcome": self.outcome, "right": self.right, "proof": self.proof,
                "seconds": None if self.seconds is None else round(self.seconds, 2), "problems": self.problems}


def _received_facts(row, receiver, sent, message):
    """A delivery: whole, once, on a session that was TLS >= 1.2 before MAIL FROM."""
    session = next(s for s in receiver.sessions if message in s.messages)
    if session.tls not in ("TLSv1.2", "TLSv1.3"):
        row.problems.append(f"content went over {SPOKEN.get(session.tls, session.tls)}")
    if b"MAIL FROM" in bytes(session.plain).upper():
        row.problems.append("MAIL FROM before TLS")
    if receiver.state not in ("tls12", "tls13"):
        row.problems.append(f"content reached a receiver with {row.offered}")
    sent_header, _, sent_body = sent.content.partition(b"\r\n\r\n")
    header, _, body = message.data.partition(b"\r\n\r\n")
    if body != sent_body or not header.endswith(sent_header):
        row.problems.append("the message did not arrive as it was submitted")
    return session


def _evidence(row, session, receiver, trace):
    """The daemon's own account, compared with the receiver's record."""
    attempts = [a for r in trace for a in r.get("attempts") or []]
    text = repr(attempts) + repr([r.get("proof") for r in trace])
    proof = next((r["proof"] for r in trace if r.get("proof")), "")
    version, cipher = session.tls.replace("TLSv", ""), session.cipher
    if version not in text or cipher.lower() not in text.lower():
        row.problems.append(f"the evidence does not name {session.tls} and {cipher}")
    if receiver.certificate.fingerprint() not in text.replace(":", "").lower():
        row.problems.append("the evidence does not name the certificate")
    row.proof = f"{proof}: {SPOKEN[session.tls]}, {cipher}, {receiver.host}"


def _decoded(data):
    """Every word of a mail: headers decoded, parts decoded."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    words = [f"{k}: {v}" for k, v in message.items()]
    for part in message.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True) or b""
            words.append(payload.decode(part.get_content_charset() or "utf-8", "replace"))
    return message, "\n".join(words)


def notice_of(message, base_url):
    """The link in a notice, or None for another mail."""
    _, text = _decoded(message.data)
    links = [u.rstrip(".,>") for u in URL.findall(text) if u.startswith(base_url + "/l/")]
    return links[0] if len(links) == 1 else None


def _notice_problems(row, message, sent, sender):
    """The notice carries nothing private and is what the notice route promises."""
    parsed, text = _decoded(message.data)
    private = [*sent.marks, sender, AUTHOR, PRIVATE_NAME, sent.attachment_name, "cholesterol", sent.subject]
    leaked = found(message.data + text.encode(), private) + found(message.mail_from.encode(), [sender, AUTHOR])
    if leaked:
        row.problems.append(f"the notice holds private text: {', '.join(sorted(set(leaked)))}")
    if len(URL.findall(text)) != 1:
        row.problems.append(f"the notice holds {len(URL.findall(text))} links, not one")
    if not parsed.get("Auto-Submitted", "").startswith("auto-"):
        row.problems.append("the notice lacks Auto-Submitted")
    if message.tls in ("TLSv1", "TLSv1.1"):
        row.problems.append(f"the notice went over {SPOKEN[message.tls]}")


class Judge:
    """Watches one receiver until its row is complete."""

    def __init__(self, instance, receiver, sent, sender, message_id, accepted):
        self.instance, self.receiver, self.sent, self.sender = instance, receiver, sent, sender
        self.message_id, self.accepted = message_id, accepted
        self.row = Row(receiver.state, OFFERED[receiver.state], receiver.expected)
        self.notice = None  # as the receiver got it

    def look(self):
        """Brings the row up to date; True when it is complete."""
        row = self.row
        if row.done:
            return True
        carriers = [m for m in self.receiver.messages if found(m.data, self.sent.marks)]
        if carriers:
            self._delivered(carriers)
        else:
            notice = next((m for m in self.receiver.messages if notice_of(m, self.instance.base_url)), None)
            if notice:
                self._posted(notice)
        return row.done

    def _finish(self, outcome, at):
        self.row.outcome, self.row.seconds, self.row.done = outcome, at - self.accepted, True

    def _delivered(self, carriers):
        row, message = self.row, carriers[0]
        if len(carriers) > 1:
            row.problems.append(f"delivered {len(carriers)} times")
        session = _received_facts(row, self.receiver, self.sent, message)
        if session.tls in ("TLSv1.2", "TLSv1.3"):
            end = time.monotonic() + 10  # the completion is written after the receiver's 250
            while (trace := self.instance.trace(self.message_id)) and trace[0]["state"] == "queued" \
                    and time.monotonic() < end:
                time.sleep(0.1)
            _evidence(row, session, self.receiver, trace)
        else:
            row.proof = f"none: {SPOKEN.get(session.tls)}"
        self._finish("delivered", message.at)

    def _posted(self, notice):
        row, self.notice = self.row, notice
        trace = self.instance.trace(self.message_id)
        row.proof = next((r.get("text") or r.get("reason") or "" for r in trace), "")
        _notice_problems(row, notice, self.sent, self.sender)
        row.outcome = "posted"
        self._read(notice)
        seen = found(self.receiver.bytes_seen(), self.sent.marks)
        if seen:
            row.problems.append(f"{len(seen)} of its marks reached the receiver")
        self._finish("posted", notice.at)

    def _read(self, notice):
        """Link, button, code from the mailbox, letter: as a recipient does it."""
        link = notice_of(notice, self.instance.base_url)
        try:
            letter = reader.read(link, self._code, self.instance.lab.authority.root_file)
        except reader.NotReadable as error:
            self.row.problems.append(f"the letter could not be read: {error}")
            return
        sent = self.sent
        if letter.headers.get("subject") != sent.subject:
            self.row.problems.append("the letter's subject is not the one sent")
        if sent.marks[1] not in letter.text or "Grüße" not in letter.text:
            self.row.problems.append("the letter's text is not the one sent")
        if letter.attachments.get(sent.attachment_name) != sent.attachment:
            self.row.problems.append("the letter's attachment is not the one sent")
        self.row.letter_read = not self.row.problems

    def _code(self, since):
        """The code that stands alone on a line of a mail that came after `since`."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for message in self.receiver.messages:
                if message.at >= since and not notice_of(message, self.instance.base_url):
                    _, text = _decoded(message.data)
                    codes = reader.CODE.findall(text.partition("\n")[2])
                    if codes:
                        return codes[-1]
            time.sleep(0.05)
        raise reader.NotReadable("no code came within 30 s")

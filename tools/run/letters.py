# SPDX-License-Identifier: Apache-2.0
"""The real message that ./dev run sends to each receiver: plain and HTML text, an attachment, 8-bit characters. Every
place holds a mark of its own, so that a receiver's bytes show at once whether content reached it."""
import base64
import quopri
import secrets
from dataclasses import dataclass, field

AUTHOR = "dr.okafor"
PRIVATE_NAME = "blood-results"


@dataclass
class Sent:
    """A message as it was submitted, and the marks that must not be seen where they do not belong."""
    recipient: str
    content: bytes
    subject: str
    text: str
    attachment_name: str
    attachment: bytes
    marks: list = field(default_factory=list)


def _mark():
    return "Mk" + secrets.token_hex(8)


def compose(sender, recipient):
    """One message with fresh marks. The body is sent as 8-bit UTF-8; only the attachment is base64."""
    marks = {place: _mark() for place in ("subject", "text", "html", "file", "attachment")}
    subject = f"Your results {marks['subject']}"
    text = f"Grüße aus der Praxis – your cholesterol is 4.1 mmol/l.\r\n{marks['text']}\r\n"
    html = (f"<html><body><h1>Results</h1><p>Grüße – <b>4.1&nbsp;mmol/l</b></p><p>{marks['html']}</p>"
            "</body></html>\r\n")
    name = f"{PRIVATE_NAME}-{marks['file']}.csv"
    attachment = f"test;value\r\ncholesterol;4.1\r\n{marks['attachment']};1\r\n".encode() * 20
    encoded = base64.encodebytes(attachment).replace(b"\n", b"\r\n").decode()
    outer, inner = "=_outer_" + secrets.token_hex(6), "=_inner_" + secrets.token_hex(6)
    content = "\r\n".join([
        f"From: Dr. Okafor <{sender}>", f"To: <{recipient}>", f"Subject: {subject}", "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{outer}"', "", f"--{outer}",
        f'Content-Type: multipart/alternative; boundary="{inner}"', "", f"--{inner}",
        "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text + f"--{inner}",
        "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", html + f"--{inner}--",
        "", f"--{outer}", f'Content-Type: text/csv; name="{name}"',
        f'Content-Disposition: attachment; filename="{name}"', "Content-Transfer-Encoding: base64", "",
        encoded + f"--{outer}--", ""]).encode()
    return Sent(recipient, content, subject, text, name, attachment, list(marks.values()))


def forms(mark):
    """The shapes in which a mark could hide in bytes: plain, hex, UTF-16, base64 at each alignment, quoted-printable."""
    raw = mark.encode()
    shapes = {raw, raw.hex().encode(), raw.hex().upper().encode(), mark.encode("utf-16-le"), mark.encode("utf-16-be"),
              quopri.encodestring(raw).strip()}
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + raw)
        start = {0: 0, 1: 2, 2: 3}[shift]
        end = (len(raw) + shift) // 3 * 4
        shapes.add(code[start:end])
    return shapes


def found(data, words):
    """Those of words that data holds in any shape, in any case."""
    lowered = data.lower()
    return [w for w in words if any(f in data for f in forms(w)) or w.lower().encode() in lowered]

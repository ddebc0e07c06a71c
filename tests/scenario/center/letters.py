# SPDX-License-Identifier: Apache-2.0
"""Letters for the Message Center: an ordinary one and hostile ones."""
import email.policy
from email.message import EmailMessage

PDF = bytes(range(256)) * 300
TEXT = "Liebe Frau Müller,\n\nyour results are <b>fine</b> & good.\n\nDr. Ärztin\n"


def _bytes(message):
    return message.as_bytes(policy=email.policy.SMTP)


def mixed():
    m = EmailMessage()
    m["From"] = "Dr. Ärztin <doctor@clinic.test>"
    m["To"] = "Frau Müller <mueller@patient.test>"
    m["Cc"] = "files@clinic.test"
    m["Subject"] = "Befund: <script>alert(1)</script> 日本語"
    m["Date"] = "Tue, 24 Nov 2026 05:30:00 +0000"
    m["Message-ID"] = "<1@clinic.test>"
    m.set_content(TEXT)
    m.add_alternative("<p>Your results are <i>fine</i><script>alert(2)</script><img src='https://evil.test/t.gif'></p>",
                      subtype="html")
    m.add_attachment(PDF, maintype="application", subtype="pdf", filename="Befund Müller.pdf")
    m.add_attachment("<script>alert(3)</script>", subtype="html", filename="../../etc/passwd.html")
    m.add_attachment(b"<svg onload='alert(4)'/>", maintype="image", subtype="svg+xml", filename="x.svg")
    return _bytes(m)


def html_only():
    m = EmailMessage()
    m["Subject"] = "page"
    m["From"] = "a@clinic.test"
    m.set_content("<h1>Hello</h1><p>See <a href='https://a.test/x'>this</a><style>p{}</style><!-- no --></p>", subtype="html")
    return _bytes(m)


def bomb_nested(depth=2000):
    """Multiparts inside multiparts."""
    out = b"Subject: deep\r\nMIME-Version: 1.0\r\n"
    for i in range(depth):
        out += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
    return out + b"Content-Type: text/plain\r\n\r\nbottom\r\n"


def bomb_parts(count=20000):
    """Very many parts."""
    one = b"--b\r\nContent-Type: image/png; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
    return b"Subject: wide\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + one * count + b"--b--\r\n"


def bomb_boundaries(count=300, lines=200000):
    """Many open boundaries and many lines that look like them: quadratic work for a parser that compares each."""
    out = bomb_nested(count)
    return out + b"--b\r\n" * lines


def bomb_header():
    """A header of 8 MB and addresses in groups in groups."""
    return (b"Subject: big\r\nFrom: " + b"g:" * 200000 + b"\r\nTo: " + b"(" * 400000 + b"\r\nX: " + b"y" * (8 << 20) +
            b"\r\n\r\nbody\r\n")


def bomb_inner():
    """The same addresses in a message inside: the process that parses them dies of it."""
    return (b"Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nFrom: " + b"g:" * 2000000 +
            b"\r\n\r\nbody\r\n")


MIXED = mixed()
BOMBS = {"nested": bomb_nested, "parts": bomb_parts, "boundaries": bomb_boundaries, "header": bomb_header, "inner": bomb_inner}

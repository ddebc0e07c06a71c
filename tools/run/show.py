# SPDX-License-Identifier: Apache-2.0
"""A mail as a receiver got it, made readable: the header fields that matter and the text."""
import email
import email.policy

FIELDS = ("From", "To", "Subject")
LINES_MAX = 40  # of the text; a mail that you send yourself may be long


def plain(text):
    """Text without what a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text.replace("\r\n", "\n").replace("\t", "    "))


def text_of(message):
    """The first plain text of a mail, else the first text of any kind."""
    parts = [p for p in message.walk() if p.get_content_maintype() == "text"]
    parts.sort(key=lambda p: p.get_content_subtype() != "plain")
    if not parts:
        return ""
    payload = parts[0].get_payload(decode=True) or b""
    return payload.decode("utf-8", "replace").strip()


def lines(data, whole):
    """Lines to show of a mail: fields (all of them when `whole`), an empty line, text."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    fields = [(name, value) for name, value in message.items() if whole or name in FIELDS]
    yield from (plain(f"{name}: {value}").replace("\n", " ") for name, value in fields)
    yield ""
    text = plain(text_of(message)).split("\n")
    yield from text[:LINES_MAX]
    if len(text) > LINES_MAX:
        yield f"[{len(text) - LINES_MAX} more lines]"


def mail(data, whole=False):
    """A mail to be printed."""
    return "\n".join(f"   | {line}".rstrip() for line in lines(data, whole))

# SPDX-License-Identifier: Apache-2.0
"""The conversation before the handshake: greetings, EHLO and STARTTLS, answered, refused, injected, stripped, dropped,
silent, slow. Nobody who has not proved himself can bounce mail, nor see any of it."""
from tests.lab.receiver import DEFAULT_FEATURES, Reply
from tests.lab.states.state import Host, State

SILENT = Reply(None, raw=b"")
CLOSED = Reply(None)


def _one(name, fate, reason, replies, why="", level=None, notice=None, retried=False, **host):
    manner = {"replies": replies, **host.pop("manner", {})}
    return State(name, fate, reason, level, why, hosts=(Host(manner=manner, **host),), notice=notice, retried=retried)


def _later(name, reason, replies, why="", **more):
    return _one(name, "later", reason, replies, why, **more)


def _posted(name, reason, replies, why="", notice=None, **more):
    return _one(name, "posted", reason, replies, why, notice=notice, **more)


def _delivered(name, replies, why="", **more):
    return _one(name, "delivered", "delivered", replies, why, level="pkix", **more)


def _ehlo(*features):
    lines = ["mx.test", *features]
    return "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{t}" for n, t in enumerate(lines))


def _inside(reply):
    """An EHLO that is answered so inside TLS, and well in the clear."""
    return lambda session, _argument: reply if session.tls else _ehlo(*DEFAULT_FEATURES, "STARTTLS")


class _OfferedOnce:
    """STARTTLS is offered in the first session; from then on no longer. An object, so that every stage has a copy."""

    def __init__(self):
        self.seen = []

    def __call__(self, session, _argument):
        if session not in self.seen:
            self.seen.append(session)
        return _ehlo(*DEFAULT_FEATURES, *(["STARTTLS"] if len(self.seen) == 1 else []))


STATES = [
    _posted("starttls-not-offered", "no-starttls", {}, manner={"starttls": False}, notice="clear"),
    _posted("starttls-lookalike", "no-starttls", {"ehlo": _ehlo("PIPELINING", "XSTARTTLS", "STARTTLSX")},
            "words that only look like it", notice="clear", control=None),
    _delivered("starttls-lower-case", {"ehlo": lambda session, _a: _ehlo(*DEFAULT_FEATURES, *([] if session.tls else
                                                                                            ["starttls"]))}),
    _delivered("starttls-454-once", {"starttls": ["454 4.7.0 not now", "220 2.0.0 go ahead"]}, retried=True),
    _later("starttls-454", "unproved-4xx", {"starttls": "454 4.7.0 not now"}, control=None),
    _later("starttls-421", "unproved-4xx", {"starttls": Reply("421 4.3.2 closing", close=True)}, control=None),
    _posted("starttls-501", "unproved-5xx", {"starttls": "501 5.5.4 no parameters"}, notice="clear", control=None),
    _posted("starttls-502", "unproved-5xx", {"starttls": "502 5.5.1 not implemented"}, notice="clear", control=None),
    _posted("starttls-injected", "injected-reply", {}, "text in the clear behind the 220 (CVE-2021-38371)",
            manner={"after_starttls": b"250-inject.test\r\n250 PIPELINING\r\n"}, control=None),
    _posted("starttls-injected-220", "injected-reply", {}, manner={"after_starttls": b"220 again\r\n"}, control=None),
    _posted("starttls-garbage", "malformed-reply", {"starttls": Reply("", raw=b"what is this\r\n")}, control=None),
    _posted("starttls-250", "malformed-reply", {"starttls": "250 ok"}, "a 250 is no go-ahead", control=None),
    _posted("starttls-stripped-later", "no-starttls", {"ehlo": _OfferedOnce(), "starttls": "454 4.7.0 not now"},
            "offered once, then never again", notice="clear", control=None, retried=True),
    _later("starttls-closed", "connection-closed", {"starttls": CLOSED}, control=None),
    _later("starttls-silent", "connection-timeout", {"starttls": SILENT}, control=None),
    _delivered("starttls-slow", {"starttls": Reply("220 2.0.0 go ahead", delay=2)}),
    # the second EHLO, inside TLS, of a host that has proved itself
    _posted("second-ehlo-500", "server-5xx-hello", {"ehlo": _inside("500 5.5.1 what?")}, control=None),
    _later("second-ehlo-closed", "connection-closed", {"ehlo": _inside(CLOSED)}, control=None),
    _later("second-ehlo-451", "server-4xx", {"ehlo": _inside("451 4.3.0 later")}, control=None),
    _delivered("second-ehlo-bare", {"ehlo": _inside(_ehlo())}, "no extension at all inside TLS"),
    # the first words
    _posted("greeting-554", "unproved-5xx", {"greeting": Reply("554 5.7.1 go away", close=True)}, control=None),
    _later("greeting-421", "unproved-4xx", {"greeting": Reply("421 4.3.2 busy", close=True)}, control=None),
    _later("greeting-450", "unproved-4xx", {"greeting": "450 4.3.2 greylisted"}, control=None),
    _delivered("greeting-multi-line", {"greeting": "220-mx.test\r\n220-says\r\n220 hello"}),
    _delivered("greeting-slow", {"greeting": Reply("220 mx.test", delay=2)}),
    _later("greeting-none", "connection-timeout", {"greeting": SILENT}, control=None),
    _later("greeting-closed", "connection-closed", {"greeting": CLOSED}, control=None),
    _posted("greeting-garbage", "malformed-reply", {"greeting": Reply("", raw=b"SSH-2.0-OpenSSH_9.2\r\n")}, control=None),
    _posted("greeting-endless", "malformed-reply", {"greeting": Reply("", raw=b"220-a\r\n" * 100_000)}, control=None),
    _posted("greeting-of-two", "injected-reply", {"greeting": Reply("", raw=b"220 one\r\n220 two\r\n")},
            "words before they were asked for", control=None),
    _posted("ehlo-502", "unproved-5xx", {"ehlo": "502 5.5.1 only HELO"}, "a server of before 1993 cannot encrypt", control=None),
    _posted("ehlo-550", "unproved-5xx", {"ehlo": "550 5.7.1 not you", "helo": "550 5.7.1 not you"}, control=None),
    _later("ehlo-421", "unproved-4xx", {"ehlo": Reply("421 4.7.0 not now", close=True)}, control=None),
]

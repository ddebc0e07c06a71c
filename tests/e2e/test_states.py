# SPDX-License-Identifier: Apache-2.0
"""Receivers in every state of the lab: those that prove themselves get the message, all others never see a byte of it
nor a MAIL FROM for it, and the recipient's letter waits in the Message Center."""
import secrets

import pytest

from tests.lab.sealpost import letter
from tests.lab.world import STATES
from tools.run.letters import found

PROVED = sorted(s for s, (_, _, outcome) in STATES.items() if outcome == "delivered")
UNPROVED = sorted(s for s, (_, _, outcome) in STATES.items() if outcome == "posted")
AUTHOR = "doctor@clinic.test"


@pytest.fixture(scope="module")
def world(shared_lab, shared_sealpost):
    """One message to a receiver in each state, all at once: {state: (receiver, mark, id)}."""
    sent = {}
    with shared_sealpost.smtp() as client:
        for state in PROVED + UNPROVED:
            receiver = shared_lab.receiver(state)
            mark = "Mk" + secrets.token_hex(8)
            to = f"patient@{receiver.domain}"
            content = letter(AUTHOR, [to], f"Result {mark}", f"text {mark}\r\n")
            sent[state] = (receiver, mark, shared_sealpost.submit(to, content, AUTHOR, client=client))
    return sent


@pytest.mark.parametrize("state", PROVED)
def test_proved_host_gets_the_message(world, shared_sealpost, state):
    receiver, mark, message_id = world[state]
    row = shared_sealpost.outcome(message_id)
    assert row["state"] == "delivered", row
    assert len(receiver.messages) == 1
    message = receiver.messages[0]
    session = receiver.sessions[0]
    assert mark.encode() in message.data and message.tls in ("TLSv1.2", "TLSv1.3")
    assert b"MAIL" not in bytes(session.plain).upper() and session.sni == receiver.host
    evidence = repr(row)
    assert session.tls.replace("TLSv", "") in evidence and session.cipher in evidence
    assert receiver.certificate.fingerprint() in evidence.replace(":", "").lower()


@pytest.mark.parametrize("state", UNPROVED)
def test_unproved_host_never_sees_content(world, shared_sealpost, state):
    receiver, mark, message_id = world[state]
    row = shared_sealpost.outcome(message_id)
    assert row["state"] == "posted" and row["text"], row
    receiver.wait_messages(1)
    assert not found(receiver.bytes_seen(), [mark])
    for session in receiver.sessions:
        assert not any("MAIL" in line.upper() and AUTHOR in line for _, line in session.commands)
        if session.tls in ("TLSv1", "TLSv1.1"):
            assert "MAIL" not in session.verbs()  # not even a notice goes over old TLS
    notices = [m for m in receiver.messages if f"{shared_sealpost.base_url}/l/".encode() in m.data]
    assert len(notices) == 1
    assert notices[0].helo == "notice.relay.test" and AUTHOR not in notices[0].mail_from


def test_refused_starttls_is_tried_again_then_posted(lab):
    """454 is no verdict on the host: later, then posted at the holding limit."""
    sealpost = lab.sealpost(settings={"courier.hold": "3s"})
    receiver = lab.receiver("starttls-refused")
    message_id = sealpost.submit(f"a@{receiver.domain}")
    row = sealpost.outcome(message_id)
    assert row["state"] == "posted"
    assert len(row["attempts"]) >= 2
    assert b"Your result is ready" not in receiver.bytes_seen()

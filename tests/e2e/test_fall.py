# SPDX-License-Identifier: Apache-2.0
"""A sign of attack is not forgotten when the last attempt fails for another reason."""
import time

from tests.e2e.test_courier import outcome


def test_fall_then_silence_holds_the_notice(lab):
    """A false certificate first, no answer at the holding limit, and then the false host again, waiting for the
    notice: it does not leave."""
    sealpost = lab.sealpost(settings={"courier.hold": "4s", "courier.retry": ["500ms"], "notice.lifetime": "1m"})
    receiver = lab.receiver("fallen", "tls13")
    assert outcome(sealpost, f"a@{receiver.domain}")["state"] == "delivered"
    false = lab.certificate(receiver.host, self_signed=True)
    receiver.show_certificate(false)
    sealpost.restart()  # no session is kept
    message = sealpost.submit(f"b@{receiver.domain}")
    end = time.monotonic() + 10
    while not sealpost.trace(message)[0]["attempts"] and time.monotonic() < end:
        time.sleep(0.1)
    receiver.close()
    row = sealpost.outcome(message)
    assert row["state"] == "posted" and row["reason"] != "proof-fell", row
    assert {a["reason"] for a in row["attempts"]} >= {"proof-fell"}
    receiver.start()
    sealpost.run("retry", "--all")
    end = time.monotonic() + 15
    while (row := sealpost.trace(message)[0])["notice"]["state"] == "pending" and time.monotonic() < end:
        time.sleep(0.2)
    assert row["notice"]["state"] == "held", row["notice"]
    assert len(receiver.messages) == 1

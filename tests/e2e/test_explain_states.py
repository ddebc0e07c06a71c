# SPDX-License-Identifier: Apache-2.0
"""Every receiver state of the library (tests/lab/states): `sealpost explain` says the end, reason and level that the library
demands of delivery, from one survey of all of them, and no receiver sees an envelope. What only an envelope or a second try
brings about cannot be known before; there explain says what was to be seen."""
import csv
import warnings

import pytest

from tests.lab import states
from tests.lab.stage import Stage

PROVED = ("delivered", "proved")
# decided by the envelope, the letter, or the next connection
LATER_KNOWN = {
    **dict.fromkeys(("renegotiation-insisted", "lost-in-data-always", "never-a-250", "recipient-451", "recipient-550",
                     "sender-550", "message-451", "message-554", "data-554", "some-recipients", "some-recipients-later",
                     "no-8bitmime", "no-smtputf8", "size-too-small", "size-552", "requiretls-unprotected-name",
                     "requiretls-not-offered"), PROVED),
    "starttls-454-once": ("later", "unproved-4xx"),
    "starttls-stripped-later": ("later", "unproved-4xx"),
}


@pytest.fixture(scope="module")
def said():
    """{state name: (row of the survey, commands of envelopes the receivers saw)}."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of old TLS, which is the point
        with Stage() as stage:
            stage.build(states.ALL.values())
            sealpost = stage.relay()
            asked = {n: live.state.address.format(**live.words()) or live.domain for n, live in stage.live.items()}
            with open(f"{stage.folder}/list", "w", encoding="utf-8") as out:
                out.writelines(f"{domain}\n" for domain in asked.values())
            sealpost.run("explain", "--file", f"{stage.folder}/list", "--csv", f"{stage.folder}/csv", check=False, timeout=400)
            with open(f"{stage.folder}/csv", encoding="utf-8", newline="") as made:
                rows = {row["domain"]: row for row in csv.DictReader(made)}
            seen = {n: [v for r in live.receivers if r for s in list(r.sessions) for v in s.verbs()
                        if v in ("MAIL", "RCPT", "DATA", "BDAT")] for n, live in stage.live.items()}
            return {n: (rows.get(domain.lower()), seen[n]) for n, domain in asked.items()}


@pytest.mark.timeout(600)
def test_explain_says_what_delivery_must_do(said):
    assert len(said) >= 100
    wrong = []
    for name, state in states.ALL.items():
        row, envelopes = said[name]
        end, reasons = LATER_KNOWN.get(name, (state.fate, state.reason))
        right = row is not None and not envelopes and row["end"] == end
        if right and end == "delivered":
            right = name in LATER_KNOWN or row["level"] == state.level
        elif right:
            right = row["reason"] in reasons.split("|")
        if not right:
            wrong.append((name, end, reasons, state.level, row, envelopes))
    assert not wrong, wrong

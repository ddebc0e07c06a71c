# SPDX-License-Identifier: Apache-2.0
"""Every state of the library of receivers (tests/lab/states) ends in the right fate with the right reason, and no receiver
sees a byte of a letter before it has proved itself. Judged by the records of the receivers. All letters go out at once
through one Sealpost; the table of all states and results is build/receiver-states.txt."""
import fcntl
import json
import os
import warnings

import pytest

from tests.lab import states
from tests.lab.net import BUILD
from tests.lab.observe import perform
from tests.lab.states import listed as LISTED

TABLE, LOG = BUILD / "receiver-states.txt", BUILD / "receiver-states.log"
CONTROLLED = sorted(n for n, s in states.ALL.items() if s.group in ("certificates", "tls", "dane") and any(
    h.at == "4" and h.certificate is not None and h.control is not None and h.manner.get("starttls", True) for h in s.hosts))


def chosen():
    """All states, or those whose names hold a word of $SEALPOST_STATES."""
    words = os.environ.get("SEALPOST_STATES", "").split()
    return [s for n, s in states.ALL.items() if not words or any(w in n for w in words)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What was seen of every state: made by the first worker that comes, read by the others."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with open(shared / "receiver-states.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = shared / "receiver-states.json"
        if not result.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of old TLS, which is the point
                made = perform(chosen(), LOG)
            result.write_text(json.dumps(made))
            _write_table(made)
        return json.loads(result.read_text())


# judging

def _fate(state, expected, one, row):
    """What is wrong with the fate of one recipient."""
    final = state.ends if expected == "later" else expected
    if row["state"] != final:
        yield f"ended {row['state']}, not {final}"
    if expected == "later" and (row["first"] != "later" or row["tries"] < 2):
        yield f"not held and tried again: first {row['first']}, {row['tries']} tries"
    if expected == "posted" and len(state.hosts) == 1 and one["sessions"] > 1 and not (one["nameless"] or state.retried):
        yield f"tried {one['sessions']} times"
    if final == "returned" and not one["returned"]:
        yield "the author was not told"


def complaints(state, expected, one):
    """Everything that is not as it must be; expected: the state, or its second half."""
    fates = expected.fate if isinstance(expected.fate, dict) else {r: expected.fate for r in state.letter.recipients}
    if one["refused"]:
        yield f"refused at submission: {one['refused']}"
        return
    if one["before_proof"]:
        yield f"{one['before_proof']} bytes of the letter were seen before proof"
    if one["author_unproved"] or one["old_tls"]:
        yield "an envelope was sent to a host that had proved nothing"
    delivered = [r for r, fate in fates.items() if fate == "delivered"]
    copies = (getattr(expected, "copies", 1)) if delivered else 0
    if one["copies"] != copies:
        yield f"{one['copies']} copies were taken, not {copies}"
    for recipient, fate in fates.items():
        row = one["rows"].get(recipient) or one["rows"].get("?")
        if row is None:
            yield f"no row of {recipient}"
            continue
        yield from _fate(state, fate, one, row)
        if expected.reason and row["reason"] not in expected.reason.split("|"):
            yield f"reason {row['reason']}, not {expected.reason}"
        if fate == "delivered" and row["level"] != expected.level:
            yield f"level {row['level']}, not {expected.level}"
    yield from _more(state, expected, one)


def _more(state, expected, one):
    if getattr(expected, "retried", False) and max(one["sessions"], len(one["envelopes"])) < 2:
        yield "there was no second try"
    if getattr(expected, "wire", "") and not any(expected.wire in line for line in one["envelopes"]):
        yield f"no {expected.wire} in the envelope: {one['envelopes']}"
    told = {"proved": "tls", "held": "none"}.get(expected.notice, expected.notice)
    if told is not None and one["notice"] != told:
        yield f"notice: {one['notice']}, not {told}"
    if expected.notice == "held" and any(row["notice"] != "held" for row in one["rows"].values()):
        yield f"the notice is not held: {[row['notice'] for row in one['rows'].values()]}"


def judge(name, seen):
    """All that is wrong with a state."""
    state, one = states.ALL[name], seen[name]
    wrong = list(complaints(state, state, one["first"]))
    if state.then is not None:
        wrong += ["no second letter"] if one["then"] is None else [f"then: {c}" for c in complaints(state, state.then, one["then"])]
    return wrong


def _write_table(seen):
    """One line of each state: what was to be, what was seen."""
    lines = [f"{'state':34} {'subject':12} {'expected':10} {'ended':10} {'reason':27} {'level':12} {'before proof':>12} {'after':>6}"
             f" {'notice':8} {'control':8} verdict"]
    for name, one in seen.items():
        state = states.ALL[name]
        for half, expected in (("first", state), ("then", state.then)):
            if one[half] is None or expected is None:
                continue
            saw = one[half]
            row = next(iter(saw["rows"].values()), {"state": "refused", "reason": "-", "level": None})
            wrong = list(complaints(state, expected, saw))
            control = "-" if half == "then" or not one["controls"] else "bad" if any(one["controls"]) else "good"
            fate = "by each" if isinstance(expected.fate, dict) else expected.fate
            lines.append(f"{name if half == 'first' else '  and then':34} {state.group:12} {fate:10} {row['state']:10} "
                         f"{row['reason']:27} {row['level'] or '-':12} {saw['before_proof']:12} {saw['after_proof']:6} "
                         f"{saw['notice']:8} {control:8} {'; '.join(wrong) or 'right'}")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(s.name for s in chosen()))
def test_state(seen, name):
    wrong = judge(name, seen)
    assert not wrong, f"{states.ALL[name].why}: {wrong}\n{json.dumps(seen[name], indent=1)}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [n for n in CONTROLLED if states.ALL[n] in chosen()])
def test_control_completes_its_handshake(seen, name):
    """What is posted is not posted because the lab's server does not work."""
    assert seen[name]["controls"] and not any(seen[name]["controls"]), seen[name]["controls"]


def test_only_servers_without_a_handshake_have_no_control():
    """Nobody could complete it: no TLS is offered, or what is sent is none, or the key fits no certificate."""
    without = {n for n, s in states.ALL.items() if s.group in ("certificates", "tls", "dane") and n not in CONTROLLED}
    assert without == {"no-tls", "dane-no-tls", "leaf-not-first", "handshake-closed", "handshake-garbage", "handshake-silent"}


def test_library_has_what_the_issue_lists():
    assert len(states.ALL) >= 100
    assert len({s.group for s in states.ALL.values()}) == 7


@pytest.mark.parametrize("listed", [LISTED.STATES, LISTED.EXIM, LISTED.MOX], ids=["requirement", "exim", "mox"])
def test_every_word_of_a_list_has_its_state(listed):
    missing = {word: name for word, names in listed.items() for name in names.split() if name not in states.ALL}
    assert not missing


def test_exim_lists_21_outcomes():
    assert len(LISTED.EXIM) == 21

# SPDX-License-Identifier: Apache-2.0
"""Runs the product's judge beside the model, over numbered sets of facts. `python3 -m tests.oracle.compare JUDGE SECONDS [SEED]`
goes on for so long and ends with 1 when anything was found; what was found repeats with `SEALPOST_SEED`."""
import collections
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.oracle import generate, model, promises

BATCH = 5000
PROCESSES = 2


def product(judge, documents, lines=False):
    """What the judge says of each document: verdicts, or {"error": words}. lines: they are text already."""
    text = "".join((d if lines else json.dumps(d)) + "\n" for d in documents)
    ended = subprocess.run([str(judge)], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    answers = ended.stdout.splitlines()
    if len(answers) != len(documents) or ended.stderr:
        raise AssertionError(f"{len(answers)} answers to {len(documents)} sets, exit {ended.returncode}: {ended.stderr[-4000:]}")
    return [json.loads(a) for a in answers]


# minimising

def _shorter(facts):
    """The set with one thing less, each in turn: a host, a part, a member."""
    for name in list(facts):
        if name == "version":
            continue
        if isinstance(facts[name], list) and name == "hosts":
            for number, host in enumerate(facts["hosts"]):
                yield {**facts, "hosts": facts["hosts"][:number] + facts["hosts"][number + 1:]}
                for less in _shorter(host):
                    yield {**facts, "hosts": [*facts["hosts"][:number], less, *facts["hosts"][number + 1:]]}
            continue
        yield {n: v for n, v in facts.items() if n != name}
        if isinstance(facts[name], dict):
            for less in _shorter(facts[name]):
                yield {**facts, name: less}


def minimised(facts, wrong):
    """The set without what can be left out; wrong(sets) says of each whether it is still a finding."""
    while True:
        fewer = list(_shorter(facts))
        still = next((f for f, yes in zip(fewer, wrong(fewer)) if yes), None) if fewer else None
        if still is None:
            return facts
        facts = still


def _finding(judge, number, facts, kind, wrong):
    small = minimised(facts, wrong)
    return {"kind": kind, "seed": number >> 32, "number": number, "facts": small, "product": product(judge, [small])[0],
            "model": model.judge(small)}


# one batch

def _count(seen, said):
    for one in said["hosts"]:
        seen["host", one["action"], one["reason"]] += 1
        seen["attack", one["attack"]] += 1
        if "channel" in one:
            seen["channel", one["channel"]] += 1
        seen["level", one["level"]] += 1
    final = said["verdict"]
    seen["verdict", final["action"], final["reason"]] += 1
    seen["final attack", final["action"], final["attack"]] += 1


def _promises(judge, pairs, seen):
    """Promises about each set, and about a worse and an equal one beside it."""
    again = []
    for number, facts, filled, said in pairs:
        rng = random.Random(~number)
        for words in promises.broken(filled, said):
            yield _finding(judge, number, facts, words, lambda sets: [
                any(promises.broken(model.whole(f), p)) for f, p in zip(sets, product(judge, sets))])
        if number % 2:
            drawn = promises.worse(facts, filled, rng)
            again += [("worse", number, facts, said, *drawn)] if drawn else []
        elif number % 4 == 0:
            drawn = promises.same(facts, filled, rng)
            again += [("same", number, facts, said, *drawn, None)] if drawn else []
    answers = product(judge, [a[5] for a in again]) if again else []
    for (kind, number, facts, said, what, other, host), then in zip(again, answers):
        seen[kind, what.split(":")[0]] += 1
        found = promises.earned_more(said, then, host) if kind == "worse" else promises.differs(said, then, what)
        for words in found:
            yield {"kind": f"{kind} facts ({what}): {words}", "seed": number >> 32, "number": number, "facts": facts,
                   "other facts": other, "product": said, "then": then}


def batch(judge, numbers, limit=3):
    """(what was reached, findings) of some sets; at most limit findings of each kind are looked into."""
    numbered = [(n, generate.facts(n)) for n in numbers]
    seen, findings, pairs = collections.Counter(), [], []

    def disagrees(sets):
        return [p != model.judge(f) for f, p in zip(sets, product(judge, sets))]

    for (number, facts), said in zip(numbered, product(judge, [f for _, f in numbered])):
        filled = model.whole(facts)
        if said != model.judge_whole(filled):
            if len(findings) < limit:
                findings.append(_finding(judge, number, facts, "product and model disagree", disagrees))
            continue
        _count(seen, said)
        pairs.append((number, facts, filled, said))
    for n, found in enumerate(_promises(judge, pairs, seen)):
        if n < limit:
            findings.append(found)
    return seen, findings


def run(judge, seed, count=None, seconds=None, say=None):
    """Batches of a seed, in two processes, until count sets or so many seconds are over, or something was found."""
    end = None if seconds is None else time.monotonic() + seconds
    seen, findings, start, waiting = collections.Counter(), [], seed << 32, []
    with ProcessPoolExecutor(PROCESSES) as pool:
        while True:
            more = (count is None or start < (seed << 32) + count) and (end is None or time.monotonic() < end) and not findings
            if more and len(waiting) < 2 * PROCESSES:
                size = BATCH if count is None else min(BATCH, (seed << 32) + count - start)
                waiting.append(pool.submit(batch, judge, range(start, start + size)))
                start += size
                continue
            if not waiting:
                return seen, findings
            reached, found = waiting.pop(0).result()
            seen += reached
            findings += found
            if say:
                say(start - (seed << 32), found)


def seed_of_run(usual=None):
    """SEALPOST_SEED, or a number of chance."""
    given = os.environ.get("SEALPOST_SEED")
    if given:
        return int(given)
    return random.SystemRandom().randrange(2**31) if usual is None else usual


def show(findings, out=sys.stdout):
    for one in findings:
        print(json.dumps(one), file=out, flush=True)


def main(judge, seconds, seed=None):
    seed = seed_of_run(seed and int(seed))
    print(f"seed {seed}: SEALPOST_SEED={seed} repeats it", flush=True)
    started, told = time.monotonic(), [0]

    def say(count, found):
        show(found)
        if time.monotonic() - started >= told[0] + 30:
            told[0] = time.monotonic() - started
            print(f"{count} sets in {told[0]:.0f} s", flush=True)
    seen, findings = run(judge, seed, seconds=float(seconds), say=say)
    total = sum(n for key, n in seen.items() if key[0] == "verdict")
    beside = sum(n for key, n in seen.items() if key[0] in ("worse", "same"))
    print(f"{total} sets agree, {beside} worse or equal sets beside them, {len(findings)} findings", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

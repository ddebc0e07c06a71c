# SPDX-License-Identifier: Apache-2.0
"""./dev bench: Sealpost and a tuned, durable Postfix under the same load in the same run, in turn. Both take mail over TLS
with AUTH and deliver it over verified TLS to a sink that compares every byte. Figures decide nothing here; conservation
does: a message that is lost, doubled or changed makes the exit status 1. docs/performance.md tells how to read it."""
import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab import Lab  # noqa: E402  (the path must be set first)
from tests.lab.net import BUILD  # noqa: E402
from tools.bench import idle, measure, programs, systems, table, trust  # noqa: E402

WAIT_SECONDS = 180
SETTLE_SECONDS = 0.3  # for work behind the last message: completions, index


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, fewer idle sessions: under three minutes")
    parser.add_argument("--rounds", type=int, help="measured rounds of each relay (3; --quick: 1)")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--messages", type=int, default=100, help="of each session")
    parser.add_argument("--size", type=int, default=10240, help="bytes of a message")
    parser.add_argument("--idle", type=int, help="idle TLS sessions whose memory is measured (400; --quick: 100)")
    parser.add_argument("--destinations", type=int, default=10000, help="domains whose caches are measured (10000)")
    parser.add_argument("--survey", type=int, default=1000, help="domains that `explain --file` looks at (1000)")
    parser.add_argument("--only", choices=("sealpost", "postfix"))
    parser.add_argument("--out", type=Path, default=BUILD / "bench", help="folder for bench.json and bench.txt")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.idle = options.idle or (100 if options.quick else 400)
    return options


class Bench:
    """One run: a lab, a sink, the relays, and what was found."""

    def __init__(self, options, lab, say):
        self.options, self.lab, self.say = options, lab, say
        self.build = Path(os.environ.get("SEALPOST_BUILD") or BUILD / "release")
        self.tools = programs.make(self.build)
        self.address = lab.net.address()
        lab.dns.add(systems.SINK_HOST, "A", self.address)
        lab.dns.add(systems.SINK_DOMAIN, "MX", f"10 {systems.SINK_HOST}.")
        self.sink = programs.Sink(self.tools["bench_sink"], self.address, lab.smtp_port,
                                  lab.certificate(systems.SINK_HOST), systems.SENDER, options.sessions, options.messages,
                                  options.size)
        self.problems, self.rounds, self.relays = [], {}, []
        self.notes = [f"load average before the run: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores (what else runs "
                      "makes every figure worse)"]

    def start(self):
        wanted = {"sealpost": systems.SealpostSystem, "postfix": systems.PostfixSystem}
        missing = systems.postfix_missing()
        if missing and self.options.only != "sealpost":
            self.notes.append(f"Postfix is left out: {missing}")
            wanted.pop("postfix")
        for name, kind in wanted.items():
            if self.options.only in (None, name):
                self.relays.append(kind(self.lab, self.build, (self.address, self.lab.smtp_port)))
                self.notes += kind.notes
                self.rounds[name] = []

    def _conserve(self, relay, sent, arrived):
        """Every accepted message arrived once, with the bytes that were sent."""
        expected = sent["expected"]
        for what, ok in (("accepted", sent["accepted"] == expected), ("arrived", arrived["distinct"] == sent["accepted"]),
                         ("arrived once", arrived["taken"] == arrived["distinct"] + arrived["wrong"]),
                         ("arrived unchanged", arrived["wrong"] == 0)):
            if not ok:
                self.problems.append(f"{relay.name}: not every message was {what}: {sent} {arrived}")

    def send(self, relay, messages):
        """One load through one relay, to its end; (load's JSON, sink's JSON)."""
        self.sink.reset()
        sent = programs.load(self.tools["bench_load"], relay, self.options.sessions, messages, self.options.size)
        arrived = self.sink.wait(sent["accepted"], WAIT_SECONDS)
        if not systems.wait_drained(relay):
            self.problems.append(f"{relay.name}: the queue did not become empty")
        time.sleep(SETTLE_SECONDS)
        arrived = {**self.sink.count(), "last": arrived["last"]}
        self._conserve(relay, sent, arrived)
        return sent, arrived

    def round(self, relay):
        """A measured round: one row of figures."""
        os.sync()
        before, status, by_name = measure.cpu_seconds(relay.pid), relay.status(), measure.cpu_by_name(relay.pid)
        sink = measure.cpu_seconds(self.sink.process.pid)
        sent, arrived = self.send(relay, self.options.messages)
        sink = measure.cpu_seconds(self.sink.process.pid) - sink
        used, after = measure.cpu_seconds(relay.pid) - before, relay.status()
        names = {n: (s - by_name.get(n, 0.0)) * 1e6 / sent["accepted"]
                 for n, s in measure.cpu_by_name(relay.pid).items()}
        row = {"messages": sent["accepted"], "cpu_us": used * 1e6 / sent["accepted"],
               "tools_cpu_us": (sent["cpu_seconds"] + sink) * 1e6 / sent["accepted"],
               "accepted_per_s": sent["accepted"] / (sent["end"] - sent["begin"]),
               "delivered_per_s": arrived["distinct"] / (arrived["last"] - sent["begin"]),
               "p50_us": sent["latency_us"]["p50"], "p99_us": sent["latency_us"]["p99"],
               "connections_out": arrived["connections"], "cpu_us_by_process": {n: round(v, 1) for n, v in names.items()}}
        if status:
            row["flushes_counted"] = (after["flushes"] - status["flushes"]) / sent["accepted"]
            row["waves"] = (after["waves"] - status["waves"]) / sent["accepted"]
        return row

    def flushes(self, relay):
        """fsync and fdatasync per message as strace sees them, in a round of its own (strace slows it)."""
        with measure.FlushCount(relay.pid, self.options.out) as flushes:
            sent, _ = self.send(relay, max(1, self.options.messages // 5))
        if flushes.count is None:
            self.notes.append(f"{relay.name}: strace could not count its flushes: {flushes.trouble[:200]}")
            return None
        return flushes.count / sent["accepted"]

    def run(self):
        """All rounds; returns {relay: figures}."""
        result = {}
        for relay in self.relays:
            result[relay.name.lower()] = {"idle_session_kib": idle.kib_per_session(
                relay, self.lab, self.options.idle if relay.name == "Sealpost" else self.options.sessions)}
            self.send(relay, max(1, self.options.messages // 10))  # warms up: processes, DNS, sessions
        for number in range(self.options.rounds):
            for relay in self.relays if number % 2 == 0 else reversed(self.relays):
                row = self.round(relay)
                self.rounds[relay.name.lower()].append(row)
                self.say(f"   round {number + 1} {relay.name}: {row['cpu_us']:.0f} us CPU a message, "
                         f"{row['delivered_per_s']:.0f} messages/s end to end")
        for relay in self.relays:
            figures = result[relay.name.lower()]
            figures["peak_rss_kib"], figures["pss_kib"] = measure.peak_rss_kib(relay.pid), measure.pss_kib(relay.pid)
            figures["processes"] = systems.busy(relay.pid)
            figures["flushes"] = self.flushes(relay)
            figures["rounds"] = self.rounds[relay.name.lower()]
            self.problems += relay.check()
        return result

    def proof(self):
        """What proof costs Sealpost; nothing where it is not measured."""
        found = {}
        for relay in (r for r in self.relays if isinstance(r, systems.SealpostSystem)):
            trust.verdict(self.tools, found)
            trust.destinations(self.tools, relay.pid, self.options.destinations, found, self.problems)
            trust.survey(self.lab, self.tools, self.build, relay.instance, self.options.survey, found, self.problems)
        return found

    def close(self):
        for relay in self.relays:
            try:
                relay.close()
            except AssertionError as error:
                self.problems.append(f"{relay.name}: {error}")
        self.sink.close()


def session(options, say):
    with Lab() as lab:
        bench = Bench(options, lab, say)
        try:
            bench.start()
            say(f"== {options.sessions} sessions x {options.messages} messages of {options.size} bytes, "
                f"{options.rounds} rounds each, in turn")
            result, proof = bench.run(), bench.proof()
        except Exception:
            for relay in bench.relays:
                (options.out / f"{relay.name.lower()}.log").write_text(relay.log_text())
            raise
        finally:
            bench.close()
        return {"load": {"sessions": options.sessions, "messages": options.messages, "size": options.size,
                         "rounds": options.rounds}, "relays": result, "proof": proof, "notes": bench.notes, "problems": bench.problems}


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)

    def say(text):
        print(text, flush=True)
    started = time.monotonic()
    result = session(options, say)
    result["seconds"] = round(time.monotonic() - started, 1)
    text = table.render(result)
    (options.out / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "bench.txt").write_text(text + "\n")
    say("\n" + text)
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The table of ./dev bench: the median of the rounds with the smallest and largest, both relays, their ratio, and the
budget the house builds for."""
from statistics import median

from tools.bench import trust

# key in a round's row, title, format, budget ("" for none)
ROUND_ROWS = [
    ("cpu_us", "CPU us per message", "{:.0f}", "<= 140"),
    ("tools_cpu_us", "CPU us of load and sink", "{:.0f}", ""),
    ("accepted_per_s", "messages/s accepted", "{:.0f}", ""),
    ("delivered_per_s", "messages/s end to end", "{:.0f}", ">= 8000"),
    ("p50_us", "latency of the 250, p50 us", "{:.0f}", ""),
    ("p99_us", "latency of the 250, p99 us", "{:.0f}", ""),
    ("flushes_counted", "flushes per message, its own counter", "{:.3f}", "1 a wave"),
]
RUN_ROWS = [
    ("flushes", "flushes per message, by strace", "{:.3f}", ""),
    ("peak_rss_kib", "peak RSS MiB, sum of its processes", "{:.1f}", ""),
    ("pss_kib", "PSS MiB after the rounds", "{:.1f}", ""),
    ("processes", "processes", "{:.0f}", ""),
    ("idle_session_kib", "KiB of an idle TLS session", "{:.1f}", "< 40"),
]
MIB = {"peak_rss_kib", "pss_kib"}


def _round_cell(figures, key, form):
    """(text, median) of one figure over the rounds."""
    values = [row[key] for row in figures.get("rounds", []) if key in row]
    if not values:
        return "", None
    middle = form.format(median(values))
    if len(values) > 1:
        middle += f" ({form.format(min(values))}-{form.format(max(values))})"
    return middle, median(values)


def _run_cell(figures, key, form):
    value = figures.get(key)
    if value is None:
        return "", None
    value = value / 1024 if key in MIB else value
    return form.format(value), value


def rows(result):
    """(title, Sealpost, Postfix, ratio, budget) of every figure."""
    relays = result["relays"]
    for table, cell in ((ROUND_ROWS, _round_cell), (RUN_ROWS, _run_cell)):
        for key, title, form, budget in table:
            ours, a = cell(relays.get("sealpost", {}), key, form)
            theirs, b = cell(relays.get("postfix", {}), key, form)
            ratio = f"{a / b:.2f}" if a is not None and b else ""
            yield title, ours, theirs, ratio, budget


def _by_process(result):
    for name, figures in result["relays"].items():
        last = figures["rounds"][-1]["cpu_us_by_process"] if figures["rounds"] else {}
        parts = [f"{n} {v:.0f}" for n, v in sorted(last.items(), key=lambda i: -i[1]) if v >= 0.5]
        yield f"CPU us by process, last round, {name}: " + ", ".join(parts)


def render(result):
    """The whole report as text."""
    head = ("", "Sealpost", "Postfix", "ratio", "budget")
    cells = [head, *rows(result)]
    widths = [max(len(row[c]) for row in cells) for c in range(len(head))]
    lines = ["  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * w for w in widths))
    lines += ["", *_by_process(result), "", *trust.lines(result["proof"]), "", *result["notes"]]
    lines += [f"PROBLEM: {p}" for p in result["problems"]] or ["every message arrived once, byte for byte"]
    return "\n".join(lines)

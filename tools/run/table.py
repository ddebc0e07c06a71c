# SPDX-License-Identifier: Apache-2.0
"""The table of ./dev run: redrawn in place on a terminal, printed once when it is complete elsewhere."""
import shutil
import sys

HEAD = ("receiver", "offered", "outcome", "proof or reason", "time")
RED, GREEN, DIM, PLAIN = "\033[31m", "\033[32m", "\033[2m", "\033[0m"
NAME = {"posted": "Message Center", "delivered": "delivered", "waiting": "..."}


def _cells(row):
    reason = "; ".join(row.problems) if row.problems else row.proof
    outcome = NAME.get(row.outcome, row.outcome)
    if row.done and not row.right:
        outcome = f"WRONG: {outcome}"
    elif row.letter_read:
        outcome += " (read)"
    return row.receiver, row.offered, outcome, reason, "" if row.seconds is None else f"{row.seconds:.1f} s"


READ = """(read): the letter was opened as its recipient would do it, with the link from the notice and the code from the
mailbox, and subject, text and attachment were the ones sent. Outcomes are what the receivers recorded."""


class Table:
    def __init__(self, out=None):
        self.out = out or sys.stdout
        self.terminal = self.out.isatty()
        self._drawn = 0

    def _colour(self, row, text):
        if not self.terminal:
            return text
        return (DIM if not row.done else GREEN if row.right else RED) + text + PLAIN

    def lines(self, rows):
        cells = [_cells(r) for r in rows]
        widths = [max(len(HEAD[c]), *(len(r[c]) for r in cells)) for c in range(len(HEAD))]
        if self.terminal:
            room = shutil.get_terminal_size((160, 24)).columns - 1
            widths[3] = max(20, min(widths[3], room - sum(widths) + widths[3] - 8))
        form = "  ".join("{:<%d}" % w for w in widths)

        def fit(values):
            return form.format(*(v if len(v) <= w else v[:w - 3] + "..." for v, w in zip(values, widths, strict=True)))
        yield fit(HEAD)
        yield "  ".join("-" * w for w in widths)
        for row, values in zip(rows, cells, strict=True):
            yield self._colour(row, fit(values))

    def show(self, rows, last=False):
        """Draws the table again on a terminal; elsewhere only the last one is printed."""
        if self.terminal:
            if self._drawn:
                self.out.write(f"\033[{self._drawn}A")
            lines = list(self.lines(rows))
            self.out.write("".join(f"\033[K{line}\n" for line in lines))
            self._drawn = len(lines)
        elif last:
            self.out.write("".join(f"{line}\n" for line in self.lines(rows)))
        self.out.flush()

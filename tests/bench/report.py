"""Rows of the result: a table for people, JSON for comparisons."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Row:
    """`targets` are pairs (text, met); `met` None says that it could not be judged."""

    what: str
    measured: str
    reference: str = ""
    ratio: float | None = None
    targets: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)

    def cells(self):
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        answers = {True: "yes", False: "no", None: "?"}
        return (self.what, self.measured, self.reference, ratio,
                "; ".join(text for text, _ in self.targets),
                "; ".join(answers[met] for _, met in self.targets))


HEAD = ("what", "measured", "reference", "ratio", "target", "met?")


def table(rows):
    """Markdown, aligned for a terminal as well."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]

    def text(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([text(HEAD), rule, *(text(line) for line in lines[1:])])


def write_json(path, machine, rows):
    text = json.dumps({"machine": machine, "results": [asdict(row) for row in rows]}, indent=2)
    Path(path).write_text(text + "\n")


def at_least(value, limit, text):
    """A target as text says it; not judged without a value."""
    return (text, None if value is None else value >= limit)


def at_most(value, limit, text):
    return (text, None if value is None else value <= limit)


def number(value):
    return f"{value:,.0f}"


def ms(microseconds):
    return f"{microseconds / 1000:.2f}"


def speed(figures):
    return (f"{number(figures['rate'])}/s, p50 {ms(figures['p50_us'])}"
            f" p99 {ms(figures['p99_us'])} ms")

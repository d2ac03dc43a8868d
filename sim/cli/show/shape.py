"""Output formats of ``hubbub show``: a table, JSON or CSV, and row limits."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from sim.cli.program.options import Csv, Json
from sim.cli.program.output import as_json, form_of, say

__all__ = ["Csv", "Facts", "Json", "Limit", "Shape", "answer", "as_csv"]

Facts = dict[str, Any]

Limit = Annotated[
    int | None, typer.Option(min=1, help="Rows at most; else 20 of a table, all of JSON and CSV.")
]

_ROWS = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer is written.

    Parameters
    ----------
    json, csv
        For programs: at most one of them; neither is for people.
    limit
        Rows at most; None: 20 for people, all for programs.
    """

    json: bool = False
    csv: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse two shapes at once with ``InputError``."""
        form_of(json=self.json, csv=self.csv)

    @property
    def rows(self) -> int:
        """Rows of a table for people."""
        return self.limit or _ROWS

    @property
    def most(self) -> int | None:
        """Rows that need be looked up; None: all."""
        return self.limit if self.json or self.csv else self.rows


def answer(shape: Shape, facts: Facts, text: Callable[[Facts, int], str]) -> None:
    """Write facts: JSON is one object, CSV their rows, a table what ``text`` makes of them.

    Parameters
    ----------
    shape
        As asked.
    facts
        ``rows`` among them are a list of facts, with ``count`` of them or as it says; without
        rows they are about one thing, and CSV has a line for each.
    text
        Takes the facts and how many rows at most.
    """
    rows = facts.get("rows")
    if not (shape.json or shape.csv):
        say(text(facts, shape.rows))
    elif rows is None:
        named = [{"name": name, "value": value} for name, value in facts.items()]
        say(as_json(facts) if shape.json else as_csv(named))
    else:
        kept = rows[: shape.limit]
        say(as_json({"count": len(rows), **facts, "rows": kept}) if shape.json else as_csv(kept))


def as_csv(rows: Sequence[Facts]) -> str:
    """Return rows under a heading of every name in them; a value that has parts is JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue().rstrip("\n")


def _cell(value: Any) -> object:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "; ".join(value)
    return value if isinstance(value, str | int | float) else " ".join(as_json(value).split())

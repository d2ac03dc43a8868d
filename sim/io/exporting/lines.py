"""Tables as lines of text: CSV that a spreadsheet may open, and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from sim.core.text import clean
from sim.io.exporting.tables import ExportColumn, ExportTable, Kind
from sim.io.formulas import guarded

BATCH = 20_000
Tell = Callable[[int], None]
"""Told how many rows more were written; may raise."""

Encoded = Iterator[tuple[str, ...]]


class Style(Protocol):
    """How a format writes one value; ``None`` is none."""

    def __call__(self, kind: Kind, value: Any, /) -> str:
        """Return the text of a value."""


def write_csv(table: ExportTable, path: Path, tell: Tell) -> None:
    """Write a table as CSV (RFC 4180, UTF-8, names on top).

    Texts that a spreadsheet would take for a formula begin with an apostrophe; columns of numbers
    hold numbers. Nothing is an empty cell; words are joined by ``;``.
    """
    heading = ",".join(column.name for column in table.columns) + "\r\n"
    line = ",".join(["%s"] * len(table.columns)) + "\r\n"
    _write(path, table, cell, heading, line, tell)


def write_jsonl(table: ExportTable, path: Path, tell: Tell) -> None:
    """Write a table as JSON Lines: an object a row, in ASCII."""
    fields = ", ".join(f'"{column.name}": %s' for column in table.columns)
    _write(path, table, _json, "", f"{{{fields}}}\n", tell)


def encoded(
    columns: Sequence[ExportColumn], rows: int, style: Style, tell: Tell
) -> Iterator[Encoded]:
    """Yield rows of texts, a batch at a time; values that several columns share are made once."""
    known: dict[tuple[int, Kind], list[str]] = {}
    for column in columns:
        key = (id(column.words), column.kind)
        if column.words is not None and key not in known:
            known[key] = [style(column.kind, word) for word in [*column.words, None]]
    for start in range(0, rows, BATCH):
        tell(min(BATCH, rows - start))
        yield zip(*(_texts(column, start, style, known) for column in columns), strict=True)


def cell(kind: Kind, value: Any) -> str:
    """Return a cell of CSV, safe to open in a spreadsheet.

    Examples
    --------
    >>> cell("text", "=1+1"), cell("integer", -1), cell("text", "a,b")
    ("'=1+1", '-1', '"a,b"')
    """
    if value is None:
        return ""
    if kind in {"integer", "number"}:
        return repr(value)
    text = ";".join(value) if kind == "words" else value
    text = clean(text, max(len(text), 1))
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.intersection(text) else text


_NEEDS_QUOTES = frozenset('",\r\n')


def _json(kind: Kind, value: Any) -> str:
    return json.dumps(value)


def _texts(
    column: ExportColumn, start: int, style: Style, known: dict[tuple[int, Kind], list[str]]
) -> Iterator[str]:
    cells = column.cells[start : start + BATCH]
    plain = cells.tolist() if hasattr(cells, "tolist") else cells
    if column.words is None:
        return (style(column.kind, value) for value in plain)
    return map(known[id(column.words), column.kind].__getitem__, plain)


def _write(
    path: Path, table: ExportTable, style: Style, heading: str, line: str, tell: Tell
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(heading)
        for batch in encoded(table.columns, table.rows, style, tell):
            file.write("".join(map(line.__mod__, batch)))

"""Format sniffing of a table's first lines: delimiter, header, positions of columns."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.core.checks import number_or_word, shown, whole_of
from sim.errors import FileError, FormatError, InputError

__all__ = [
    "ANY_BLANKS",
    "Column",
    "TableLayout",
    "TextLine",
    "cells",
    "is_comment",
    "number",
    "sniff",
    "whole",
]

ANY_BLANKS = " "
"""The delimiter that stands for any run of spaces and tabs."""

Column = int | str
"""A column by its place, from 0, or by its name in the header."""

_DELIMITERS = ("\t", ",", ";", "|", ANY_BLANKS)
_SPELLED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_COMMENTS = ("#", "%", "//")
_SAMPLE = 1_000
_COMPARED = 100
_LEAST = 1 - (1 << 63)  # what kernels that scan read
_HEADINGS = frozenset(
    """author dest destination dst follower followee followed from from_id from_node fromnodeid
    from_user id1 id2 id_1 id_2 node node1 node2 node_1 node_2 nodeid source source_id src target
    target_id to to_id to_node tonodeid to_user user1 user2 user_1 user_2 user_a user_b userid
    vertex1 vertex2 id label community department name""".split()  # noqa: SIM905 - it reads better
)
_PAIRS = (
    ("source", "target"),
    ("source_id", "target_id"),
    ("src", "dst"),
    ("from", "to"),
    ("from_id", "to_id"),
    ("fromnodeid", "tonodeid"),
    ("follower", "followee"),
    ("node_1", "node_2"),
    ("node1", "node2"),
    ("id_1", "id_2"),
    ("user_1", "user_2"),
)


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a file: its number from 1, the byte after it, and its text without the end."""

    number: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a table is laid out.

    Parameters
    ----------
    delimiter
        One character; :data:`ANY_BLANKS` for any run of spaces and tabs.
    header
        The names in the header; empty when there is none.
    start
        First byte that the header and what precedes it leave.
    lines, comments, empty
        Lines before ``start``, and how many of them are comments or empty.
    sample
        The first data lines.
    """

    delimiter: str
    header: tuple[str, ...]
    start: int
    lines: int
    comments: int
    empty: int
    sample: tuple[TextLine, ...]

    def place(self, column: Column, path: Path) -> int:
        """Return where a column is, from 0; InputError when there is none of that name."""
        if isinstance(column, str) and column.strip().isdecimal():
            column = number_or_word(column.strip())
        if isinstance(column, int):
            if column < 0:
                raise InputError(f"Columns are counted from 0, got {column}.")
            return column
        names = [name.lower() for name in self.header]
        if column.lower() in names:
            return names.index(column.lower())
        known = ", ".join(self.header) or "it has no header; pass its place, from 0"
        raise FileError(path, f"has no column {shown(column)} ({known})")

    @property
    def ends(self) -> tuple[int, int]:
        """Where the two ids are: under names such as source and target, else in front."""
        names = [name.lower() for name in self.header]
        for first, second in _PAIRS:
            if first in names and second in names:
                return names.index(first), names.index(second)
        return 0, 1

    def are_whole(self, places: Sequence[int]) -> bool:
        """Return whether the cells in some columns of the sample are whole numbers, as a rule.

        The first line decides when it holds them; else nine lines of ten must.
        """
        found = [
            all(place < len(row) and whole(row[place]) for place in places)
            for row in (cells(line.text, self.delimiter) for line in self.sample)
        ]
        return bool(found) and (found[0] or sum(found) >= 0.9 * len(found))

    @property
    def is_quoted(self) -> bool:
        """Whether the sample has quotation marks."""
        return any('"' in line.text for line in self.sample)


def sniff(
    head: bytes,
    path: Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    least: int = 2,
    numbers: Sequence[int] = (),
) -> TableLayout:
    """Look at the first bytes of a table.

    Parameters
    ----------
    head
        From the start of the file; a last line without an end counts when it is all there is.
    path
        For error sentences.
    delimiter
        One character, or ``tab``, ``space``, ``comma``, ``semicolon``, ``pipe``; None: found out.
    header
        Whether the first data line names the columns; None: found out.
    least
        Columns that a line has at least.
    numbers
        Columns that hold numbers: a first line with words there is a header.

    Raises
    ------
    FormatError
        When the first data line cannot be divided into columns.
    FileError
        When there is no data line.
    """
    data, tally = _data_lines(head)
    if not data:
        raise FileError(path, "holds no data, only comments and empty lines")
    sign = _spelled(delimiter) if delimiter is not None else _delimiter(data, least)
    first = cells(data[0].text, sign)
    if len(first) < least and header is None and _is_count(data, sign, least):
        header = True
    elif len(first) < least:
        raise FormatError(path, data[0].number, data[0].text, _columns_rule(least, sign))
    has_header = _is_header(data, sign, least, numbers) if header is None else header
    if not has_header:
        return TableLayout(sign, (), 0, 0, 0, 0, tuple(data))
    names = tuple(name.strip() for name in first)
    return TableLayout(sign, names, data[0].end, data[0].number, *tally, tuple(data[1:]))


def _is_count(data: Sequence[TextLine], sign: str, least: int) -> bool:
    """Return whether the first line is one whole number above lines that are longer: a size."""
    alone = whole(data[0].text.strip()) and len(data) > 1
    return alone and len(cells(data[1].text, sign)) >= least


def cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of a line, without blanks around them; quotation marks are honoured."""
    if delimiter == ANY_BLANKS:
        return text.split()
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        rows = list(csv.reader([text], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:  # a quotation mark that is no quotation
        rows = [text.split(delimiter)]
    return [cell.strip() for cell in rows[0]] if rows else []


def is_comment(text: str) -> bool:
    """Return whether a line, without blanks before it, is a comment."""
    return text.startswith(_COMMENTS)


def whole(text: str) -> bool:
    """Return whether a cell is a whole number of 64 bits."""
    number = whole_of(text)
    return number is not None and number >= _LEAST


def _data_lines(head: bytes) -> tuple[list[TextLine], tuple[int, int]]:
    """Return the first data lines, and the (comments, empty lines) before the first."""
    data: list[TextLine] = []
    comments = empty = 0
    for line in _lines(head):
        text = line.text.strip()
        if text and not is_comment(text):
            data.append(line)
        elif not data:
            comments += bool(text)
            empty += not text
        if len(data) == _SAMPLE:
            break
    return data, (comments, empty)


def _lines(head: bytes) -> Iterator[TextLine]:
    start = 0
    for number in itertools.count(1):
        stop = head.find(b"\n", start)
        if stop < 0:
            # A cut line tells nothing, unless it is the only one.
            if number == 1 or len(head) < 1 << 18:
                yield TextLine(
                    number, len(head), head[start:].decode("utf-8", "replace").rstrip("\r")
                )
            return
        yield TextLine(number, stop + 1, head[start:stop].decode("utf-8", "replace").rstrip("\r"))
        start = stop + 1


def _spelled(delimiter: str) -> str:
    sign = _SPELLED.get(delimiter.lower(), delimiter)
    if len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in "\n\r\"'.-+":
        raise InputError(
            "A delimiter is one of tab, space, comma, semicolon, pipe or another single sign, "
            f"got {delimiter!r}."
        )
    return sign


def _delimiter(data: Sequence[TextLine], least: int) -> str:
    """Return the delimiter that divides the lines most evenly; the earlier in the list on a tie."""

    def evenness(sign: str) -> tuple[float, bool]:
        rows = [cells(line.text, sign) for line in data[:_COMPARED]]
        filled = [len(row) for row in rows if len(row) >= least and all(row[:least])]
        common = max((filled.count(width) for width in set(filled)), default=0)
        return common / len(rows), bool(common) == (sign != ANY_BLANKS)

    return max(_DELIMITERS, key=evenness)


def _is_header(data: Sequence[TextLine], sign: str, least: int, numbers: Sequence[int]) -> bool:
    first = cells(data[0].text, sign)
    second = cells(data[1].text, sign) if len(data) > 1 else []
    if any(whole(cell) for cell in first[:least]):
        return False
    if any(_turns_to_number(first, second, place) for place in numbers):
        return True
    if all(cell.lower() in _HEADINGS for cell in first[:least]):
        return True
    return len(second) >= least and all(whole(cell) for cell in second[:least])


def _turns_to_number(first: Sequence[str], second: Sequence[str], place: int) -> bool:
    """Return whether a column holds a word in the first line and a number in the second."""
    return (
        place < min(len(first), len(second)) and not number(first[place]) and number(second[place])
    )


def number(text: str) -> bool:
    """Return whether a cell is a finite decimal number."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _columns_rule(least: int, sign: str) -> str:
    shown = {ANY_BLANKS: "tabs, commas, semicolons, pipes or blanks", "\t": "tabs"}
    return f"a line needs at least {least} columns, divided by {shown.get(sign, repr(sign))}"

"""Detect a table's format from its first lines: delimiter, header, positions of columns."""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sim.core.checks import number_or_word, shown, whole_of
from sim.errors import FileError, FormatError, InputError

ANY_BLANKS = " "
"""The delimiter for any run of spaces and tabs."""

Column = int | str
"""A column by its index, from 0, or by its name in the header."""

_DELIMITERS = ("\t", ",", ";", "|", ANY_BLANKS)
_SPELLED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_COMMENTS = ("#", "%", "//")
_DECIMAL = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_SEPARATOR = re.compile(r"sep=([;,|\t])", re.IGNORECASE)
_DICT = re.compile(r"\s\{[^{}]*\}\s*$")  # what networkx writes after a tie
_HOLDS_COMMA = re.compile(rf"{_DECIMAL.pattern}|\"?[(\[].*[)\]]\"?")
_SAMPLE = 1_000
_COMPARED = 100
_LEAST = 1 - (1 << 63)  # the range of the parsing kernels
_NO_VALUE = frozenset("na n/a nan nil none null unknown missing - -- . ?".split())  # noqa: SIM905
_HEADINGS = frozenset(
    """author dest destination dst follower followee followed from from_id from_node fromnodeid
    from_user id1 id2 id_1 id_2 node node1 node2 node_1 node_2 nodeid source source_id src target
    target_id to to_id to_node tonodeid to_user user1 user2 user_1 user_2 user_a user_b userid
    vertex1 vertex2 id label community department name quelle ziel von nach origen destino origine
    origem cible fuente fonte bron doel cel zdroj :start_id :end_id""".split()  # noqa: SIM905
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
    ("quelle", "ziel"),
    ("von", "nach"),
    ("origen", "destino"),
    ("fuente", "destino"),
    ("origem", "destino"),
    ("source", "cible"),
    (":start_id", ":end_id"),
)
WEIGHTS = ("weight", "edgeweight", "weights", "value")
"""Names by which weights are detected, ignoring case, blanks and dashes."""
_WAYS = {"type", "edgetype", "direction", "directed", "directedness", "directionality"}
_BOTH, _ONE = {"undirected", "mutual", "both", "bidirectional", "u"}, {"directed", "oneway", "d"}
_PLAIN_WAYS = {"undirected", "directed"}
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a file: its number from 1, the position after it, and its text without the end."""

    number: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The layout of a table."""

    delimiter: str
    header: tuple[str, ...]
    start: int
    lines: int
    comments: int
    empty: int
    sample: tuple[TextLine, ...]

    def skips(self, text: str) -> bool:
        """Return whether a line is a comment; a row as wide as the header is not."""
        if not is_comment(text):
            return False
        width = len(self.header)
        return (
            width < 2 or self.delimiter == ANY_BLANKS or len(cells(text, self.delimiter)) != width
        )

    def place(self, column: Column, path: Path) -> int:
        """Return the index of a column, from 0; raise an error if there is none of that name."""
        if isinstance(column, str) and column.strip().isdecimal():
            column = number_or_word(column.strip())
        if isinstance(column, int):
            if column < 0:
                raise InputError(f"Columns are counted from 0, got {column}.")
            return column
        names = [name.lower() for name in self.header]
        if column.lower() in names:
            return names.index(column.lower())
        plain = [plain_name(name) for name in names]
        if plain_name(column) in plain:
            return plain.index(plain_name(column))
        known = ", ".join(self.header) or "it has no header; pass its place, from 0"
        raise FileError(path, f"has no column {shown(column)} ({known})")

    @property
    def ends(self) -> tuple[int, int]:
        """The columns of the two ids: names like source and target, else the first two."""
        names = [name.lower() for name in self.header]
        for first, second in _PAIRS:
            if first in names and second in names:
                return names.index(first), names.index(second)
        return 0, 1

    def are_whole(self, places: Sequence[int]) -> bool:
        """Return whether columns hold whole numbers: in the first line, or in nine of ten lines."""
        found = [
            all(place < len(row) and whole(row[place]) for place in places)
            for row in (cells(line.text, self.delimiter) for line in self.sample)
        ]
        return bool(found) and (found[0] or sum(found) >= 0.9 * len(found))

    def holds_numbers(self, place: int) -> bool:
        """Return whether a column of the sample holds only numbers, and at least one."""
        rows = [cells(line.text, self.delimiter) for line in self.sample]
        return bool(rows) and all(
            place < len(row) and math.isfinite(decimal(row[place])) for row in rows
        )

    @property
    def weight(self) -> int | None:
        """The column of weights by its name in the header; None if it has other values."""
        names = [plain_name(name) for name in self.header]
        found = (names.index(word) for word in WEIGHTS if word in names)
        return next((at for at in found if self.holds_numbers(at)), None)

    @property
    def unread_weight(self) -> str | None:
        """The name of a column of weights that also has other values."""
        is_one = (name for name in self.header if plain_name(name) in WEIGHTS[:-1])
        return next(is_one, None) if self.weight is None else None

    @property
    def way(self) -> int | None:
        """The column that says whether each tie is directed, as in Gephi's tables; None: none."""
        rows = [cells(line.text, self.delimiter) for line in self.sample]
        for at, name in enumerate(self.header):
            if says_way(name, (row[at] for row in rows if at < len(row) and row[at])):
                return at
        return None

    @property
    def has_decimal_commas(self) -> bool:
        """Whether numbers of the sample are written as ``1,5``."""
        return self.delimiter != "," and any(
            _DECIMAL.fullmatch(cell)
            for line in self.sample
            for cell in cells(line.text, self.delimiter)
        )

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
    """Detect the layout of a table from its first bytes."""
    data, tally = _data_lines(head, with_marked=False)
    said = _SEPARATOR.fullmatch(data[0].text.strip(" \r\n")) if data[1:] else None
    top = data.pop(0) if said else None  # as Excel writes it above a table
    delimiter = said[1] if said and delimiter is None else delimiter
    if not data:
        raise FileError(path, "holds no data, only comments and empty lines")
    sign = _spelled(delimiter) if delimiter is not None else _delimiter(data, least)
    first = cells(data[0].text, sign)
    if len(first) < least and header is None and _is_count(data, sign, least):
        header = True
    elif len(first) < least:
        raise FormatError(path, data[0].number, data[0].text, _columns_rule(least, sign))
    if all(_is_torn(each.text, cells(each.text, sign)[:least]) for each in data[:_COMPARED]):
        raise FormatError(path, data[0].number, data[0].text, _TORN)
    has_header = _is_header(data, sign, least, numbers) if header is None else header
    if not has_header:
        start, lines = (top.end, top.number) if top else (0, 0)
        return TableLayout(sign, (), start, lines, lines, 0, tuple(data))
    names = tuple(name.strip() for name in first)
    rows = [each for each in _data_lines(head, with_marked=True)[0] if each.number > data[0].number]
    found = TableLayout(sign, names, data[0].end, data[0].number, *tally, ())
    return replace(found, sample=tuple(row for row in rows if not found.skips(row.text.strip())))


_TORN = (
    "the names of members contain the delimiter; quote them, or number them with "
    "networkx.convert_node_labels_to_integers"
)


def _is_torn(text: str, ends: Sequence[str]) -> bool:
    """Return whether a bracket that opens in one cell closes in another, as in ``(0, 1)``."""

    def is_closed(part: str) -> bool:
        return part.count("(") == part.count(")") and part.count("[") == part.count("]")

    return is_closed(text) and not all(map(is_closed, ends))


def _is_count(data: Sequence[TextLine], sign: str, least: int) -> bool:
    """Return whether the first line is a single whole number above longer lines: a size."""
    alone = whole(data[0].text.strip()) and len(data) > 1
    return alone and len(cells(data[1].text, sign)) >= least


def cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of a line, stripped of blanks; quotation marks are respected."""
    if delimiter == ANY_BLANKS:
        return text.split()
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        rows = list(csv.reader([text], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:  # a quotation mark that does not quote
        rows = [text.split(delimiter)]
    return [cell.strip() for cell in rows[0]] if rows else []


def is_comment(text: str) -> bool:
    """Return whether a line without leading blanks is a comment."""
    return text.startswith(_COMMENTS)


def whole(text: str) -> bool:
    """Return whether a cell is a 64-bit whole number."""
    number = whole_of(text)
    return number is not None and number >= _LEAST


def plain_name(name: str) -> str:
    """Return the name of a column for comparison: without case, blanks and dashes."""
    return re.sub(r"[\s_-]", "", name.lower())


def way_of(name: str, said: str) -> bool | None:
    """Return whether a tie is mutual, by a cell in a column of this name; None: unknown."""
    column, word = plain_name(name), said.strip().lower().replace("-", "")
    if column not in _WAYS:
        return None
    if word in _BOTH | _ONE:
        return word in _BOTH
    return word in _FALSE if column == "directed" and word in _TRUE | _FALSE else None


def says_way(name: str, said: Iterable[str]) -> bool:
    """Return whether every non-empty cell of a column says if the tie is directed."""
    ways = {cell: way_of(name, cell) for cell in dict.fromkeys(said)}
    other = next((cell for cell, way in ways.items() if way is None), None)
    if other is None:
        return bool(ways)
    if way := next((cell for cell in ways if cell.strip().lower() in _PLAIN_WAYS), None):
        raise InputError(
            f"Column {name!r} holds {way!r}, a direction, and {shown(other)}, which is none; if "
            f"they are types of ties, read them with --relations {name}, else mend the column."
        )
    return False


def decimal(cell: str) -> float:
    """Return a number, with a decimal point or comma; NaN for anything else."""
    text = cell.replace(",", ".") if "," in cell and _DECIMAL.fullmatch(cell) else cell
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _data_lines(head: bytes, *, with_marked: bool) -> tuple[list[TextLine], tuple[int, int]]:
    """Return the first data lines, and the (comments, empty lines) before the first."""
    data: list[TextLine] = []
    comments = empty = 0
    for line in _lines(head):
        text = line.text.strip()
        if text and (with_marked or not is_comment(text)):
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
            # A truncated line is ignored, unless it is the only one.
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
    """Return the delimiter that divides the lines most evenly; the first in the list on a tie."""
    by_comma = [cells(_DICT.sub("", line.text), ",")[:least] for line in data[:_COMPARED]]

    def is_cut(sign: str, rows: Sequence[Sequence[str]]) -> bool:
        """Return whether a comma would leave this sign in ids, as in ``Lee, A;Roe, B``."""
        return (
            sign in ";|\t"
            and len({len(row) for row in rows} | {1}) == 2
            and all(cell.count('"') % 2 == 0 for row in rows for cell in row)
            and all(any(sign in cell for cell in ends) for ends in by_comma)
        )

    def evenness(sign: str) -> tuple[float, bool, bool]:
        rows = [cells(_DICT.sub("", line.text), sign) for line in data[:_COMPARED]]
        filled = [len(row) for row in rows if len(row) >= least and all(row[:least])]
        common = max((filled.count(width) for width in set(filled)), default=0)
        inside = [cell for row in rows for cell in row if "," in cell and sign != ","]
        is_one = bool(inside) and all(map(_HOLDS_COMMA.fullmatch, inside))
        binds = common == len(rows) and (is_one or is_cut(sign, rows))
        return common / len(rows), binds, bool(common) == (sign != ANY_BLANKS)

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
    if _names_numbers([cells(line.text, sign) for line in data], least):
        return True
    return len(second) >= least and all(whole(cell) for cell in second[:least])


def _names_numbers(rows: Sequence[Sequence[str]], least: int) -> bool:
    """Return whether a word is above a column of numbers, after the columns of ids."""
    width = len(rows[0])
    if len(rows) < 2 or any(len(row) != width for row in rows) or not all(rows[0]):
        return False
    if not {*rows[0][:least]}.isdisjoint(end for row in rows[1:] for end in row[:least]):
        return False  # an id of a tie, not the name of a column
    return any(
        _is_word(rows[0][at]) and all(math.isfinite(decimal(row[at])) for row in rows[1:])
        for at in range(least, width)
    )


def _turns_to_number(first: Sequence[str], second: Sequence[str], place: int) -> bool:
    """Return whether a column holds a word in the first line and a number in the second."""
    return place < min(len(first), len(second)) and _is_word(first[place]) and number(second[place])


def _is_word(cell: str) -> bool:
    """Return whether a cell is neither a number nor a marker of a missing one."""
    return not number(cell) and cell.lower() not in _NO_VALUE


def number(text: str) -> bool:
    """Return whether a cell is a finite number, with a decimal point or comma."""
    return math.isfinite(decimal(text))


def _columns_rule(least: int, sign: str) -> str:
    shown = {ANY_BLANKS: "tabs, commas, semicolons, pipes or blanks", "\t": "tabs"}
    return f"a line needs at least {least} columns, divided by {shown.get(sign, repr(sign))}"


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings of cells that a spreadsheet would evaluate; the last four are full-width forms."""


def guarded(text: str) -> str:
    """Return a text as a cell of CSV; anything like a formula gets a leading apostrophe.

    So does anything that looks guarded already, so that :func:`unguarded` restores
    every text.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'=1+1"), guarded("O'Neill")
    ("'=1+1", "''=1+1", "O'Neill")
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell written by :func:`guarded`.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("'s-Hertogenbosch")
    ('=1+1', "'=1+1", "'s-Hertogenbosch")
    """
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA) else cell

"""Tables of whole numbers, parsed by a kernel: edge lists as columns, and degree pairs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I64, U32
from sim.core.progress import Report, quiet
from sim.errors import CapacityError, FileError, FormatError, InputError
from sim.io.importing import scan_kernels as scan
from sim.io.importing.files import TextSource, checked_path, opened
from sim.io.importing.scan_kernels import intern, rehash
from sim.io.importing.sniff import ANY_BLANKS, Column, TableLayout, cells, number, sniff, whole
from sim.network.generate.generators_kernels import relabel
from sim.network.relations.types import StatedTypes

MOST_ID: Final = 1_000
_MOST_ARCS: Final = (1 << 32) - 1
_ROOM: Final = 1 << 18  # arcs per kernel call: about 10 ms
STAGE: Final = "reading ties"
_NOT_WHOLE = (
    "{!r} is no whole number, as the ids in other lines are; "
    "with names use --ids str (in Python: ids='str')"
)


@dataclass(frozen=True, slots=True)
class Places:
    """The indices of the columns, from 0; None: no such column."""

    source: int
    target: int
    weight: int | None
    time: int | None
    relation: int | None = None
    properties: tuple[tuple[str, int], ...] = ()
    way: int | None = None

    @property
    def says_more(self) -> bool:
        """Whether there are columns of types, properties or directions."""
        return bool(self.properties) or (self.relation, self.way) != (None, None)

    @property
    def needed(self) -> int:
        """Minimum number of columns in a line; a type or property may be missing."""
        return max(self.source, self.target, self.weight or 0, self.time or 0) + 1

    def as_array(self) -> I64:
        """Return the indices in the form of the kernel, -1 for none."""
        optional = [-1 if place is None else place for place in (self.weight, self.time)]
        return np.array([self.source, self.target, *optional], np.int64)


@dataclass(frozen=True, slots=True)
class TieTable:
    """Ties as in a file."""

    sources: U32
    targets: U32
    ids: I64 | list[str]
    weights: F64 | None
    times: F64 | None
    lines: int
    comments: int
    empty: int
    relations: StatedTypes | None = None
    both: npt.NDArray[np.bool_] | None = None
    padded: str | None = None


class TableColumns:
    """Columns that grow block by block."""

    def __init__(self, places: Places, limit: int | None) -> None:
        self._limit = _MOST_ARCS + 1 if limit is None else limit
        self._sources: list[U32] = []
        self._targets: list[U32] = []
        self._weights: list[F64] | None = None if places.weight is None else []
        self._times: list[F64] | None = None if places.time is None else []
        self.left = self._limit

    def add(self, sources: U32, targets: U32, weights: F64, times: F64) -> None:
        """Append the columns of some lines; raise CapacityError if a world cannot hold the ties."""
        self._sources.append(sources)
        self._targets.append(targets)
        if self._weights is not None:
            self._weights.append(weights)
        if self._times is not None:
            self._times.append(times)
        self.left -= sources.size
        if self._limit - self.left > _MOST_ARCS:
            raise CapacityError(f"A world has at most {_MOST_ARCS:,} ties; the file holds more.")

    def ends(self) -> tuple[U32, U32]:
        """Return sources and targets, and release the parts."""
        sources = np.concatenate([np.empty(0, np.uint32), *self._sources])
        self._sources.clear()
        targets = np.concatenate([np.empty(0, np.uint32), *self._targets])
        self._targets.clear()
        return sources, targets

    def numbers(self) -> tuple[F64 | None, F64 | None]:
        """Return weights and times."""
        weights, times = (
            None if parts is None else np.concatenate([np.empty(0), *parts])
            for parts in (self._weights, self._times)
        )
        return weights, times


def read_numbers(
    source: TextSource, layout: TableLayout, places: Places, limit: int | None, report: Report
) -> TieTable:
    """Read ties between whole numbers, without quotation marks; millions of lines per second."""
    numbering, gathered = Numbering(), TableColumns(places, limit)
    tally = np.array([layout.lines, layout.comments, layout.empty], np.int64)
    for ends, extra in parsed(source, layout, places, tally, gathered):
        heard, hearing = (numbering.number(column) for column in ends)
        gathered.add(heard, hearing, *extra.copy())
        report(STAGE, source.share)
    sources, targets = gathered.ends()
    ids = numbering.in_order([sources, targets])
    return TieTable(sources, targets, ids, *gathered.numbers(), *three(tally))


def parsed(
    source: TextSource,
    layout: TableLayout,
    places: Places,
    tally: I64,
    gathered: TableColumns | None = None,
) -> Iterator[tuple[I64, F64]]:
    """Yield the numbers of a table, about 100,000 lines at a time."""
    columns, has_commas = places.as_array(), layout.has_decimal_commas
    ends, extra = np.empty((2, _ROOM), np.int64), np.zeros((2, _ROOM))
    for block in source.blocks(layout.start):
        plain = block.replace(b",", b".") if has_commas else block
        data = np.frombuffer(plain, np.uint8)
        at = 0
        while at < data.size:
            room = _ROOM if gathered is None else min(_ROOM, gathered.left)
            if not room:
                return
            at, count, fine = scan.parse_lines(
                data, at, data.size, ord(layout.delimiter), columns, ends[0, :room], ends[1, :room],
                extra[0], extra[1], tally,
            )  # fmt: skip
            if not fine:
                text = block[at : block.find(b"\n", at)].decode("utf-8", "replace").strip(" \r\n")
                raise wrong_line(source.path, int(tally[0]), text, layout, places, integers=True)
            yield ends[:, :count], extra[:, :count]


def wrong_line(
    path: Path, line: int, text: str, layout: TableLayout, places: Places, *, integers: bool
) -> FormatError:
    """Return the error for an invalid line, with the rule that it breaks."""
    row = cells(text, layout.delimiter)
    rule = _few_columns(row, layout, places) or next(
        filter(None, (_bad_id(row[at], integers) for at in (places.source, places.target))), ""
    )
    if not rule and places.weight is not None and not number(row[places.weight]):
        rule = f"the weight {row[places.weight]!r} is no number"
    if not rule and places.time is not None and not number(row[places.time]):
        rule = f"the time {row[places.time]!r} is no number; seconds are expected, as since 1970"
    if not rule and any("," in row[at] for at in (places.weight, places.time) if at is not None):
        rule = "it has a decimal comma, and the lines above have points; write all of them alike"
    return FormatError(path, line, text, rule or "is no line of numbers")


def _few_columns(row: list[str], layout: TableLayout, places: Places) -> str:
    if len(row) >= places.needed:
        return ""
    signs = {ANY_BLANKS: "blanks", "\t": "tabs"}.get(layout.delimiter, repr(layout.delimiter))
    return f"a line needs {places.needed} columns divided by {signs}, this one has {len(row)}"


def _bad_id(cell: str, integers: bool) -> str:
    if not cell:
        return "an id is empty"
    if not integers:
        most = f"an id has at most {MOST_ID:,} characters"
        return most if len(cell) > MOST_ID else ""
    if whole(cell):
        return ""
    digits = cell.removeprefix("-").isdigit()
    return "an id does not fit in 64 bits" if digits else _NOT_WHOLE.format(cell)


def three(tally: npt.ArrayLike) -> tuple[int, int, int]:
    """Return lines, comments and empty lines as plain numbers."""
    lines, comments, empty = (int(n) for n in np.asarray(tally))
    return lines, comments, empty


_FIRST = 1 << 16
_MOST = 1 << 31
_CHUNK = 1 << 22


class Numbering:
    """Integer ids found so far, numbered in order of appearance."""

    def __init__(self) -> None:
        self._ids: I64 = np.empty(_FIRST // 2, np.int64)
        self._keys: I64 = np.empty(_FIRST, np.int64)
        self._slots: U32 = np.zeros(_FIRST, np.uint32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def number(self, values: I64) -> U32:
        """Return the numbers of some ids, uint32 of the same shape; new ids get the next ones."""
        numbers = np.empty(values.size, np.uint32)
        place = 0
        while True:
            place, self._count = intern(
                values, place, values.size, self._count, self._ids, self._keys, self._slots, numbers
            )
            if place == values.size:
                return numbers
            self._grow()

    def in_order(self, columns: list[U32]) -> I64:
        """Renumber by ascending id, in place in ``columns``; return the sorted ids, int64 (n,)."""
        ids = self._ids[: self._count]
        order = np.argsort(ids, kind="stable")
        ranks = np.empty(self._count, np.uint32)
        ranks[order] = np.arange(self._count, dtype=np.uint32)
        for column in columns:
            for start in range(0, column.size, _CHUNK):
                relabel(ranks, start, min(start + _CHUNK, column.size), column)
        ordered: I64 = ids[order]
        return ordered

    def _grow(self) -> None:
        size = 2 * self._keys.size
        if size > 2 * _MOST:
            raise CapacityError(f"A world has at most {_MOST - 1:,} agents; the file names more.")
        self._ids = np.concatenate([self._ids, np.empty(size // 2 - self._ids.size, np.int64)])
        self._keys = np.empty(size, np.int64)
        self._slots = np.zeros(size, np.uint32)
        rehash(self._ids, self._count, self._keys, self._slots)


_MOST_BYTES: Final = 1 << 32
_MAGIC = (b"PK\x03\x04", b"\x93NUMPY")


def read_degrees(
    path: str | PathLike[str], *, columns: tuple[Column, Column] = (0, 1), report: Report = quiet
) -> I64:
    """Read the number of listeners and of sources of each agent.

    Parameters
    ----------
    path
        A ``.npz`` or ``.npy`` file with one array of two columns, or a table like an edge list,
        one agent per line.
    columns
        The columns of the two degrees: listeners first. ``(1, 0)`` reverses the network.
    report
        Called with the progress; may raise to cancel.

    Returns
    -------
    int64 (n, 2), as for ``World.create(network="configuration", degrees=...)``

    Raises
    ------
    FileError, FormatError
        One sentence for a file without degree pairs.
    """
    place = checked_path(path)
    with place.open("rb") as raw:
        packed = raw.read(6).startswith(_MAGIC)
    pairs = _from_numpy(place, columns) if packed else _from_table(place, columns, report)
    if pairs.min() < 0:
        raise FileError(place, "holds degrees below 0")
    return pairs


def _from_table(path: Path, columns: tuple[Column, Column], report: Report) -> I64:
    with opened(path) as source:
        layout = sniff(source.head, path)
        first, second = (layout.place(column, path) for column in columns)
        tally = np.array([layout.lines, 0, 0], np.int64)
        parts = []
        for ends, _ in parsed(source, layout, Places(first, second, None, None), tally):
            parts.append(ends.T.copy())
            report("reading degrees", source.share)
    return np.concatenate(parts)


def _from_numpy(path: Path, columns: tuple[Column, Column]) -> I64:
    try:
        array = _two_columns(path)
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileError(path, f"is no usable numpy file ({why})") from None
    if array is None:
        raise FileError(path, "holds no array of whole numbers in two columns")
    if any(column not in (0, 1) for column in columns):
        raise InputError(f"The columns of an array are 0 and 1, got {columns}.")
    pairs: I64 = array[:, [int(column) for column in columns]].astype(np.int64)
    return pairs


def _two_columns(path: Path) -> npt.NDArray[np.integer] | None:
    """Return the first array of degree pairs in a numpy file, unpacking only what fits."""
    with path.open("rb") as raw:
        if raw.peek(2)[:2] != b"PK":
            only = np.load(raw, allow_pickle=False)
            return only if _fits(only) else None
        with zipfile.ZipFile(raw) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MOST_BYTES:
                raise ValueError("it unpacks to more than 4 GiB")
        raw.seek(0)
        with np.load(raw, allow_pickle=False) as arrays:
            return next((array for array in arrays.values() if _fits(array)), None)


def _fits(array: npt.NDArray[np.generic]) -> bool:
    return array.ndim == 2 and array.shape[1] == 2 and len(array) > 0 and array.dtype.kind in "iu"

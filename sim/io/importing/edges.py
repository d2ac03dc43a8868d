"""Edge lists and adjacency lists as published by SNAP and KONECT: ``read_arcs`` and its options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I64, U32
from sim.core.progress import Report, quiet
from sim.core.text import one_line, plural
from sim.errors import FileError, FormatError, InputError
from sim.io.importing.files import ImportReport, TextSource, decoded, opened
from sim.io.importing.formats import format_of, refusal
from sim.io.importing.labels import NOTHING, TYPES, RelationColumns, spread, typed
from sim.io.importing.sniff import (
    ANY_BLANKS,
    Column,
    TableLayout,
    TextLine,
    cells,
    decimal,
    is_comment,
    number,
    sniff,
    unguarded,
    way_of,
    whole,
)
from sim.io.importing.table import (
    MOST_ID,
    STAGE,
    Places,
    TableColumns,
    TieTable,
    read_numbers,
    three,
    wrong_line,
)
from sim.network.graph.interactions import MOST_SECONDS
from sim.network.relations.types import StatedTypes

Direction = Literal["influences", "follows"]
IdKind = Literal["auto", "int", "str"]
Repeats = Literal["once", "weight"]

_FEW = 20  # ties below which two numbers in the first line may be a tie
_FOLLOWERS = frozenset({"follower", "follower_id", "follower_user_id", "voter"})
_SHOWN = 60
AUTO = "auto"
"""In place of a column: detect it."""
_UNNAMED = {AUTO, NOTHING, None}
_UNDIRECTED = re.compile(
    r"^%\s*sym\b|(?<![\w./-])(?:undirected\b(?!\.\w|\s*[:=]?\s*(?:false|0|no|or)\b)"
    r"|directed\s*[:=]\s*(?:false|0|no)\b)",
    re.IGNORECASE,
)
_NOT_SAID = re.compile(  # about these ties; ``made from an undirected list`` is about others
    r"(?:\b(?:not|no|never|from|or|nor|than)|n't)\W+(?:(?:an?|the|be)\W+)?$", re.IGNORECASE
)
_BIPARTITE = re.compile(r"%\s*bip\b")
_DECLARED = re.compile(r"nodes\s*:\s*([\d,]+)\s+edges\s*:\s*([\d,]+)", re.IGNORECASE)
_KONECT = re.compile(r"%\s*(\d+)\s+(\d+)\s+\2\s*$")
_LONG_TIME = 10**11
"""Times above this (the year 5138 in seconds) are taken for milliseconds, or finer."""
_FINER = (
    (10**17, 10**9, "nanoseconds"),
    (10**14, 10**6, "microseconds"),
    (_LONG_TIME, 10**3, "milliseconds"),
)
_SIZED = (
    "The first data line, {!r}, was read as the size of the network; if it is a tie, use "
    "--no-header (in Python: header=False)."
)
_NOT_SIZED = (
    "The first data line, {!r}, was read as a tie; if it is the size of the network, use "
    "--header (in Python: header=True)."
)
_PADDED = (
    "Ids such as {!r} were read as whole numbers without leading zeros, the same as {!r}; keep "
    "them unchanged with --ids str (in Python: ids='str')."
)
_NO_WAY = (
    "{!r} is no direction, as the words of column {!r} above are; if they are types of ties, read "
    "them with --relations"
)
_UNREAD = "Column {!r} does not contain only numbers and was not read as weights."
_MEMBERS = (
    "is a table of members, {} and {}, not of ties; pass it as --labels of a table of ties, or "
    "name two columns with --columns"
)
_WIDE = (
    "Lines have up to {} columns, of which {} were read; name others with --weights and --times "
    "(weight_column, time_column), or, if each line lists a member and all its neighbours, read it "
    "with --adjacency (adjacency=True)."
)


@dataclass(frozen=True, slots=True)
class ImportedArcs:
    """Arcs between agents 0..n-1: the target follows the source.

    Parameters
    ----------
    sources, targets
        uint32 (m,). Loops and duplicates are still included.
    ids
        int64 (n,), rising; or strings in order of first appearance; None: the indices.
    names
        A name for each agent, or None.
    weights, times
        float64 (m,), or None.
    report
        The import report; loops, duplicates and isolated agents are counted when ties are made.
    relations
        Types and properties of some of the arcs, or None.
    """

    sources: U32
    targets: U32
    ids: I64 | list[str] | None
    names: list[str] | None
    weights: F64 | None
    times: F64 | None
    report: ImportReport
    relations: StatedTypes | None = None

    @property
    def agents(self) -> int:
        """Number of agents."""
        return self.report.agents


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """Options for reading an edge list.

    Parameters
    ----------
    direction
        What a line ``A B`` means: ``"influences"``: B follows A. ``"follows"``: A follows B, as a
        follower, a voter or a retweeter does.
    directed
        False: a line is a mutual tie. None: as stated in the file, in a comment or in a column such
        as Gephi's ``Type``, else one-way.
    columns
        The columns of the two ids, by index from 0 or by name in the header; None: by names like
        ``source`` and ``target``, else the first two.
    weight_column, time_column
        The columns of weights and times; None: not read. Weights ``"auto"``: by a name such
        as ``weight``, if all values are numbers; ``"none"``: not read. In a graph file, None means
        ``"auto"`` too.
    delimiter
        One character, or ``tab``, ``space`` (any blanks), ``comma``, ``semicolon``, ``pipe``;
        None: detected.
    header
        Whether the first line names the columns; None: detected.
    ids
        ``"int"``, ``"str"``, or ``"auto"``: whole numbers if the first lines have them.
    limit
        Maximum number of ties to read; None: all.
    signed
        Weights may be negative: those ties are hostile (``ties.sign``), and their size is trust.
    repeats
        How to treat a tie in several lines: ``"once"``: one of its lines counts;
        ``"weight"``: its weights are added up, with 1 for each line if no weights are read.
    adjacency
        Each line is a member and all members that it is tied to.
    relations
        The column with the type of a tie (an attribute, in a graph file); None: one whose
        name is ``type``, ``relation``, ``kind`` or ``label``, if any; ``"none"``: none.
    properties
        Columns to keep as properties of ties; one named ``properties`` may contain JSON
        objects, as exports write them. None: none; in a graph file: all.
    """

    direction: Direction = "influences"
    directed: bool | None = None
    columns: tuple[Column, Column] | None = None
    weight_column: Column | None = AUTO
    time_column: Column | None = None
    delimiter: str | None = None
    header: bool | None = None
    ids: IdKind = "auto"
    limit: int | None = None
    signed: bool = False
    repeats: Repeats = "once"
    adjacency: bool = False
    relations: Column | None = None
    properties: tuple[Column, ...] | None = None

    def __post_init__(self) -> None:
        check_direction(self.direction)
        if self.repeats not in get_args(Repeats):
            raise InputError(f"repeats must be 'once' or 'weight', got {self.repeats!r}.")
        if self.repeats == "weight" and self.time_column is not None:
            raise InputError(
                "With times every line is kept by itself; leave the time column out to make "
                "repeated lines a weight."
            )
        idle: tuple[object, ...] = (
            None if self.weight_column in _UNNAMED else self.weight_column, self.time_column,
            self.header, self.limit, self.relations, self.properties,
        )  # fmt: skip
        if self.adjacency and any(value is not None for value in idle):
            raise InputError(
                "A list of neighbours has no weights, times, header, limit, types or properties; "
                "leave them out."
            )
        if self.ids not in get_args(IdKind):
            raise InputError(f"ids must be 'auto', 'int' or 'str', got {self.ids!r}.")
        if self.limit is not None and self.limit < 1:
            raise InputError(f"limit must be at least 1, got {self.limit}.")


def check_direction(direction: str) -> None:
    """Raise InputError for anything but ``"influences"`` and ``"follows"``."""
    if direction not in get_args(Direction):
        raise InputError(f"direction must be 'influences' or 'follows', got {direction!r}.")


def read_arcs(
    path: str | PathLike[str], options: EdgeOptions | None = None, *, report: Report = quiet
) -> ImportedArcs:
    """Read an edge list: plain text or gzip, comments (``#``, ``%``, ``//``), header or none.

    Parameters
    ----------
    path
        The file.
    options
        How to read it.
    report
        Called with the progress; may raise to cancel.

    Returns
    -------
    Edges
        Whole-number ids are numbered in ascending order, others in order of first appearance.

    Raises
    ------
    FileError, FormatError
        One sentence; for a malformed line with its number, its text and the rule that it breaks.
    """
    began = perf_counter()
    options = options or EdgeOptions()
    if options.adjacency:
        return _neighbours(Path(path), options, began, report)
    with opened(path) as source:
        layout = _layout(source, options)
        table = _table(source, layout, options, report)
        said = _said_above(source)
    notes = _notes(layout, options) + _padded(Path(path), table, layout, options)
    notes += _with_commas(Path(path), layout, options)
    sized = _sizes(table, layout, options)
    if sized is not None:
        first = one_line(layout.sample[0].text, _SHOWN)
        notes = ((_SIZED if sized else _NOT_SIZED).format(first), *notes)
    if sized:
        with opened(path) as source:
            below = sniff(source.head, source.path, delimiter=layout.delimiter, header=True)
            table = _table(source, below, options, report)
    if not table.sources.size:
        raise FileError(Path(path), "holds no ties")
    asked = options.relations not in {None, NOTHING} or options.properties
    if asked and table.relations is None:
        raise FileError(Path(path), "has nothing in the columns of types and properties")
    if options.directed is None and said.is_undirected and table.both is None:
        options = replace(options, directed=False)
        notes = (*notes, "A comment in the file says that ties are undirected.")
    if options.limit is None:
        notes = (*notes, *said.differences(len(table.ids), table.sources.size))
    return _edges(Path(path), table, options, notes, perf_counter() - began)


@dataclass(frozen=True, slots=True)
class _SaidAbove:
    """Facts in the comments above the first line, as in files of SNAP and KONECT."""

    is_undirected: bool
    agents: int | None
    ties: int | None

    def differences(self, agents: int, ties: int) -> tuple[str, ...]:
        """Return a sentence if other numbers were read."""
        if self.ties in {None, ties} and self.agents in {None, agents}:
            return ()
        return (
            f"A comment in the file declares {self.agents:,} members and {self.ties:,} ties, but "
            f"{agents:,} and {ties:,} were read.",
        )


def _said_above(source: TextSource) -> _SaidAbove:
    comments: list[str] = []
    for line in source.head[:_COMMENTED].decode("utf-8", "replace").splitlines():
        if line.strip() and not is_comment(line.strip()):
            break
        comments.append(line.strip())
    if any(map(_BIPARTITE.match, comments)):
        raise FileError(
            source.path,
            "is a network of two kinds of members (bip), which share numbers here; give one kind "
            "ids of its own, and take the comment out",
        )
    sizes: list[int | None] = [None, None]
    for line in comments:
        if found := _DECLARED.search(line):
            sizes = [int(each.replace(",", "")) for each in found.groups()]
        elif found := _KONECT.match(line):
            sizes = [int(found[2]), int(found[1])]
    said = [line[: at.start()] for line in comments for at in _UNDIRECTED.finditer(line)]
    return _SaidAbove(any(not _NOT_SAID.search(before) for before in said), *sizes)


_COMMENTED = 1 << 14


def _layout(source: TextSource, options: EdgeOptions) -> TableLayout:
    kind = format_of(source.head, source.path, is_table=_is_table(options))
    if kind != "edges":
        raise FileError(source.path, refusal(kind))
    weight = None if options.weight_column in _UNNAMED else options.weight_column
    extra = (weight, options.time_column)
    typed = None if options.relations == NOTHING else options.relations
    wanted = (*(options.columns or ()), *extra, typed, *(options.properties or ()))
    named = any(isinstance(column, str) and not column.isdigit() for column in wanted)
    numbers = [column for column in extra if isinstance(column, int)]
    header = True if named and options.header is None else options.header
    found = sniff(
        source.head, source.path, delimiter=options.delimiter, header=header, numbers=numbers
    )
    if header is None and _is_narrow(found):  # sizes, also above lines that have weights
        return sniff(source.head, source.path, delimiter=found.delimiter, header=True)
    return found


def _is_table(options: EdgeOptions) -> bool:
    """Return whether options fit only a table of ties."""
    said = (options.header, options.time_column, options.delimiter, options.relations)
    return (
        any(each is not None for each in said)
        or options.weight_column not in _UNNAMED
        or options.columns not in {None, (0, 1)}
        or options.adjacency
    )


def _is_narrow(layout: TableLayout) -> bool:
    """Return whether only the first line has two cells, and both are whole numbers."""
    rows = [cells(line.text, layout.delimiter) for line in layout.sample]
    if layout.header or len(rows) < 2 or len(rows[0]) != 2 or not all(map(whole, rows[0])):
        return False
    return min(map(len, rows[1:])) > len(rows[0])


def _table(
    source: TextSource, layout: TableLayout, options: EdgeOptions, report: Report
) -> TieTable:
    places = _places(source.path, layout, options)
    integers = options.ids == "int" or (
        options.ids == "auto" and layout.are_whole((places.source, places.target))
    )
    if integers and not layout.is_quoted and not places.says_more:
        return read_numbers(source, layout, places, options.limit, report)
    asked = options.relations is not None
    return read_texts(source, layout, places, options.limit, report, integers=integers, asked=asked)


def _places(path: Path, layout: TableLayout, options: EdgeOptions) -> Places:
    def place(column: Column | None) -> int | None:
        return None if column is None else layout.place(column, path)

    ends = options.columns or layout.ends
    on_top = tuple(name.lower() for name in layout.header[:2])
    if ends == (0, 1) and options.columns is None and on_top in {("id", "label"), ("id", "name")}:
        raise FileError(path, _MEMBERS.format(*layout.header[:2]))
    first, second = (layout.place(column, path) for column in ends)
    time = place(options.time_column)
    weight = None
    if options.weight_column not in _UNNAMED:
        weight = place(options.weight_column)
    elif options.weight_column == AUTO and layout.weight not in {first, second, time}:
        weight = layout.weight
    places = Places(first, second, weight, time)
    used = [at for at in (first, second, places.weight, places.time) if at is not None]
    if len(set(used)) < len(used):
        raise InputError("Source, target, weight and time must be four different columns.")
    way = layout.way if options.directed is None and options.relations is None else None
    relation = _typed(path, layout, options, [*used, *([] if way is None else [way])])
    return replace(places, way=way, relation=relation, properties=tuple(
        (layout.header[at] if at < len(layout.header) else f"column {at}", at)
        for at in (layout.place(column, path) for column in options.properties or ())
    ))  # fmt: skip


def _typed(path: Path, layout: TableLayout, options: EdgeOptions, used: list[int]) -> int | None:
    """Return the column of types: the requested one, or one with a usual name."""
    if options.relations is not None:
        return None if options.relations == NOTHING else layout.place(options.relations, path)
    names = [name.lower() for name in layout.header]
    found = (names.index(name) for name in TYPES if name in names)
    return next((at for at in found if at not in used), None)


def _notes(layout: TableLayout, options: EdgeOptions) -> tuple[str, ...]:
    wide = _wide(layout, options)
    if not layout.header:
        return wide
    if all(map(whole, layout.header)):
        return (_SIZED.format(" ".join(layout.header)), *wide)
    named = f"Its header names {', '.join(map(one_line, layout.header))}."
    if options.weight_column == AUTO and (unread := layout.unread_weight):
        named += f" {_UNREAD.format(unread)}"
    follows = layout.header[0].lower() in _FOLLOWERS
    if follows and options.directed is not False and options.direction == "influences":
        return (named, "Followers hear whom they follow: is direction='follows' meant?")
    return (named,)


def _wide(layout: TableLayout, options: EdgeOptions) -> tuple[str, ...]:
    """Report columns that are not read, if no header names them."""
    rows = [cells(line.text, layout.delimiter) for line in layout.sample]
    named = options.weight_column not in _UNNAMED, options.time_column is not None
    read = 2 + sum(named)
    most = max(map(len, rows), default=0)
    if most <= read or (layout.header and not all(map(whole, layout.header))):
        return ()
    return (_WIDE.format(most, read),)


def _padded(
    path: Path, table: TieTable, layout: TableLayout, options: EdgeOptions
) -> tuple[str, ...]:
    """Report which ids lost leading zeros, if numbers were not requested."""
    if options.ids != "auto" or isinstance(table.ids, list):
        return ()
    ends = [layout.place(column, path) for column in options.columns or layout.ends]
    for line in layout.sample:
        row = cells(line.text, layout.delimiter)
        for cell in (row[at] for at in ends if at < len(row)):
            if _is_padded(cell):
                return (_PADDED.format(cell, str(int(cell))),)
    return ()


def _with_commas(path: Path, layout: TableLayout, options: EdgeOptions) -> tuple[str, ...]:
    """Report how a weight such as ``1,234`` was read, which may mean over a thousand."""
    at = layout.weight if options.weight_column == AUTO else None
    if options.weight_column not in _UNNAMED:
        at = layout.place(options.weight_column or 0, path)
    if at is None or not layout.has_decimal_commas:
        return ()
    column = (cells(line.text, layout.delimiter)[at : at + 1] for line in layout.sample)
    odd = (cell for said in column for cell in said if re.fullmatch(r"[1-9]\d{0,2},\d{3}", cell))
    return tuple(f"Weights such as {cell} were read as {decimal(cell):g}." for cell in [*odd][:1])


def _is_padded(cell: str) -> bool:
    return whole(cell) and cell != str(int(cell))


def _sizes(table: TieTable, layout: TableLayout, options: EdgeOptions) -> bool | None:
    """Return whether the first line is ``agents ties``, as in some collections.

    True if one of the two numbers fits the lines below, and neither is an id there; for ``ties
    agents``, if both fit. None: these are no sizes; False: they look like sizes, but do not
    fit.
    """
    if (
        options.header is not None
        or layout.header
        or options.limit is not None
        or isinstance(table.ids, list)
        or table.sources.size < _FEW
    ):
        return None
    agents, ties = (int(table.ids[ends[0]]) for ends in (table.sources, table.targets))
    sources, targets = table.sources[1:], table.targets[1:]
    top = table.ids[max(sources.max(), targets.max())]
    turned = agents == sources.size and ties >= top
    if agents < top and not turned:
        return None  # the usual case; the rest costs more than reading the file
    known = table.ids[np.union1d(sources, targets)]
    first, last = int(known[0]), int(known[-1])
    if ties == sources.size:
        return True
    counted = {known.size, last + (first != 1)}
    if turned and ties in counted:
        return True
    if agents < top:
        return None
    if np.isin([ties, agents], known).any() and agents not in counted:
        return None
    ends = np.sort(np.stack([sources, targets]).astype(np.uint64), axis=0)
    pairs = int(np.unique(ends[0] << np.uint64(32) | ends[1]).size)
    once = int(np.unique(sources.astype(np.uint64) << np.uint64(32) | targets).size)
    fits = ties in {pairs, once, 2 * pairs, 2 * sources.size, sources.size // 2}
    if fits or (agents in counted and ties > last):
        return True
    return False if ties > agents else None


def _neighbours(path: Path, options: EdgeOptions, began: float, report: Report) -> ImportedArcs:
    with opened(path) as source:
        if (kind := format_of(source.head, source.path, is_table=True)) != "edges":
            raise FileError(source.path, refusal(kind))
        table = read_adjacency(source, options.delimiter, options.ids, report)
    if not table.sources.size:
        raise FileError(path, "holds no ties")
    notes: tuple[str, ...] = ("Each line was read as a member and its neighbours.",)
    if table.padded is not None and options.ids == "auto":
        notes += (_PADDED.format(table.padded, str(int(table.padded))),)
    return _edges(path, table, options, notes, perf_counter() - began)


def _edges(
    path: Path, table: TieTable, options: EdgeOptions, notes: tuple[str, ...], seconds: float
) -> ImportedArcs:
    times, notes = _seconds(path, table.times, notes)
    if times is not None and (wrong := ~(np.abs(times) < MOST_SECONDS)).any():
        at = int(np.argmax(wrong))
        raise InputError(
            f"{path.name}: tie {at + 1:,}, comments not counted, has the time {times[at]:g}; "
            f"seconds are expected, as since 1970, less than {MOST_SECONDS:,}."
        )
    ends = (table.sources, table.targets)
    sources, targets = reversed(ends) if options.direction == "follows" else ends
    told = ImportReport(
        name=path.name,
        lines=table.lines,
        comments=table.comments,
        empty=table.empty,
        arcs=table.sources.size,
        agents=len(table.ids),
        directed=options.directed is not False,
        seconds=seconds,
        notes=notes,
    )
    names = table.ids if isinstance(table.ids, list) else None
    edges = ImportedArcs(
        sources, targets, table.ids, names, table.weights, times, told, table.relations
    )
    return edges if table.both is None else both_ways(edges, table.both)


def _seconds(
    path: Path, times: F64 | None, notes: tuple[str, ...]
) -> tuple[F64 | None, tuple[str, ...]]:
    """Return times converted to seconds if they are finer, and the notes, extended."""
    if times is None or not times.size or not np.abs(times).max() >= _LONG_TIME:
        return times, notes
    least = float(np.abs(times).min())
    if least < _LONG_TIME:
        if np.abs(times).max() >= MOST_SECONDS:
            return times, notes  # refused later, with its position
        raise InputError(
            f"{path.name}: some times are seconds and some milliseconds or finer, "
            f"{times.min():,.0f} to {times.max():,.0f}; write all of them in seconds."
        )
    _, many, name = next(each for each in _FINER if least >= each[0])
    return times / many, (*notes, f"Times are in {name} and were divided by {many:,}.")


def both_ways(edges: ImportedArcs, both: npt.NDArray[np.bool_]) -> ImportedArcs:
    """Return arcs with mutual ones doubled; if all are mutual, as pairs."""
    if not both.any():
        return edges
    if both.all():
        return replace(edges, report=replace(edges.report, directed=False))
    again = np.flatnonzero(both & (edges.sources != edges.targets))
    twice = np.concatenate([np.arange(both.size), again])
    ends = (
        np.concatenate([edges.sources, edges.targets[again]]),
        np.concatenate([edges.targets, edges.sources[again]]),
    )
    note = f"{int(both.sum()):,} of {plural(both.size, 'tie')} are mutual, as stated in the file."
    return replace(
        edges,
        sources=ends[0],
        targets=ends[1],
        weights=None if edges.weights is None else edges.weights[twice],
        times=None if edges.times is None else edges.times[twice],
        relations=edges.relations and _said_twice(edges.relations, again, both.size),
        report=replace(edges.report, notes=(*edges.report.notes, note)),
    )


def _said_twice(said: StatedTypes, again: npt.NDArray[np.int64], arcs: int) -> StatedTypes:
    """Return the types and properties of arcs, with those of mutual arcs repeated."""
    place = {int(arc): arcs + at for at, arc in enumerate(again)}
    rows = [at for at, arc in enumerate(said.places.tolist()) if arc in place]
    back = np.array([place[int(said.places[at])] for at in rows], np.int64)
    return said._replace(
        places=np.concatenate([said.places, back]),
        types=[*said.types, *(said.types[at] for at in rows)],
        properties=[*said.properties, *(said.properties[at] for at in rows)],
    )


Columns = tuple[U32, U32, F64, F64]

_BLOCK = 1 << 20
_SLOW = (b'"', b"\n#", b"\n%", b"\n//", b"\n\n", b"\n\r", b"\n ", b"\n\t")


@dataclass(slots=True)
class _TableReader:
    source: TextSource
    layout: TableLayout
    places: Places
    integers: bool
    known: dict[int | str, int]
    tally: list[int]
    found: RelationColumns
    both: list[bool] = field(default_factory=list)
    rows: int = 0

    def plain(self, block: bytes, most: int) -> Columns | None:
        """Read a block of plain lines by columns; None if any line is not plain."""
        if (
            self.integers
            or self.places.says_more
            or block.startswith((b"#", b"%", b"//", b"\n", b"\r", b" ", b"\t"))
        ):
            return None
        if any(sign in block for sign in _SLOW):
            return None
        try:
            lines = block.decode().split("\n")[:-1][:most]
        except UnicodeDecodeError:
            return None
        sign = None if self.layout.delimiter == ANY_BLANKS else self.layout.delimiter
        rows = [line.split(sign) for line in lines]
        if min(map(len, rows)) < self.places.needed:
            return None
        first, second = self.places.source, self.places.target
        flat = [self._id(end.strip()) for row in rows for end in (row[first], row[second])]
        if not all(flat) or max(map(len, flat)) > MOST_ID:
            return None
        weights, times = (_numbers(rows, at) for at in (self.places.weight, self.places.time))
        if weights is None or times is None:
            return None
        self.tally[0] += len(rows)
        known = self.known
        numbers = np.array([known.setdefault(end, len(known)) for end in flat], np.uint32)
        return numbers[::2], numbers[1::2], weights, times

    def exact(self, block: bytes, most: int) -> Columns:
        """Read a block line by line; raise FormatError for the first invalid line."""
        path, places = self.source.path, self.places
        ends: list[int] = []
        extra: tuple[list[float], list[float]] = ([], [])
        for raw in block.split(b"\n")[:-1]:
            if len(ends) == 2 * most:
                break
            self.tally[0] += 1
            text = decoded(raw, path, self.tally[0])
            if not text or self.layout.skips(text):
                self.tally[1 if text else 2] += 1
                continue
            row = cells(text, self.layout.delimiter)
            if not self._is_fine(row):
                raise wrong_line(
                    path, self.tally[0], text, self.layout, places, integers=self.integers
                )
            for at in (places.source, places.target):
                end = int(row[at]) if self.integers else self._id(row[at])
                ends.append(self.known.setdefault(end, len(self.known)))
            for values, place in zip(extra, (places.weight, places.time), strict=True):
                if place is not None:
                    values.append(decimal(row[place]))
            if places.says_more:
                self._note(row, text)
            if places.way is not None:
                self.both.append(self._goes_both_ways(row[places.way : places.way + 1], text))
            self.rows += 1
        numbers = np.array(ends, np.uint32)
        return numbers[::2], numbers[1::2], np.array(extra[0]), np.array(extra[1])

    def _id(self, cell: str) -> str:
        """Return the id in a cell; formulas are unguarded in CSV, not in other tables."""
        return unguarded(cell) if self.layout.delimiter == "," else cell

    def _goes_both_ways(self, said: list[str], text: str) -> bool:
        name = self.layout.header[self.places.way or 0]
        way = way_of(name, "".join(said))
        if way is None and any(said):
            rule = _NO_WAY.format(said[0], name)
            raise FormatError(self.source.path, self.tally[0], text, rule)
        return bool(way)

    def _note(self, row: list[str], text: str) -> None:
        """Keep the type and properties in a line; raise FormatError for invalid ones."""
        said: dict[str, object] = {}
        try:
            for name, at in self.places.properties:
                if at < len(row) and row[at]:
                    cell = unguarded(row[at])
                    said |= spread(name, cell if cell.startswith("{") else typed(cell))
            at = -1 if self.places.relation is None else self.places.relation
            kind = unguarded(row[at]) if 0 <= at < len(row) else None
            self.found.add(self.rows, kind, said)
        except InputError as error:
            raise FormatError(self.source.path, self.tally[0], text, str(error)) from None

    def _is_fine(self, row: list[str]) -> bool:
        places = self.places
        if len(row) < places.needed:
            return False
        ends = row[places.source], row[places.target]
        return (
            all(whole(end) if self.integers else 0 < len(end) <= MOST_ID for end in ends)
            and (places.weight is None or number(row[places.weight]))
            and (places.time is None or number(row[places.time]))
        )


def read_texts(
    source: TextSource,
    layout: TableLayout,
    places: Places,
    limit: int | None,
    report: Report,
    *,
    integers: bool = False,
    asked: bool = True,
) -> TieTable:
    """Read ties between any ids, with quotation marks; half a million lines per second."""
    gathered = TableColumns(places, limit)
    found = RelationColumns(is_asked=asked)
    tally = [layout.lines, layout.comments, layout.empty]
    reader = _TableReader(source, layout, places, integers, {}, tally, found)
    for block in source.blocks(layout.start, _BLOCK):
        columns = reader.plain(block, gathered.left) or reader.exact(block, gathered.left)
        gathered.add(*columns)
        report(STAGE, source.share)
        if not gathered.left:
            break
    sources, targets = gathered.ends()
    known = reader.known
    ids = _ordered(known, sources, targets) if integers else [str(each) for each in known]
    both = None if places.way is None else np.array(reader.both, np.bool_)
    return TieTable(
        sources, targets, ids, *gathered.numbers(), *three(tally), reader.found.said, both=both
    )


def _numbers(rows: list[list[str]], place: int | None) -> F64 | None:
    """Return a column of finite numbers, (0,) for no column; None if a cell is not a number."""
    if place is None:
        return np.empty(0)
    texts = [row[place] for row in rows]
    values = np.array([decimal(text.strip()) for text in texts])
    return values if np.isfinite(values).all() else None


def _ordered(known: dict[int | str, int], sources: U32, targets: U32) -> I64:
    """Renumber by ascending id, in place; return the ids, ascending."""
    ids = np.array(list(known), np.int64)
    order = np.argsort(ids)
    ranks = np.empty(ids.size, np.uint32)
    ranks[order] = np.arange(ids.size, dtype=np.uint32)
    sources[:], targets[:] = ranks[sources], ranks[targets]
    ordered: I64 = ids[order]
    return ordered


def read_adjacency(source: TextSource, delimiter: str | None, ids: str, report: Report) -> TieTable:
    """Read an adjacency list; a line with a single member makes it isolated."""
    found = sniff(source.head, source.path, delimiter=delimiter, header=False, least=1)
    sign = found.delimiter if delimiter is not None else _sign(found.sample)
    known: dict[str, int] = {}
    ends: list[tuple[int, int]] = []
    lines = comments = empty = 0
    for block in source.blocks(0):
        for raw in block.split(b"\n")[:-1]:
            lines += 1
            text = decoded(raw, source.path, lines)
            if not text or is_comment(text):
                comments, empty = comments + bool(text), empty + (not text)
                continue
            row = _row(source, lines, text, sign, integers=ids == "int")
            member, *others = (known.setdefault(each, len(known)) for each in row)
            ends += [(member, other) for other in others]
        report(STAGE, source.share)
    pairs = np.array(ends, np.uint32).reshape(-1, 2)
    sources, targets = pairs[:, 0].copy(), pairs[:, 1].copy()
    if ids == "str" or not all(map(whole, known)):
        return TieTable(sources, targets, [*known], None, None, lines, comments, empty)
    numbers = np.array([int(each) for each in known], np.int64)
    distinct, places = np.unique(numbers, return_inverse=True)
    ranks: npt.NDArray[np.uint32] = places.astype(np.uint32)
    tally, padded = (lines, comments, empty), next(filter(_is_padded, known), None)
    return TieTable(ranks[sources], ranks[targets], distinct, None, None, *tally, padded=padded)


def _sign(sample: Sequence[TextLine]) -> str:
    """Return the delimiter of most lines that have one; any blanks if none has."""
    counts = {sign: sum(sign in line.text for line in sample) for sign in "\t,;|"}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ANY_BLANKS


def _row(source: TextSource, number: int, text: str, sign: str, *, integers: bool) -> list[str]:
    row = [cell for cell in cells(text, sign) if cell]
    row[:1] = [row[0].removesuffix(":")]
    for cell in row:
        if not 0 < len(cell) <= MOST_ID:
            rule = f"an id has 1 to {MOST_ID:,} characters"
            raise FormatError(source.path, number, text, rule)
        if integers and not whole(cell):
            rule = f"{cell!r} is no whole number; with names use --ids str (in Python: ids='str')"
            raise FormatError(source.path, number, text, rule)
    return row

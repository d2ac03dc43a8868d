"""Edge lists: one tie a line, as SNAP, KONECT and most others publish networks."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import FileError, InputError
from sim.io.exact import read_texts
from sim.io.files import Source, opened
from sim.io.report import ImportReport
from sim.io.sniff import Column, Layout, sniff, whole
from sim.io.table import Places, Table, read_numbers

__all__ = ["Direction", "EdgeOptions", "Edges", "IdKind", "check_direction", "read_arcs"]

Direction = Literal["influences", "follows"]
IdKind = Literal["auto", "int", "str"]
Words = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FEW = 20  # ties below which two numbers in the first line may well be a tie
_FOLLOWERS = frozenset({"follower", "follower_id", "follower_user_id", "voter"})
_FOREIGN = {
    b"<": "is XML; import it as GraphML or GEXF",
    b"{": "is JSON, not a table of ties; write one tie a line, or give people with --profiles",
    b"[": "is JSON, not a table of ties; write one tie a line, or give people with --profiles",
}
_MATRIX = b"%%MatrixMarket"
_SIZED = "The first data line gives the sizes of the network, and is no tie."


@dataclass(frozen=True, slots=True)
class Edges:
    """Arcs between agents 0..n-1: the target hears the source.

    Parameters
    ----------
    sources, targets
        uint32 (m,). Loops and duplicates are still there.
    ids
        int64 (n,), rising; or strings in order of first appearance; None: the indices.
    names
        A name for each agent, or None.
    weights, times
        float64 (m,), or None.
    report
        What was found; loops, duplicates and isolated agents are counted when ties are made.
    """

    sources: Words
    targets: Words
    ids: Longs | list[str] | None
    names: list[str] | None
    weights: Floats | None
    times: Floats | None
    report: ImportReport

    @property
    def agents(self) -> int:
        """How many agents there are."""
        return self.report.agents


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """How to read an edge list.

    Parameters
    ----------
    direction
        What a line ``A B`` says: ``"influences"``: B hears A. ``"follows"``: A hears B, as a
        follower, a voter or a retweeter does.
    directed
        False: a line is a tie both ways.
    columns
        Where the two ids are, by place from 0 or by name in the header; None: under names such as
        ``source`` and ``target``, else in front.
    weight_column, time_column
        Where weights and times are; None: they are not read.
    delimiter
        One character, or ``tab``, ``space`` (any blanks), ``comma``, ``semicolon``, ``pipe``;
        None: found out.
    header
        Whether the first line names the columns; None: found out.
    ids
        ``"int"``, ``"str"``, or ``"auto"``: whole numbers when the first lines hold them.
    limit
        Read no more than so many ties; None: all.
    signed
        Weights may be negative: those ties are against (``ties.sign``), and their size is trust.
    """

    direction: Direction = "influences"
    directed: bool = True
    columns: tuple[Column, Column] | None = None
    weight_column: Column | None = None
    time_column: Column | None = None
    delimiter: str | None = None
    header: bool | None = None
    ids: IdKind = "auto"
    limit: int | None = None
    signed: bool = False

    def __post_init__(self) -> None:
        check_direction(self.direction)
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
) -> Edges:
    """Read an edge list: plain text or gzip, comments (``#``, ``%``, ``//``), header or none.

    Parameters
    ----------
    path
        The file.
    options
        How to read it.
    report
        Told of progress; may cancel.

    Returns
    -------
    Edges
        Whole-number ids are numbered in rising order, others in order of first appearance.

    Raises
    ------
    FileError, FormatError
        One sentence; a malformed line gets its number, text and the rule it breaks.
    """
    began = perf_counter()
    options = options or EdgeOptions()
    with opened(path) as source:
        layout = _layout(source, options)
        table = _table(source, layout, options, report)
    notes = _notes(layout, options)
    if _gives_sizes(table, layout, options):
        with opened(path) as source:
            table = _table(source, _after_first(source, layout), options, report)
        notes = (_SIZED,)
    if not table.sources.size:
        raise FileError(Path(path), "holds no ties")
    return _edges(Path(path), table, options, notes, perf_counter() - began)


def _layout(source: Source, options: EdgeOptions) -> Layout:
    for sign, reason in _FOREIGN.items():
        if source.head.lstrip().startswith(sign):
            raise FileError(source.path, reason)
    extra = (options.weight_column, options.time_column)
    wanted = (*(options.columns or ()), *extra)
    named = any(isinstance(column, str) and not column.isdigit() for column in wanted)
    sized = source.head.startswith(_MATRIX)
    numbers = [column for column in extra if isinstance(column, int)]
    header = True if (named or sized) and options.header is None else options.header
    return sniff(
        source.head, source.path, delimiter=options.delimiter, header=header, numbers=numbers
    )


def _table(source: Source, layout: Layout, options: EdgeOptions, report: Report) -> Table:
    places = _places(source.path, layout, options)
    integers = options.ids == "int" or (
        options.ids == "auto" and layout.are_whole((places.source, places.target))
    )
    if integers and not layout.is_quoted:
        return read_numbers(source, layout, places, options.limit, report)
    return read_texts(source, layout, places, options.limit, report, integers=integers)


def _places(path: Path, layout: Layout, options: EdgeOptions) -> Places:
    def place(column: Column | None) -> int | None:
        return None if column is None else layout.place(column, path)

    ends = options.columns or layout.ends
    first, second = (layout.place(column, path) for column in ends)
    places = Places(first, second, place(options.weight_column), place(options.time_column))
    used = [at for at in (first, second, places.weight, places.time) if at is not None]
    if len(set(used)) < len(used):
        raise InputError("Source, target, weight and time must be four different columns.")
    return places


def _notes(layout: Layout, options: EdgeOptions) -> tuple[str, ...]:
    if not layout.header:
        return ()
    if all(map(whole, layout.header)):
        return (_SIZED,)
    named = f"Its header names {', '.join(map(one_line, layout.header))}."
    follows = layout.header[0].lower() in _FOLLOWERS
    if follows and options.directed and options.direction == "influences":
        return (named, "Followers hear whom they follow: is direction='follows' meant?")
    return (named,)


def _gives_sizes(table: Table, layout: Layout, options: EdgeOptions) -> bool:
    """Return whether the first line is ``agents ties``, as some collections begin."""
    if (
        options.header is not None
        or layout.header
        or options.limit is not None
        or isinstance(table.ids, list)
        or table.sources.size < _FEW
    ):
        return False
    agents, ties = (int(table.ids[ends[0]]) for ends in (table.sources, table.targets))
    if ties != table.sources.size - 1:
        return False
    rest = max(int(table.sources[1:].max()), int(table.targets[1:].max()))
    return agents >= int(table.ids[rest])


def _after_first(source: Source, layout: Layout) -> Layout:
    """Return the layout with the first data line taken for a header."""
    return sniff(source.head, source.path, delimiter=layout.delimiter, header=True)


def _edges(
    path: Path, table: Table, options: EdgeOptions, notes: tuple[str, ...], seconds: float
) -> Edges:
    ends = (table.sources, table.targets)
    sources, targets = reversed(ends) if options.direction == "follows" else ends
    told = ImportReport(
        name=path.name,
        lines=table.lines,
        comments=table.comments,
        empty=table.empty,
        arcs=table.sources.size,
        agents=len(table.ids),
        directed=options.directed,
        seconds=seconds,
        notes=notes,
    )
    names = table.ids if isinstance(table.ids, list) else None
    return Edges(sources, targets, table.ids, names, table.weights, table.times, told)

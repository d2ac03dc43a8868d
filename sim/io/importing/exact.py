"""The general reader of edge lists: any ids, quoted cells; ``table`` has the one for integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report
from sim.errors import FormatError, InputError
from sim.io.importing.files import TextSource, decoded
from sim.io.importing.relations import RelationColumns, spread, typed, unguarded
from sim.io.importing.sniff import ANY_BLANKS, TableLayout, cells, is_comment, number, whole
from sim.io.importing.table import MOST_ID, STAGE, Places, TableColumns, TieTable, three, wrong_line

__all__ = ["read_texts"]

Words = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Columns = tuple[Words, Words, Floats, Floats]

_BLOCK = 1 << 20
_SLOW = (b'"', b"\n#", b"\n%", b"\n//", b"\n\n", b"\n\r", b"\n ", b"\n\t")


@dataclass(slots=True)
class _TableReader:
    """What does not change from block to block, and the ids met so far."""

    source: TextSource
    layout: TableLayout
    places: Places
    integers: bool
    known: dict[int | str, int]
    tally: list[int]
    found: RelationColumns
    rows: int = 0

    def plain(self, block: bytes, most: int) -> Columns | None:
        """Read a block of plain lines, one step a column; None when any line is not plain."""
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
        flat = [end.strip() for row in rows for end in (row[first], row[second])]
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
        """Read a block line by line; FormatError for the first line that is wrong."""
        path, places = self.source.path, self.places
        ends: list[int] = []
        extra: tuple[list[float], list[float]] = ([], [])
        for raw in block.split(b"\n")[:-1]:
            if len(ends) == 2 * most:
                break
            self.tally[0] += 1
            text = decoded(raw, path, self.tally[0])
            if not text or is_comment(text):
                self.tally[1 if text else 2] += 1
                continue
            row = cells(text, self.layout.delimiter)
            if not self._is_fine(row):
                raise wrong_line(
                    path, self.tally[0], text, self.layout, places, integers=self.integers
                )
            for at in (places.source, places.target):
                end = int(row[at]) if self.integers else row[at]
                ends.append(self.known.setdefault(end, len(self.known)))
            for values, place in zip(extra, (places.weight, places.time), strict=True):
                if place is not None:
                    values.append(float(row[place]))
            if places.says_more:
                self._note(row, text)
            self.rows += 1
        numbers = np.array(ends, np.uint32)
        return numbers[::2], numbers[1::2], np.array(extra[0]), np.array(extra[1])

    def _note(self, row: list[str], text: str) -> None:
        """Keep what a line says of its tie beside; FormatError for what cannot be kept."""
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
    """Read ties between any ids, with quotation marks; half a million lines a second.

    Raises
    ------
    FormatError
        With number and text of the first line that is wrong, and the rule it breaks.
    """
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
    return TieTable(sources, targets, ids, *gathered.numbers(), *three(tally), reader.found.said)


def _numbers(rows: list[list[str]], place: int | None) -> Floats | None:
    """Return a column of finite numbers, (0,) for no column; None when a cell is none."""
    if place is None:
        return np.empty(0)
    texts = [row[place] for row in rows]
    try:
        values = np.array([float(text) for text in texts])
    except ValueError:
        return None
    return values if np.isfinite(values).all() and not any("_" in text for text in texts) else None


def _ordered(known: dict[int | str, int], sources: Words, targets: Words) -> Longs:
    """Renumber by rising id, in place; return the ids, rising."""
    ids = np.array(list(known), np.int64)
    order = np.argsort(ids)
    ranks = np.empty(ids.size, np.uint32)
    ranks[order] = np.arange(ids.size, dtype=np.uint32)
    sources[:], targets[:] = ranks[sources], ranks[targets]
    ordered: Longs = ids[order]
    return ordered

"""Rows of a table: its columns, and rows fetched a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column of a table.

    Attributes
    ----------
    title
        Its heading, with the unit where there is one.
    width
        Cells at most; the last column shown takes what is left over.
    numeric
        Whether it is right-aligned.
    least
        Cells at least.
    rank
        Which columns stay when the table is narrow: those of the lowest rank.
    descending
        Whether the largest comes first when it is sorted by for the first time.
    """

    title: str
    width: int
    numeric: bool = False
    least: int = 0
    rank: int = 0
    descending: bool = False

    @property
    def narrowest(self) -> int:
        """Cells below which the column is left out."""
        return min(self.width, self.least or self.width)


class RowProvider(Protocol):
    """Any number of rows, numbered from 0; nothing is asked for but what is seen.

    A provider never changes: what is new comes in a new one.
    """

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns; text from outside belongs into the last ones, where widths matter least."""

    def __len__(self) -> int:
        """Count the rows."""

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return what to write in a column for some rows."""

    def keys(self, column: int) -> NDArray[Any]:
        """Return what the column is sorted by, one value a row, (rows,)."""


class NoRows:
    """A table without anything."""

    columns: tuple[TableColumn, ...] = ()

    def __len__(self) -> int:
        return 0

    def cells(self, column: int, rows: NDArray[np.int64]) -> list[str]:
        """Return nothing."""
        del column
        return [""] * len(rows)

    def keys(self, column: int) -> NDArray[Any]:
        """Return nothing."""
        del column
        return np.zeros(0)


def row_order(keys: NDArray[Any], *, descending: bool) -> NDArray[np.uint32]:
    """Return row numbers in the order of their keys, uint32 (rows,); equal ones keep theirs.

    NaN comes last either way.
    """
    if not descending:
        return np.argsort(keys, kind="stable").astype(np.uint32)
    count = len(keys)
    order = (count - 1 - np.argsort(keys[::-1], kind="stable")[::-1]).astype(np.uint32)
    if keys.dtype.kind == "f":
        unknown = int(np.isnan(keys).sum())
        order = np.concatenate([order[unknown:], order[:unknown]])
    return order


def fit(columns: Sequence[TableColumn], width: int, wanted: int = 0) -> list[tuple[int, int, int]]:
    """Choose the columns that fit and how wide they are."""
    ranks = sorted(range(len(columns)), key=lambda i: (i != wanted, columns[i].rank, i))
    chosen: list[int] = []
    left = width + GAP
    for index in ranks:
        need = columns[index].narrowest + GAP
        if need <= left or not chosen:
            chosen.append(index)
            left -= need
    left = max(0, left)
    grown = dict.fromkeys(chosen, 0)
    for index in sorted(chosen, key=lambda i: (columns[i].numeric, i)):
        grown[index] = min(left, columns[index].width - columns[index].narrowest)
        left -= grown[index]
    placed: list[tuple[int, int, int]] = []
    x = 0
    for index in sorted(chosen):
        cells = min(columns[index].narrowest + grown[index], width - x)
        placed.append((index, x, cells))
        x += cells + GAP
    last, x, cells = placed[-1]
    if not columns[last].numeric:
        placed[-1] = (last, x, cells + left)
    return placed

"""The communities as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tui.draw.heat import Order
from tui.draw.rows import TableColumn
from tui.draw.table import ColumnTable
from tui.figures import count, percent

if TYPE_CHECKING:
    from sim.runtime import Frame


_COLUMNS = (
    TableColumn("members", 9, numeric=True, least=8, rank=1, descending=True),
    TableColumn("adopted", 9, numeric=True, least=8, rank=4, descending=True),
    TableColumn("share", 6, numeric=True, rank=2, descending=True),
    TableColumn("since", 7, numeric=True, least=6, rank=3),
    TableColumn("community", 26, least=14, rank=0),
    TableColumn("best-known members", 40, least=12, rank=5),
)
_SORTS = {"size": (0, True), "adoption": (2, True), "onset": (3, False), "name": (4, False)}


@dataclass(frozen=True, slots=True, eq=False)
class CommunityRows:
    """Communities as rows of a table.

    Attributes
    ----------
    names, top
        Their names, and their best-known members.
    sizes, adopted, onset
        int64 (c,): members, how many adopted, and the tick of the first; -1: none.
    """

    names: Sequence[str]
    sizes: NDArray[np.int64]
    adopted: NDArray[np.int64]
    onset: NDArray[np.int64]
    top: Sequence[Sequence[str]]

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.names)

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return what to write in a column for some rows."""
        if column == 0:
            return [count(size) for size in self.sizes[rows].tolist()]
        if column == 1:
            return [count(size) for size in self.adopted[rows].tolist()]
        if column == 2:
            return [percent(share) for share in self._shares()[rows].tolist()]
        if column == 3:
            return [count(tick) if tick >= 0 else "-" for tick in self.onset[rows].tolist()]
        if column == 4:
            return [self.names[row] for row in rows.tolist()]
        return [", ".join(self.top[row]) for row in rows.tolist()]

    def keys(self, column: int) -> NDArray[Any]:
        """Return what a column is sorted by."""
        if column == 3:
            return np.where(self.onset < 0, np.nan, self.onset)
        if column >= 4:
            texts = self.names if column == 4 else [" ".join(each) for each in self.top]
            return np.array([text.casefold() for text in texts], dtype=np.str_)
        return (self.sizes, self.adopted, self._shares())[column]

    def _shares(self) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = self.adopted / np.maximum(self.sizes, 1)
        return shares


class CommunityTable(ColumnTable):
    """Members, adoption, onset, name and best-known members of every community."""

    HELP = (
        "Every community: its members, how many of them adopted and which share, the tick of the "
        "first, its name and its best-known members. " + ColumnTable.HELP
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "This world has no communities."
        self._shown: CommunityRows | None = None

    def show(self, frame: Frame) -> None:
        """Show the communities of a frame."""
        found = frame.communities
        if found is None:
            none = np.zeros(0, dtype=np.int64)
            self.list_communities((), none, none, none, ())
        else:
            self.list_communities(found.names, found.sizes, found.adopted, found.onset, found.top)

    def list_communities(
        self,
        names: Sequence[str],
        sizes: NDArray[np.int64],
        adopted: NDArray[np.int64],
        onset: NDArray[np.int64],
        top: Sequence[Sequence[str]],
    ) -> None:
        """Show communities; nothing is drawn anew when these very arrays are shown already.

        Parameters
        ----------
        names, top
            Names, and the best-known members of each.
        sizes, adopted, onset : int64 (c,)
            Members, how many of them adopted, and the tick of the first; -1: none.
        """
        old = self._shown
        if old is not None and names is old.names and adopted is old.adopted:
            return
        self._shown = CommunityRows(names, sizes, adopted, onset, top)
        self.fill(self._shown)

    def sort_by(self, order: Order) -> None:
        """Sort by size, adoption, onset or name, as the other views of communities do."""
        column, descending = _SORTS[order]
        self.sort(column, descending=descending)

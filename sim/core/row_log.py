"""The row log: declared columns that grow at their end, of which the newest rows are kept."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from sim.core.bounds import Bound, require, taken
from sim.core.scratch import ScratchFiles

R = TypeVar("R", bound=tuple[npt.NDArray[Any], ...])
MOST = 1 << 20


class RowLog(Generic[R]):
    """Rows in the order in which they were noted; copies hold what is old in common.

    What is old lies in scratch files (:mod:`sim.core.scratch`), once it is much. A subclass names
    its columns and says what one of them may hold.

    Attributes
    ----------
    rows
        The named tuple of columns.
    bounds
        Of each column, in that order; each is as long as ``"rows"``.
    owner
        Whose columns they are, for sentences.
    """

    rows: ClassVar[type[Any]]
    bounds: ClassVar[Mapping[str, Bound]]
    owner: ClassVar[str]

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._large = max(most // 16, 1)
        self._spill = ScratchFiles()
        self._chunks: list[R] = []
        self._held = 0

    def __len__(self) -> int:
        return min(self._held, self.most)

    def __deepcopy__(self, memo: object) -> Self:
        return self.copied()

    def copied(self) -> Self:
        """Return a log that does not grow with this one; it shares what was noted."""
        twin = copy(self)
        vars(twin).update(_chunks=list(self._chunks))
        return twin

    def add(self, *columns: npt.ArrayLike) -> None:
        """Add rows, column by column; a single value stands for all of them."""
        given = [column[-self.most :] for column in np.broadcast_arrays(*columns)]
        if not given[0].size:
            return
        kinds = (bound.dtype for bound in self.bounds.values())
        self._chunks.append(self.rows(*map(np.array, given, kinds)))
        self._held += given[0].size
        self._merge()
        while self._held - self._chunks[0][0].size >= self.most:
            self._held -= self._chunks.pop(0)[0].size

    def _merge(self) -> None:
        """Merge the last chunks until each is less than half of the one before, or both are large.

        So a row is copied a few times in all, and logs that were copied from one another hold
        their old chunks in common: undo keeps many.
        """
        while len(self._chunks) > 1:
            before, last = (chunk[0].size for chunk in self._chunks[-2:])
            if before > 2 * last or before + last > self._large:
                return
            pair = self._chunks[-2:]
            merged = self.rows(*map(np.concatenate, zip(*pair, strict=True)))
            if 3 * (before + last) > 2 * self._large:  # merged no more, and seldom read
                merged = self.rows(*map(self._spill.moved, merged))
            self._chunks[-2:] = [merged]

    def all(self) -> R:
        """Return every row that is remembered, the newest :attr:`most`."""
        nothing = [bound.vacant({"rows": 0}) for bound in self.bounds.values()]
        parts = zip(nothing, *self._chunks, strict=True)
        every: R = self.rows(*(np.concatenate(column)[-self.most :] for column in parts))
        return every

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(column.nbytes for chunk in self._chunks for column in chunk)

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name; {} where nothing was noted."""
        return dict(zip(self.bounds, self.all(), strict=True)) if self._held else {}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> Self:
        """Return the log of :meth:`dump`; InputError for columns that do not fit."""
        log = cls()
        if columns:
            own = taken(columns, cls.bounds, cls.owner)
            log._held = len(next(iter(own.values())))
            require(own.items(), cls.bounds, {"rows": log._held, "agents": agents}, cls.owner)
            for low in range(0, log._held, log._large):
                part = {name: column[low : low + log._large] for name, column in own.items()}
                log._chunks.append(cls.rows(**part))
        return log

"""Append-only rows: logs that drop the oldest, and lists with shared memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Generic, Self, SupportsIndex, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from sim.core.bounds import Bound, require, taken
from sim.core.scratch import ScratchFiles

R = TypeVar("R", bound=tuple[npt.NDArray[Any], ...])
MOST = 1 << 20


class RowLog(Generic[R]):
    """Rows in order of addition; copies share old rows.

    Old rows move to scratch files (:mod:`sim.core.scratch`) once there are many. A subclass
    declares its columns and their bounds.
    """

    rows: ClassVar[type[Any]]  # named tuple of columns
    bounds: ClassVar[Mapping[str, Bound]]
    owner: ClassVar[str]  # owner of the columns, for error sentences

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
        """Return an independent copy, which shares the rows so far."""
        twin = copy(self)
        vars(twin).update(_chunks=list(self._chunks))
        return twin

    def add(self, *columns: npt.ArrayLike) -> None:
        """Add rows, column by column; a single value is used for all rows."""
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

        So a row is copied only a few times, and copies of a log share their old chunks: undo
        keeps many.
        """
        while len(self._chunks) > 1:
            before, last = (chunk[0].size for chunk in self._chunks[-2:])
            if before > 2 * last or before + last > self._large:
                return
            pair = self._chunks[-2:]
            merged = self.rows(*map(np.concatenate, zip(*pair, strict=True)))
            if 3 * (before + last) > 2 * self._large:  # no longer merged, and rarely read
                merged = self.rows(*map(self._spill.moved, merged))
            self._chunks[-2:] = [merged]

    def all(self) -> R:
        """Return all rows that are kept, the newest :attr:`most`."""
        nothing = [bound.vacant({"rows": 0}) for bound in self.bounds.values()]
        parts = zip(nothing, *self._chunks, strict=True)
        every: R = self.rows(*(np.concatenate(column)[-self.most :] for column in parts))
        return every

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(column.nbytes for chunk in self._chunks for column in chunk)

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name; {} without rows."""
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


T = TypeVar("T")


class SharedList(Sequence[T], Generic[T]):
    """A list of items shared by its copies, except for a few that each copy has of its own.

    A copy takes memory only for its own items, however long the list is: undo keeps hundreds. The
    original keeps appending to the same memory; a copy allocates its own once it grows.
    """

    __slots__ = ("_common", "_count", "_may_write", "own")

    def __init__(self, items: Iterable[T] = (), own: Mapping[int, T] | None = None) -> None:
        self.own = dict(own or {})
        self._common: list[T | None] = list(items)
        for place in self.own:
            self._common[place] = None
        self._count = len(self._common)
        self._may_write = True

    def copied(self, own: Mapping[int, T] | None = None) -> SharedList[T]:
        """Return an independent copy."""
        twin: SharedList[T] = SharedList()
        twin._common, twin._count, twin._may_write = self._common, self._count, False
        twin.own = dict(self.own if own is None else own)
        return twin

    def append(self, item: T, *, is_own: bool = False) -> None:
        """Append an item; ``is_own``: copies do not share it."""
        self._separate()
        if is_own:
            self.own[self._count] = item
        self._common.append(None if is_own else item)
        self._count += 1

    def settle(self, place: int, item: T) -> None:
        """Replace one of its own items by a shared one that no longer changes."""
        self._separate()
        self._common[place] = item
        del self.own[place]

    def _separate(self) -> None:
        """Allocate memory of its own if it shares that of another list; the first one keeps it."""
        if not self._may_write:
            self._common, self._may_write = self._common[: self._count], True

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        begin, count = 0, self._count  # read before its own items: another thread may append
        for place, item in list(self.own.items()):
            if place < count:
                yield from cast("list[T]", self._common[begin:place])
                yield item
                begin = place + 1
        yield from cast("list[T]", self._common[begin:count])

    @overload
    def __getitem__(self, place: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self._count))]
        return self._at(range(self._count)[place])

    def _at(self, place: int) -> T:
        found = self.own.get(place)  # first: settle() writes the shared item, then deletes this
        return cast("T", self._common[place]) if found is None else found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedList) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it grows

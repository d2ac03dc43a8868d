"""The shared list: it grows at its end, and its copies hold in common what never changes again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, SupportsIndex, TypeVar, cast, overload

T = TypeVar("T")


class SharedList(Sequence[T], Generic[T]):
    """A list of items that stay as they are, and of a few that each copy has of its own.

    A copy takes the memory of its own items, however long the list is: undo keeps hundreds. The
    list that was copied goes on in the same memory; a copy takes memory of its own once it grows.

    Attributes
    ----------
    own
        As given; :meth:`append` and :meth:`settle` change it.

    Examples
    --------
    >>> names = SharedList(["Ann", "Bo"])
    >>> names.append("Cy", is_own=True)
    >>> twin = names.copied({2: "Cyd"})
    >>> names.append("Di")
    >>> list(names), list(twin)
    (['Ann', 'Bo', 'Cy', 'Di'], ['Ann', 'Bo', 'Cyd'])
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
        """Return a list that later changes of this one do not change."""
        twin: SharedList[T] = SharedList()
        twin._common, twin._count, twin._may_write = self._common, self._count, False
        twin.own = dict(self.own if own is None else own)
        return twin

    def append(self, item: T, *, is_own: bool = False) -> None:
        """Put an item at the end; ``is_own``: copies do not share it."""
        self._separate()
        if is_own:
            self.own[self._count] = item
        self._common.append(None if is_own else item)
        self._count += 1

    def settle(self, place: int, item: T) -> None:
        """Put an item that stays as it is where one of its own was."""
        self._separate()
        self._common[place] = item
        del self.own[place]

    def _separate(self) -> None:
        """Take memory of its own, where it shares that of another; whoever was first keeps it."""
        if not self._may_write:
            self._common, self._may_write = self._common[: self._count], True

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        begin, count = 0, self._count  # before its own items: another thread may append
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
        found = self.own.get(place)  # first: whoever settles it writes what is common first
        return cast("T", self._common[place]) if found is None else found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedList) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it grows

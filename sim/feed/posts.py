"""The posts under way: growable columns, a row a message, those too old taken off the front.

What a feed reads of a post lies together in one *hot* row of eight words; the rest is beside it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import CapacityError, InputError
from sim.kernels.feed import AUTHOR, CREATED, LIKES, SHARES, SHOWN

__all__ = ["Flag", "Kind", "Posts"]

Ids = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

LIMIT = 2**31 - 1
"""Messages that a world can number."""
NO_TOPIC = 255
_LINE = 64
_MOVED = 1 << 16
_DISLIKES, _REPLIES, _REPORTS = range(3)
_PARENT, _CASCADE = range(2)


class Kind(IntEnum):
    """What a message is. Never renumber, only add."""

    POST = 0
    QUOTE = 1
    REPLY = 2
    DIRECT = 3
    GROUP = 4


class Flag(IntFlag):
    """What the platform has put on a message."""

    LABELLED = 1
    HIDDEN = 2
    DOWNRANKED = 4
    PINNED = 8
    AD = 16
    INJECTED = 32


class Posts:
    """The messages that feeds choose from; row ``i`` is message ``first + i``.

    Columns are read-only views of the rows there are now, uint32 unless said otherwise; take them
    anew after a tick. Numbers are never used twice.

    Attributes
    ----------
    first, next
        The number of the first row, and of the next message.
    """

    def __init__(self) -> None:
        self.first = 0
        self._begin = self._end = 0
        self._hot = np.zeros((0, 8), np.uint32)
        self._cold = np.zeros((0, 3), np.uint32)
        self._links = np.zeros((0, 2), np.int32)

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def next(self) -> int:
        """The number that the next message will have."""
        return self.first + len(self)

    @property
    def hot(self) -> Ids:
        """uint32 (posts, 8), as kernels take it (:mod:`sim.kernels.feed`); it can be written."""
        return self._hot[self._begin : self._end]

    @property
    def cold(self) -> Ids:
        """uint32 (posts, 3): dislikes, replies, reports; it can be written."""
        return self._cold[self._begin : self._end]

    @property
    def links(self) -> Ints:
        """int32 (posts, 2): parent and cascade, -1 for none; it can be written."""
        return self._links[self._begin : self._end]

    @property
    def author(self) -> Ids:
        """Who wrote it."""
        return _read_only(self.hot[:, AUTHOR])

    @property
    def created(self) -> Ints:
        """The tick in which it was posted, int32."""
        return _read_only(self.hot.view(np.int32)[:, CREATED])

    @property
    def tags(self) -> npt.NDArray[np.uint64]:
        """Its interests, a uint64 mask over the vocabulary."""
        return _read_only(self.hot.view(np.uint64)[:, 1])

    @property
    def likes(self) -> Ids:
        """How many like it."""
        return _read_only(self.hot[:, LIKES])

    @property
    def shares(self) -> Ids:
        """How often it was reposted or quoted."""
        return _read_only(self.hot[:, SHARES])

    @property
    def shown(self) -> Ids:
        """How often it stood in a feed."""
        return _read_only(self.hot[:, SHOWN])

    @property
    def appeal(self) -> Bytes:
        """How much it appeals whatever one's interests, uint8, in 1/255."""
        return self._byte(0)

    @property
    def topic(self) -> Bytes:
        """The bit of its first tag, uint8; 255 without."""
        return self._byte(1)

    @property
    def flags(self) -> Bytes:
        """What the platform has put on it, uint8 (:class:`Flag`)."""
        return self._byte(2)

    @property
    def kind(self) -> Bytes:
        """What it is, uint8 (:class:`Kind`)."""
        return self._byte(3)

    @property
    def dislikes(self) -> Ids:
        """How many dislike it."""
        return _read_only(self.cold[:, _DISLIKES])

    @property
    def replies(self) -> Ids:
        """How many replies it has."""
        return _read_only(self.cold[:, _REPLIES])

    @property
    def reports(self) -> Ids:
        """How often it was reported."""
        return _read_only(self.cold[:, _REPORTS])

    @property
    def parent(self) -> Ints:
        """The message that it quotes or replies to, int32; -1 for none."""
        return _read_only(self.links[:, _PARENT])

    @property
    def cascade(self) -> Ints:
        """The id of the injected message that it is, int32; -1 for none."""
        return _read_only(self.links[:, _CASCADE])

    @property
    def numbers(self) -> Ids:
        """The number of each row."""
        return np.arange(self.first, self.next, dtype=np.uint32)

    def _byte(self, place: int) -> Bytes:
        return _read_only(self.hot.view(np.uint8)[:, 28 + place])

    @property
    def nbytes(self) -> int:
        """Bytes held, room to grow included."""
        return self._hot.nbytes + self._cold.nbytes + self._links.nbytes

    def row(self, message: int) -> int:
        """Return the row of a message.

        Raises
        ------
        InputError
            When there is none of that number, or it is too old to be shown.
        """
        if not 0 <= message < self.next:
            raise InputError(f"There is no message {message:,}; {self.next:,} were posted so far.")
        if message < self.first:
            raise InputError(
                f"Message {message:,} is no longer in anybody's feed; the oldest there is "
                f"{self.first:,}."
            )
        return message - self.first

    def rows(self, messages: Ids) -> npt.NDArray[np.int64]:
        """Return the rows of messages that are in the table, int64."""
        return messages.astype(np.int64) - self.first

    def append(
        self,
        author: npt.ArrayLike,
        tick: int,
        *,
        tags: npt.ArrayLike = 0,
        topic: npt.ArrayLike = NO_TOPIC,
        appeal: npt.ArrayLike = 128,
        kind: int = Kind.POST,
        flags: int = 0,
        parent: npt.ArrayLike = -1,
        cascade: npt.ArrayLike = -1,
    ) -> Ids:
        """Add messages at the end; returns their numbers.

        Parameters
        ----------
        author
            Agents (k,).
        tick
            When they were posted, not before the last ones.
        tags, topic, appeal, kind, flags, parent, cascade
            As the columns; one for all, or (k,).

        Raises
        ------
        CapacityError
            When a world would have more messages than it can number.
        """
        writers = np.atleast_1d(np.asarray(author, np.uint32))
        count = writers.size
        if self.next + count > LIMIT:
            raise CapacityError(f"A world numbers {LIMIT:,} messages, and has {self.next:,}.")
        self._reserve(count)
        rows = slice(self._end, self._end + count)
        hot, links = self._hot[rows], self._links[rows]
        hot[:] = 0
        hot[:, AUTHOR], hot[:, CREATED] = writers, tick
        hot.view(np.uint64)[:, 1] = np.asarray(tags, np.uint64)
        meta = hot.view(np.uint8)[:, 28:]
        meta[:, 0], meta[:, 1], meta[:, 2], meta[:, 3] = appeal, topic, flags, kind
        self._cold[rows] = 0
        links[:, _PARENT], links[:, _CASCADE] = parent, cascade
        numbers = np.arange(self.next, self.next + count, dtype=np.uint32)
        self._end += count
        return numbers

    def retire(self, tick: int) -> int:
        """Take the messages posted before ``tick`` off the table; returns how many."""
        gone = bisect_left(self.created, tick)  # a search by numpy would copy the column
        self._begin += gone
        self.first += gone
        return gone

    def mark(self, message: int, flag: Flag, *, on: bool = True) -> None:
        """Put a flag on a message, or take it off."""
        flags = self.hot.view(np.uint8)[self.row(message), 30:31]
        flags[:] = flags | np.uint8(flag) if on else flags & ~np.uint8(flag)

    def _reserve(self, count: int) -> None:
        """Make room for rows at the end, where the front has room by moving rows there."""
        held, live = len(self._hot), len(self)
        if self._end + count <= held:
            return
        needed = live + count
        room = held if needed <= held - held // 8 else max(1024, needed + needed // 4)
        for name in ("_hot", "_cold", "_links"):
            old = getattr(self, name)
            new = _aligned(room, old.shape[1], old.dtype) if room > held else old
            for at in range(0, live, _MOVED):  # no second copy of all where it moves within itself
                rows = slice(self._begin + at, min(self._begin + at + _MOVED, self._end))
                new[at : at + rows.stop - rows.start] = old[rows]
            setattr(self, name, new)
        self._begin, self._end = 0, live

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return (what JSON can hold, arrays by name), whatever room there is to grow."""
        return {"first": self.first}, {"hot": self.hot, "cold": self.cold, "links": self.links}

    @classmethod
    def restore(cls, meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> Posts:
        """Return the posts of :meth:`dump`; takes copies."""
        posts = cls()
        posts.first = int(meta["first"])
        posts._end = len(columns["hot"])
        for name in ("hot", "cold", "links"):
            fits = columns[name].shape == (posts._end, getattr(posts, name).shape[1])
            if not fits:
                raise InputError(f"The column {name!r} of the posts is of another shape.")
            rows = _aligned(posts._end, columns[name].shape[1], getattr(posts, name).dtype)
            rows[:] = columns[name]
            setattr(posts, f"_{name}", rows)
        return posts


def _aligned(rows: int, width: int, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return zeros that begin with a cache line, so that no hot row lies in two."""
    size = rows * width * kind.itemsize
    block = np.zeros(size + _LINE, np.uint8)
    start = -block.ctypes.data % _LINE
    return block[start : start + size].view(kind).reshape(rows, width)


def _read_only(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = column.view()
    view.flags.writeable = False
    return view

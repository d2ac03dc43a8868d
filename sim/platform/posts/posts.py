"""Posts as growable columns, the posts of injected messages, and the pools feeds draw from.

The fields of a post that feeds read are in one *hot* row of eight words; the others are stored
separately. The oldest rows are dropped from the front.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I32, U8, Ids
from sim.core.append_log import SharedList
from sim.errors import CapacityError, InputError
from sim.platform.acts.acts_kernels import by_topic
from sim.platform.feed.candidates_kernels import AUTHOR, CREATED, LIKES, SHARES, SHOWN

LIMIT = 2**31 - 1
"""Maximum number of messages in a world."""
NO_TOPIC = 255
_FULL = 2**16 - 1
_DISLIKES, _REPLIES, _REPORTS = range(3)


class Kind(IntEnum):
    """Kind of a message. Never renumber, only add."""

    POST = 0
    QUOTE = 1
    REPLY = 2
    DIRECT = 3
    GROUP = 4


class Flag(IntFlag):
    """Flags of a message, set by the platform."""

    LABELLED = 1
    HIDDEN = 2
    DOWNRANKED = 4
    PINNED = 8
    AD = 16
    INJECTED = 32


class Posts:
    """The table of messages in feeds; row ``i`` is message ``first + i``.

    Columns are read-only views of the current rows, uint32 unless noted otherwise; get them again
    after each tick. Numbers are never reused.

    Attributes
    ----------
    first, next
        Number of the first row, and of the next message.
    """

    def __init__(self) -> None:
        self.first = 0
        self._hot = RowQueue(8, np.uint32, large=True)
        self._cold = RowQueue(3, np.uint16)
        self._most = 0
        self._parent = RowQueue(1, np.int32)
        self._cascades: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._hot)

    @property
    def next(self) -> int:
        """Number of the next message."""
        return self.first + len(self)

    @property
    def hot(self) -> Ids:
        """uint32 (posts, 8), for kernels (``candidates_kernels``); writable."""
        return self._hot.live

    @property
    def cold(self) -> npt.NDArray[Any]:
        """(posts, 3): dislikes, replies, reports; writable, after :meth:`hold`.

        uint16, or uint32 once a counter may exceed that.
        """
        return self._cold.live

    @property
    def links(self) -> I32:
        """int32 (posts, 2): parent and cascade, -1 for none; a new array."""
        return np.stack([self.parent, self.cascade], axis=1)

    @property
    def author(self) -> Ids:
        """Author."""
        return _read_only(self.hot[:, AUTHOR])

    @property
    def created(self) -> I32:
        """Tick of posting, int32."""
        return _read_only(self.hot.view(np.int32)[:, CREATED])

    @property
    def tags(self) -> npt.NDArray[np.uint64]:
        """Interests, a uint64 mask over the vocabulary."""
        return _read_only(self.hot.view(np.uint64)[:, 1])

    @property
    def likes(self) -> Ids:
        """Number of likes."""
        return _read_only(self.hot[:, LIKES])

    @property
    def shares(self) -> Ids:
        """Number of reposts and quotes."""
        return _read_only(self.hot[:, SHARES])

    @property
    def shown(self) -> Ids:
        """Number of impressions."""
        return _read_only(self.hot[:, SHOWN])

    @property
    def appeal(self) -> U8:
        """Appeal independent of interests, uint8, in 1/255."""
        return self._byte(0)

    @property
    def topic(self) -> U8:
        """Bit of the first tag, uint8; 255 without tags."""
        return self._byte(1)

    @property
    def flags(self) -> U8:
        """Flags, uint8 (:class:`Flag`)."""
        return self._byte(2)

    @property
    def kind(self) -> U8:
        """Kind, uint8 (:class:`Kind`)."""
        return self._byte(3)

    @property
    def dislikes(self) -> Ids:
        """Number of dislikes."""
        return _read_only(self.cold[:, _DISLIKES].astype(np.uint32))

    @property
    def replies(self) -> Ids:
        """Number of replies."""
        return _read_only(self.cold[:, _REPLIES].astype(np.uint32))

    @property
    def reports(self) -> Ids:
        """Number of reports."""
        return _read_only(self.cold[:, _REPORTS].astype(np.uint32))

    @property
    def parent(self) -> I32:
        """Message that it quotes or replies to, int32; -1 for none."""
        return _read_only(self._parent.live[:, 0])

    @property
    def cascade(self) -> I32:
        """Id of its injected message, int32; -1 for none."""
        return _read_only(self.cascades_of(slice(0, len(self))))

    @property
    def numbers(self) -> Ids:
        """Message number of each row."""
        return np.arange(self.first, self.next, dtype=np.uint32)

    def _byte(self, place: int) -> U8:
        return _read_only(self.hot.view(np.uint8)[:, 28 + place])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._hot.nbytes + self._cold.nbytes + self._parent.nbytes

    def row(self, message: int) -> int:
        """Return the row of a message.

        Raises
        ------
        InputError
            If there is no such message, or it is too old to be shown.
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
        """Return the rows of messages in the table, int64."""
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
        """Append messages; return their numbers.

        Parameters
        ----------
        author
            Agents (k,).
        tick
            Tick of posting, not before that of the last ones.
        tags, topic, appeal, kind, flags, parent, cascade
            As the columns; one value for all, or (k,).

        Raises
        ------
        CapacityError
            If the world would exceed the maximum number of messages.
        """
        writers = np.atleast_1d(np.asarray(author, np.uint32))
        count = writers.size
        if self.next + count > LIMIT:
            raise CapacityError(f"A world numbers {LIMIT:,} messages, and has {self.next:,}.")
        numbers = np.arange(self.next, self.next + count, dtype=np.uint32)
        hot = self._hot.extend(count)
        hot[:, AUTHOR], hot[:, CREATED] = writers, tick
        hot.view(np.uint64)[:, 1] = np.asarray(tags, np.uint64)
        meta = hot.view(np.uint8)[:, 28:]
        meta[:, 0], meta[:, 1], meta[:, 2], meta[:, 3] = appeal, topic, flags, kind
        self._cold.extend(count)
        self._parent.extend(count)[:, 0] = parent
        ids = np.broadcast_to(np.asarray(cascade, np.int32), count)
        given = np.flatnonzero(ids >= 0)
        self._cascades |= dict(zip(numbers[given].tolist(), ids[given].tolist(), strict=True))
        return numbers

    def retire(self, tick: int) -> int:
        """Remove messages posted before ``tick`` from the table; return how many."""
        gone = bisect_left(self.created, tick)  # numpy's search would copy the column
        for rows in (self._hot, self._cold, self._parent):
            rows.drop(gone)
        self.first += gone
        if self._cascades:
            known = self._cascades.items()
            self._cascades = {message: own for message, own in known if message >= self.first}
        return gone

    def cascades_of(self, rows: slice) -> I32:
        """Return :attr:`cascade` of consecutive rows; a new array."""
        found = np.full(rows.stop - rows.start, -1, np.int32)
        begin, end = self.first + rows.start, self.first + rows.stop
        for message, own in self._cascades.items():
            if begin <= message < end:
                found[message - begin] = own
        return found

    def cascade_of(self, message: int) -> int:
        """Return the id of a message's injected message, -1 for none."""
        return self._cascades.get(message, -1)

    def hold(self, messages: Ids) -> None:
        """Ensure that :attr:`cold` can count one more act on each of some messages."""
        if self._cold.live.dtype != np.uint16:
            return
        self._most += messages.size
        if self._most <= _FULL:
            return
        again = np.unique(messages, return_counts=True)[1]
        self._most = int(self.cold.max(initial=0)) + int(again.max(initial=0))
        if self._most > _FULL:
            self._cold = self._cold.copied(np.uint32)

    def mark(self, message: int, flag: Flag, *, on: bool = True) -> None:
        """Set or clear a flag of a message."""
        flags = self.hot.view(np.uint8)[self.row(message), 30:31]
        flags[:] = flags | np.uint8(flag) if on else flags & ~np.uint8(flag)

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return (JSON data, arrays by name), without spare capacity."""
        cold = self.cold.astype(np.uint32)
        return {"first": self.first}, {"hot": self.hot, "cold": cold, "links": self.links}

    @classmethod
    def restore(cls, meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> Posts:
        """Return the posts of :meth:`dump`; takes copies."""
        posts = cls()
        posts.first = int(meta["first"])
        count = len(columns["hot"])
        for name, width in (("hot", 8), ("cold", 3), ("links", 2)):
            if columns[name].shape != (count, width):
                raise InputError(f"The column {name!r} of the posts is of another shape.")
        posts._hot.extend(count)[:] = columns["hot"]
        posts._most = int(columns["cold"].max(initial=0))
        if posts._most > _FULL:
            posts._cold = RowQueue(3, np.uint32)
        posts._cold.extend(count)[:] = columns["cold"]
        parent, cascade = columns["links"].T
        posts._parent.extend(count)[:, 0] = parent
        given = np.flatnonzero(cascade >= 0)
        messages = (given + posts.first).tolist()
        posts._cascades = dict(zip(messages, cascade[given].tolist(), strict=True))
        return posts


def _read_only(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = column.view()
    view.flags.writeable = False
    return view


_MOVED = 1 << 16
"""Rows moved at a time; their old memory is freed before the next."""
_LEAST = 1024
_ROOM = 4
"""Capacity of a new mapping, as a multiple of the current rows."""
_LARGE = 1 << 22
"""Size in bytes from which the system may use huge pages, as numpy allows it."""


class RowQueue:
    """A table with several columns of one dtype; rows are aligned to their width.

    It reserves ample address space, which takes no memory before rows are written, and frees the
    memory of dropped rows at once. Rows stay in place until the space is used up; then they move to
    a new mapping, a block at a time, so that there is never a second copy of all rows.
    """

    def __init__(self, width: int, kind: npt.DTypeLike, *, large: bool = False) -> None:
        self._width, self._kind, self._large = width, np.dtype(kind), large
        self._size = width * self._kind.itemsize
        self._held, self._rows = self._room(0)
        self._begin = self._end = self._given = 0

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def live(self) -> npt.NDArray[Any]:
        """The current rows, (rows, width); writable."""
        return self._rows[self._begin : self._end]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that rows may occupy."""
        return self._end * self._size - self._given

    def extend(self, count: int) -> npt.NDArray[Any]:
        """Append ``count`` rows of zeros and return them; they take memory when written."""
        if self._end + count > len(self._rows):
            needed = len(self) + count
            self._move(max(_LEAST, _ROOM * needed), needed + needed // 4)
        self._end += count
        return self._rows[self._end - count : self._end]

    def drop(self, count: int) -> None:
        """Remove rows from the front."""
        self._begin += count
        self._given = max(self._given, self._give_back(self._held, self._given, self._begin))

    def copied(self, kind: npt.DTypeLike) -> RowQueue:
        """Return the same rows with another dtype."""
        rows = RowQueue(self._width, kind, large=self._large)
        rows.extend(len(self))[:] = self.live
        return rows

    def _move(self, room: int, least: int) -> None:
        """Move all rows to a new mapping of ``room`` rows, or ``least`` if there is no space."""
        held, old, given, live = self._held, self._rows, self._given, len(self)
        try:
            self._held, self._rows = self._room(room)
        except MemoryError:  # a system without overcommit
            self._held, self._rows = self._room(least)
        for at in range(0, live, _MOVED):
            block = old[self._begin + at : min(self._begin + at + _MOVED, self._end)]
            self._rows[at : at + len(block)] = block
            given = max(given, self._give_back(held, given, self._begin + at + len(block)))
        self._begin, self._end, self._given = 0, live, 0

    def _give_back(self, held: mmap.mmap, given: int, stop: int) -> int:
        """Free whole pages before row ``stop``, from byte ``given`` on; return the end byte."""
        high = stop * self._size // mmap.PAGESIZE * mmap.PAGESIZE
        if high > given and hasattr(held, "madvise"):
            held.madvise(mmap.MADV_DONTNEED, given, high - given)
        return high

    def _room(self, rows: int) -> tuple[mmap.mmap, npt.NDArray[Any]]:
        """Return memory for ``rows`` rows, and a view of it."""
        size = max(rows * self._size, 1)
        try:
            held = mmap.mmap(-1, size, **_OWN)
        except OSError:
            raise MemoryError(f"Unable to allocate {size:,} bytes for messages.") from None
        if self._large and size >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):
                held.madvise(mmap.MADV_HUGEPAGE)
        flat = np.frombuffer(held, self._kind, count=rows * self._width)
        return held, flat.reshape(rows, self._width)


_OWN: dict[str, int] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)
"""Private mapping: a forked process has its own copy."""


class InjectedPosts(Mapping[int, int]):
    """The post number of each injected message, by the message's id.

    Examples
    --------
    >>> posts = InjectedPosts([(0, 17)])
    >>> then = posts.so_far()
    >>> posts.add(1, 40)
    >>> dict(posts), list(then)
    ({0: 17, 1: 40}, [(0, 17)])
    """

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._pairs = SharedList(pairs)
        self._posts = dict(self._pairs)

    def add(self, message: int, post: int) -> None:
        """Record the post of a message that has none yet."""
        self._pairs.append((message, post))
        self._posts[message] = post

    def so_far(self) -> SharedList[tuple[int, int]]:
        """Return the (id, number) pairs so far; the copy takes no memory: undo keeps hundreds."""
        return self._pairs.copied()

    def __getitem__(self, message: int) -> int:
        return self._posts[message]

    def __iter__(self) -> Iterator[int]:
        return iter(self._posts)

    def __len__(self) -> int:
        return len(self._posts)


TOPICS = 64
NEWEST = 16_384
"""Number of the newest messages considered for pools."""
TRENDING = 256
"""Maximum number of trending messages; as many of the newest are added to them."""
_MANY = 1 << 16
"""Touched messages processed at a time."""


class Pools(NamedTuple):
    """Messages to draw from."""

    messages: Ids  # by topic, then the common pool
    parts: npt.NDArray[np.int64]  # offset of each topic, of the common pool, and the end


def pools_of(posts: Posts, trending: Ids, own: Ids | None = None) -> Pools:
    """Return this tick's pools."""
    parts = np.zeros(TOPICS + 2, np.int64)
    if own is not None:
        parts[-1] = len(own)
        return Pools(np.ascontiguousarray(own, np.uint32), parts)
    newest = posts.numbers[-NEWEST:]
    rows = slice(len(posts) - newest.size, None)
    fit = (posts.kind[rows] < Kind.REPLY) & ((posts.flags[rows] & np.uint8(Flag.HIDDEN)) == 0)
    numbers, topic = newest[fit], np.ascontiguousarray(posts.topic[rows][fit])
    sorted_ids = np.empty(numbers.size, np.uint32)
    by_topic(topic, numbers, parts[: TOPICS + 1], sorted_ids)
    everybody = np.concatenate([trending[trending >= posts.first], numbers[-TRENDING:]])
    parts[-1] = parts[TOPICS] + everybody.size
    return Pools(np.concatenate([sorted_ids[: parts[TOPICS]], everybody]), parts)


def trending_now(posts: Posts, before: Ids, touched: Ids, oldest: int) -> Ids:
    """Return trending messages: the highest ``likes + 2 shares`` among recent ones."""
    young = posts.first + bisect_left(posts.created, oldest)
    kept = posts.rows(before[before >= young])
    least = _worth(posts, kept).min() if kept.size == TRENDING else 0
    found = np.zeros(len(posts), np.bool_)
    found[kept] = True
    for low in range(0, touched.size, _MANY):  # lower values than all of them cannot enter
        part = touched[low : low + _MANY]
        fresh = posts.rows(part[part >= young])
        found[fresh[_worth(posts, fresh) >= least]] = True
    rows = np.flatnonzero(found)
    order = np.lexsort((-rows, -_worth(posts, rows)))[:TRENDING]
    highest: Ids = (rows[order] + posts.first).astype(np.uint32)
    return highest


def _worth(posts: Posts, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    worth: npt.NDArray[np.int64] = posts.likes[rows] + np.int64(2) * posts.shares[rows]
    return worth

"""Tables of members' acts, posts and decisions, made tick by tick while they are written."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.io.exporting.tables import ExportColumn, ExportTable, Who
from sim.platform.acts.kinds import OF_GROUPS, Act
from sim.platform.acts.log import NOBODY
from sim.platform.acts.tick_record import posted_in, said_in
from sim.platform.posts.posts import Kind
from sim.store.history.acts import Record, TickMessages
from sim.world.interventions.kinds import Vote

if TYPE_CHECKING:
    from sim.world.world import World


Part = Sequence[Any]
"""Columns of some rows, of one length."""

_ACTS = [act.says for act in Act]
_KINDS = [kind.name.lower() for kind in Kind]
_COUNTED = {
    Act.LIKE: (0, 1), Act.UNLIKE: (0, -1), Act.REPOST: (1, 1), Act.QUOTE: (1, 1),
    Act.REPLY: (2, 1), Act.REPORT: (3, 1), Act.DISLIKE: (4, 1), Act.UNDO_DISLIKE: (4, -1),
}  # fmt: skip
_COUNTERS = ("likes", "shares", "replies", "reports", "dislikes")


class _Flow:
    """Rows that arrive in parts; all columns are read in the same consecutive slices."""

    def __init__(self, parts: Callable[[], Iterator[Part]]) -> None:
        self._parts = parts
        self._source: Iterator[Part] | None = None
        self._held: list[list[Any]] = []
        self._begin = self._end = 0

    def take(self, column: int, where: slice) -> list[Any]:
        """Return some cells of a column; earlier cells are dropped, so reading them starts over."""
        if self._source is None or where.start < self._begin:
            self._source, self._held, self._begin, self._end = self._parts(), [], 0, 0
        while self._end < where.stop and (part := next(self._source, None)) is not None:
            self._add(part, where.start)
        return self._held[column][where.start - self._begin : where.stop - self._begin]

    def _add(self, part: Part, start: int) -> None:
        cells = [c.tolist() if hasattr(c, "tolist") else list(c) for c in part]
        if not self._held:
            self._held = [[] for _ in cells]
        passed = min(start, self._end) - self._begin
        for held, more in zip(self._held, cells, strict=True):
            del held[:passed]
            held += more
        self._begin += passed
        self._end += len(cells[0])


class _Cells:
    """One column of a flow."""

    def __init__(self, flow: _Flow, place: int) -> None:
        self._flow, self._place = flow, place

    def __getitem__(self, where: slice) -> list[Any]:
        return self._flow.take(self._place, where)


def doings_of(world: World, record: Record, who: Who) -> tuple[ExportTable, ...]:
    """Return the tables ``posts`` and ``acts``, and ``decisions``, ``replies`` if not empty."""
    tables = [_posts(world, record, who), _acts(record, who)]
    decided = sum(len(rows) for _, rows in record.decisions())
    if decided:
        asked = sum(len(row.get("replies", ())) for _, rows in record.decisions() for row in rows)
        tables += [_decisions(record, who, decided), _replies(record, who, asked)]
    return tuple(tables)


def _acts(record: Record, who: Who) -> ExportTable:
    def parts() -> Iterator[Part]:
        for tick, acts in record.acts():
            of_group = np.isin(acts.act, OF_GROUPS)
            yield (
                [tick] * acts.agent.size, acts.agent, acts.act, _or_none(acts.message),
                np.where(of_group, -1, _signed(acts.other)),
                _or_none(np.where(of_group, acts.other, NOBODY)),
            )  # fmt: skip

    flow = _Flow(parts)
    columns = (
        ExportColumn("tick", "integer", _Cells(flow, 0)),
        who("agent", _Cells(flow, 1)),
        ExportColumn("act", "text", _Cells(flow, 2), _ACTS),
        ExportColumn("message", "integer", _Cells(flow, 3)),
        who("other", _Cells(flow, 4)),
        ExportColumn("group", "integer", _Cells(flow, 5)),
    )
    return ExportTable("acts", record.sizes[0], columns)


def _posts(world: World, record: Record, who: Who) -> ExportTable:
    held = _only_in_feeds(world, record)
    counts = _Counts(world, record, held)
    names = world.agents.vocabulary.names

    def parts() -> Iterator[Part]:
        for wall in heapq.merge(record.walls(), held, key=lambda wall: wall.first):
            wrote, size = wall.wrote, wall.wrote.author.size
            yield (
                range(wall.first, wall.first + size), [wall.tick] * size, wrote.author, wrote.kind,
                _or_none(wrote.parent), _signed(wrote.to), _texts(world, wall),
                [list(names(mask)) for mask in wrote.tags.tolist()], _or_none(wrote.cascade),
                *counts.of(wall),
            )  # fmt: skip

    flow = _Flow(parts)
    columns = (
        ExportColumn("id", "integer", _Cells(flow, 0)),
        ExportColumn("tick", "integer", _Cells(flow, 1)),
        who("author", _Cells(flow, 2)),
        ExportColumn("kind", "text", _Cells(flow, 3), _KINDS),
        ExportColumn("parent", "integer", _Cells(flow, 4)),
        who("to", _Cells(flow, 5)),
        ExportColumn("text", "text", _Cells(flow, 6)),
        ExportColumn("tags", "words", _Cells(flow, 7)),
        ExportColumn("message", "integer", _Cells(flow, 8)),
        *(
            ExportColumn(name, "integer", _Cells(flow, 9 + place))
            for place, name in enumerate(_COUNTERS)
        ),
    )
    return ExportTable("posts", record.sizes[1] + sum(map(_size, held)), columns)


def _texts(world: World, wall: TickMessages) -> list[str]:
    columns = (column.tolist() for column in wall.wrote)
    return [
        said_in(world.agents, world.seed, number, row, wall.texts.get(number))
        for number, row in enumerate(zip(*columns, strict=True), wall.first)
    ]


def _only_in_feeds(world: World, record: Record) -> list[TickMessages]:
    """Return messages that are in the world's feeds but not on record."""
    platform = world.platform
    if platform is None:
        return []
    posts, kept = platform.posts, record.ticks
    ticks = np.setdiff1d(posts.created, kept).tolist()
    return [TickMessages(tick, *posted_in(posts, platform.written, tick)) for tick in ticks]


def _size(wall: TickMessages) -> int:
    return int(wall.wrote.author.size)


class _Counts:
    """The numbers of likes, shares, replies, reports and dislikes of each message.

    Messages in feeds have counters; for others, the acts on record are counted, and the votes of
    interventions. If acts on a message may be missing from the record, its counts are unknown.
    """

    def __init__(self, world: World, record: Record, held: Sequence[TickMessages]) -> None:
        self._first, stop = record.numbers
        if held:
            stop = max(stop, held[-1].first + _size(held[-1]))
            self._first = min(self._first, held[0].first) if record.sizes[1] else held[0].first
        self._counts = np.zeros((len(_COUNTERS), stop - self._first), np.int64)
        self._blank = max((last for _, last in record.missing), default=-1)
        for _, acts in record.acts():
            known = (acts.message >= self._first) & (acts.message < stop)
            for act, (place, step) in _COUNTED.items():
                about = acts.message[known & (acts.act == act)] - np.uint32(self._first)
                np.add.at(self._counts[place], about, step)
        self._vote(world)
        self._live = stop
        if world.platform is not None and len(world.platform.posts):
            posts = world.platform.posts
            self._live = posts.first
            low = max(self._first, posts.first)
            for place, name in enumerate(_COUNTERS):
                column = getattr(posts, name)[low - posts.first : stop - posts.first]
                self._counts[place, low - self._first :] = column

    def _vote(self, world: World) -> None:
        """Add the votes of interventions, which are not acts of members."""
        injected = {} if world.platform is None else world.platform.injected
        for planned in world.interventions:
            does = planned.does
            if isinstance(does, Vote) and planned.is_over and not planned.failed:
                place = injected.get(does.message, -1) - self._first
                if 0 <= place < self._counts.shape[1]:
                    self._counts[0, place] += does.likes
                    self._counts[4, place] += does.dislikes

    def of(self, wall: TickMessages) -> Iterator[Any]:
        """Return the counts for the messages of a tick, one column each; None: unknown."""
        mine = slice(wall.first - self._first, wall.first - self._first + _size(wall))
        if wall.tick > self._blank or wall.first >= self._live:
            yield from self._counts[:, mine]
        else:
            yield from ([None] * _size(wall) for _ in _COUNTERS)


def _decisions(record: Record, who: Who, rows: int) -> ExportTable:
    def parts() -> Iterator[Part]:
        for tick, decided in record.decisions():
            yield (
                [tick] * len(decided), [int(row.get("member", -1)) for row in decided],
                [str(row.get("source", "")) for row in decided],
                [json.dumps(row.get("acts", [])) for row in decided],
                [[str(each) for each in row.get("faults", ())] for row in decided],
                *zip(*(_spent(row) for row in decided), strict=True),
            )  # fmt: skip

    flow = _Flow(parts)
    columns = (
        ExportColumn("tick", "integer", _Cells(flow, 0)),
        who("member", _Cells(flow, 1)),
        ExportColumn("source", "text", _Cells(flow, 2)),
        ExportColumn("acts", "text", _Cells(flow, 3)),
        ExportColumn("faults", "words", _Cells(flow, 4)),
        *(
            ExportColumn(name, "integer", _Cells(flow, 5 + place))
            for place, name in enumerate(("requests", "tokens", "nano_dollars"))
        ),
    )
    return ExportTable("decisions", rows, columns)


def _spent(row: dict[str, Any]) -> tuple[int, int, int]:
    requests, tokens, nano = (*row.get("spent", ()), 0, 0, 0)[:3]
    return int(requests), int(tokens), int(nano)


_REPLY = {
    "number": "integer", "question": "text", "prompt": "text", "text": "text", "fault": "text",
    "provider": "text", "model": "text", "seconds": "number", "read": "integer",
    "written": "integer", "nano_dollars": "integer", "source": "text",
}  # fmt: skip


def _replies(record: Record, who: Who, rows: int) -> ExportTable:
    def parts() -> Iterator[Part]:
        for tick, decided in record.decisions():
            told = [(row, reply) for row in decided for reply in row.get("replies", ())]
            if told:
                yield (
                    [tick] * len(told), [int(row.get("member", -1)) for row, _ in told],
                    *([_cell(reply, name) for _, reply in told] for name in _REPLY),
                )  # fmt: skip

    flow = _Flow(parts)
    columns = (
        ExportColumn("tick", "integer", _Cells(flow, 0)),
        who("member", _Cells(flow, 1)),
        *(
            ExportColumn("reply" if name == "text" else name, kind, _Cells(flow, 2 + place))  # type: ignore[arg-type]
            for place, (name, kind) in enumerate(_REPLY.items())
        ),
    )
    return ExportTable("replies", rows, columns)


def _cell(reply: dict[str, Any], name: str) -> Any:
    value = reply.get(name)
    if name == "prompt":
        return None if value is None else json.dumps(value, ensure_ascii=False)
    if _REPLY[name] == "text":
        return str(value or "")
    return value if isinstance(value, int | float) else None


def _signed(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    return np.where(numbers == NOBODY, -1, numbers.astype(np.int64))


def _or_none(numbers: npt.NDArray[Any]) -> list[int | None]:
    plain = numbers.astype(np.int64)
    return [None if each in {-1, NOBODY} else each for each in plain.tolist()]

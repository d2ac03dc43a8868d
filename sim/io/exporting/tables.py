"""A world as export tables with lazily computed cells; and tables as CSV or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from sim.agents.languages import LANGUAGES
from sim.agents.lifecycle import Lifecycle
from sim.agents.profiles import TRAITS
from sim.core.text import clean
from sim.io.importing.sniff import guarded
from sim.network.relations.blocklist import BLOCKED, MUTED
from sim.network.relations.membership import ENDLESS
from sim.store.relational import ended_at
from sim.store.snapshot.schema import to_json
from sim.world.members import activity_records

if TYPE_CHECKING:
    from sim.agents.records import ColdRecords
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


Kind = Literal["text", "integer", "number", "words"]
"""The type of a cell; ``words`` are a list of texts."""

_NOBODY = 0xFFFF_FFFF
_TRUST = (np.arange(65_536) / 65_535).tolist()
_KINDS = ["follow", "friend"]
_SHARES = np.round(np.arange(256) / 255, 4).tolist()
_STATUS = [status.name.lower() for status in Lifecycle]


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One property of every row."""

    name: str  # name, kind: the name of the column, and the type of its cells
    kind: Kind
    cells: Any  # the cells; if words is given, indices into it, -1 for none. Sliced
    # the distinct values, if they are few or shared by several columns
    words: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class ExportTable:
    """Rows of one kind, such as ``agents``."""

    name: str
    rows: int
    columns: tuple[ExportColumn, ...]


def tables_of(world: World, who: Who | None = None) -> tuple[ExportTable, ...]:
    """Return a world as tables, some only if not empty; cells are computed when sliced."""
    who = who_of(world) if who is None else who
    always = _agents(world, who), _ties(world, who), _adoptions(world, who), _messages(world, who)
    seldom = _moves(world, who), _silences(world, who)
    return (*always, *(table for table in seldom if table.rows), *groups_of(world, who))


def graph_of(world: World) -> tuple[ExportTable, ExportTable]:
    """Return members and ties as the nodes and edges of a graph.

    For each of the newest 16 messages, a node has the member's state, the tick of its first
    adoption (-1: never), and the id of its source (-1 or an empty text: none); columns are
    named after the message's number.
    """
    agents, ties, *_ = tables_of(world)
    own = agents.columns[0]
    ids = replace(own, words=[*(own.words or ()), -1 if own.kind == "integer" else ""])
    told = [column for cascade in world.cascades[-_TOLD:] for column in _adopted(cascade, ids)]
    return replace(agents, columns=(*agents.columns, *told)), ties


_TOLD = 16
"""Number of messages described at a node of a graph."""


def _adopted(cascade: Cascade, ids: ExportColumn) -> Iterator[ExportColumn]:
    """Return the state, adoption and source of each member for a message, as graph attributes."""
    at, source = (c.astype(np.int64) for c in (cascade.adopted_at, cascade.source))
    places, agents = cascade.state_now.astype(np.int64), len(at)
    yield ExportColumn(f"message_{cascade.id}_state", "text", places, cascade.states)
    yield ExportColumn(f"message_{cascade.id}_adopted_at", "integer", at)
    known = np.where(source < 0, agents, source)
    yield replace(ids, name=f"message_{cascade.id}_source", cells=known)


Who = Callable[[str, Any], ExportColumn]
"""Makes a column of members from its name and their indices, -1 for none."""


def who_of(world: World) -> Who:
    """Return a function that makes columns of members, written as their foreign ids."""
    agents = world.agents
    ids = [agents.id(index) for index in range(len(agents))]
    kind: Kind = "text" if isinstance(ids[0], str) else "integer"

    def who(name: str, places: Any) -> ExportColumn:
        return ExportColumn(name, kind, places, ids)

    return who


class _Made:
    """Values computed by a function of the row when they are sliced."""

    def __init__(self, count: int, make: Callable[[int], Any]) -> None:
        self._rows, self._make = range(count), make

    def __getitem__(self, where: slice) -> list[Any]:
        return [*map(self._make, self._rows[where])]


def _agents(world: World, who: Who) -> ExportTable:
    agents = world.agents
    count, masks = len(agents), agents.interests
    named = lru_cache(1 << 16)(agents.vocabulary.names)
    traits = (
        ExportColumn(name, "number", agents.personality[:, i], _SHARES)
        for i, name in enumerate(TRAITS)
    )
    columns = (
        who("id", np.arange(count)),
        ExportColumn("name", "text", _Made(count, agents.name)),
        ExportColumn("status", "text", agents.status, _STATUS),
        ExportColumn("community", "text", agents.community, agents.communities),
        ExportColumn(
            "activity", "number", _Made(count, lambda i: round(float(agents.activity[i]), 6))
        ),
        ExportColumn("last_active", "integer", activity_records(world).last()),
        ExportColumn("interests", "words", _Made(count, lambda i: list(named(int(masks[i]))))),
        *traits,
        *(
            (ExportColumn("language", "text", agents.language, [*LANGUAGES]),)
            if agents.is_multilingual
            else ()
        ),
        *(_profiles(world) if len(agents.lore.cold) else ()),
    )
    return ExportTable("agents", count, columns)


def _profiles(world: World) -> Iterator[ExportColumn]:
    """Return the profile fields of members: texts, and all other fields as JSON."""
    count, cold = len(world.agents), world.agents.lore.cold
    for name in ("biography", "persona"):
        yield ExportColumn(name, "text", _Made(count, partial(_text_in, cold, name)))
    yield ExportColumn("profile", "text", _Made(count, lambda agent: _more_in(cold.get(agent))))


def _text_in(cold: ColdRecords, name: str, agent: int) -> str | None:
    return cold.text(agent, name) or None


def _more_in(record: Mapping[str, Any]) -> str | None:
    more = record.get("more")
    return json.dumps(more, ensure_ascii=False) if more else None


def _ties(world: World, who: Who) -> ExportTable:
    ties = world.ties
    sources = np.repeat(np.arange(ties.agents, dtype=np.uint32), ties.out_degree)
    full = np.broadcast_to(np.uint16(65_535), ties.count)
    more: tuple[ExportColumn, ...] = ()
    if len(world.tie_records):
        records = world.tie_records
        at = records.places(sources, ties.targets)
        codes = np.append(records.codes, np.uint32(0xFFFF_FFFF)).view(np.int32)  # the last: -1
        texts = [records.text(place) or None for place in range(len(records))]
        more = (
            ExportColumn("type", "text", codes[at].astype(np.int64), records.names),
            ExportColumn("properties", "text", at, texts),
        )
    columns = (
        who("source", sources),
        who("target", ties.targets),
        ExportColumn("trust", "number", ties.trust if ties.trust.size else full, _TRUST),
        *(ExportColumn(name, "integer", cells) for name, cells in ties.marks.columns().items()),
        *([ExportColumn("kind", "text", ties.kind, _KINDS)] if ties.kind.any() else []),
        *more,
    )
    return ExportTable("ties", ties.count, columns)


def _adoptions(world: World, who: Who) -> ExportTable:
    none = np.empty(0, np.int64)
    logs = [(cascade.id, cascade.log) for cascade in world.cascades]
    numbers = [np.full(len(log.agents), number) for number, log in logs]
    sources = np.concatenate([none, *(log.sources for _, log in logs)]).astype(np.int64)
    columns = (
        ExportColumn("message", "integer", np.concatenate([none, *numbers])),
        who("agent", np.concatenate([none, *(log.agents for _, log in logs)]).astype(np.int64)),
        who("source", np.where(sources == _NOBODY, -1, sources)),
        ExportColumn("tick", "integer", np.concatenate([none, *(log.ticks for _, log in logs)])),
    )
    return ExportTable("adoptions", len(sources), columns)


def _messages(world: World, who: Who) -> ExportTable:
    told = world.cascades
    made = [
        ExportColumn("id", "integer", [cascade.id for cascade in told]),
        who("author", np.array([cascade.message.author for cascade in told], np.int64)),
        ExportColumn("text", "text", [cascade.text for cascade in told]),
        ExportColumn("kind", "text", [cascade.message.kind for cascade in told]),
        ExportColumn("created", "integer", [cascade.message.created for cascade in told]),
        ExportColumn("model", "text", [cascade.model_name for cascade in told]),
        ExportColumn("status", "text", [cascade.status for cascade in told]),
        ExportColumn("started", "integer", [_at(cascade.started_at) for cascade in told]),
        ExportColumn("adopters", "integer", [cascade.size for cascade in told]),
        ExportColumn("ended", "integer", [ended_at(cascade) for cascade in told]),
        ExportColumn("parameters", "text", [to_json(cascade.model.values()) for cascade in told]),
    ]
    return ExportTable("messages", len(told), tuple(made))


def _moves(world: World, who: Who) -> ExportTable:
    moves = world.agents.lore.moves.all()
    columns = (
        ExportColumn("tick", "integer", moves.tick),
        who("agent", moves.agent.astype(np.int64)),
        ExportColumn("before", "text", moves.before.astype(np.int64), _STATUS),
        ExportColumn("after", "text", moves.after.astype(np.int64), _STATUS),
    )
    return ExportTable("moves", len(moves.tick), columns)


def _silences(world: World, who: Who) -> ExportTable:
    held = zip(
        *(column.tolist() for column in world.relationships.blocklist.dump().values()), strict=True
    )
    rows = [
        (listener, source, word)
        for listener, source, mark in held
        for word, flag in enumerate((MUTED, BLOCKED))
        if mark & flag
    ]
    cells = np.array(rows, np.int64).reshape(-1, 3)
    columns = (
        who("agent", cells[:, 0]),
        who("other", cells[:, 1]),
        ExportColumn("kind", "text", cells[:, 2], ["mute", "block"]),
    )
    return ExportTable("silences", len(rows), columns)


def groups_of(world: World, who: Who) -> tuple[ExportTable, ...]:
    """Return the tables ``groups`` and ``group_members``; empty if there are no groups."""
    groups = world.groups
    names = list(groups.names)
    if not names:
        return ()
    limits = [groups.limit(name) for name in names]
    within = [groups.members(name) for name in names]
    numbers = range(len(names))
    columns = (
        ExportColumn("id", "integer", numbers),
        ExportColumn("name", "text", names),
        ExportColumn("limit", "integer", [most if most < ENDLESS else None for most in limits]),
    )
    members = (
        ExportColumn("group", "integer", np.repeat(numbers, [len(each) for each in within])),
        who("agent", np.concatenate(within).astype(np.int64)),
    )
    count = sum(len(each) for each in within)
    return ExportTable("groups", len(names), columns), ExportTable("group_members", count, members)


def _at(tick: int) -> int | None:
    return tick if tick >= 0 else None


BATCH = 20_000
Tell = Callable[[int], None]
"""Called with the number of further rows written; may raise."""

Encoded = Iterator[tuple[str, ...]]


class Style(Protocol):
    """How a format writes a value; ``None`` is a missing one."""

    def __call__(self, kind: Kind, value: Any, /) -> str:
        """Return the text of a value."""


def write_csv(table: ExportTable, path: Path, tell: Tell) -> None:
    """Write a table as CSV (RFC 4180, UTF-8, names on top).

    Texts that a spreadsheet would take for a formula get a leading apostrophe; columns of numbers
    contain numbers. A missing value is an empty cell; words are joined by ``;``.
    """
    heading = ",".join(column.name for column in table.columns) + "\r\n"
    line = ",".join(["%s"] * len(table.columns)) + "\r\n"
    _write(path, table, cell, heading, line, tell)


def write_jsonl(table: ExportTable, path: Path, tell: Tell) -> None:
    """Write a table as JSON Lines: one object per row, in ASCII."""
    fields = ", ".join(f'"{column.name}": %s' for column in table.columns)
    _write(path, table, lambda _, value: json.dumps(value), "", f"{{{fields}}}\n", tell)


def encoded(
    columns: Sequence[ExportColumn], rows: int, style: Style, tell: Tell
) -> Iterator[Encoded]:
    """Yield rows of texts in batches; values shared by several columns are formatted once."""
    known: dict[tuple[int, Kind], list[str]] = {}
    for column in columns:
        key = (id(column.words), column.kind)
        if column.words is not None and key not in known:
            known[key] = [style(column.kind, word) for word in [*column.words, None]]
    for start in range(0, rows, BATCH):
        tell(min(BATCH, rows - start))
        yield zip(*(_texts(column, start, style, known) for column in columns), strict=True)


def cell(kind: Kind, value: Any) -> str:
    """Return a cell of CSV that is safe to open in a spreadsheet.

    Examples
    --------
    >>> cell("text", "=1+1"), cell("integer", -1), cell("text", "a,b")
    ("'=1+1", '-1', '"a,b"')
    """
    if value is None:
        return ""
    if kind in {"integer", "number"}:
        return repr(value)
    text = ";".join(value) if kind == "words" else value
    text = clean(text, max(len(text), 1))
    text = guarded(text)
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.intersection(text) else text


_NEEDS_QUOTES = frozenset('",\r\n')


def _texts(
    column: ExportColumn, start: int, style: Style, known: dict[tuple[int, Kind], list[str]]
) -> Iterator[str]:
    cells = column.cells[start : start + BATCH]
    plain = cells.tolist() if hasattr(cells, "tolist") else cells
    if column.words is None:
        return (style(column.kind, value) for value in plain)
    return map(known[id(column.words), column.kind].__getitem__, plain)


def _write(
    path: Path, table: ExportTable, style: Style, heading: str, line: str, tell: Tell
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(heading)
        for batch in encoded(table.columns, table.rows, style, tell):
            file.write("".join(map(line.__mod__, batch)))

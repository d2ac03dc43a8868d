"""A world as four tables of columns: what every export but SQLite writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.agents.traits import TRAITS

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Column", "Kind", "Table", "tables_of"]

Kind = Literal["text", "integer", "number", "words"]
"""What a cell is; ``words`` are a list of texts."""

_NOBODY = 0xFFFF_FFFF
_TRUST = (np.arange(65_536) / 65_535).tolist()
_KINDS = ["follow", "friend"]
_SHARES = np.round(np.arange(256) / 255, 4).tolist()
_STATUS = [status.name.lower() for status in Lifecycle]


@dataclass(frozen=True, slots=True)
class Column:
    """One property of every row.

    Attributes
    ----------
    name, kind
        What it is called, and what its cells are.
    cells
        The cells, or where ``words`` is given integers: places in it, -1 for none. Sliced.
    words
        The values that occur, where few do or where several columns share them.
    """

    name: str
    kind: Kind
    cells: Any
    words: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind: ``agents``, ``ties``, ``adoptions`` or ``messages``."""

    name: str
    rows: int
    columns: tuple[Column, ...]


def tables_of(world: World) -> tuple[Table, ...]:
    """Return a world as tables; cells are made when they are sliced.

    Parameters
    ----------
    world
        Must hold still while they are read.
    """
    agents = world.agents
    ids = [agents.id(index) for index in range(len(agents))]
    kind: Kind = "text" if isinstance(ids[0], str) else "integer"

    def who(name: str, places: npt.NDArray[Any]) -> Column:
        return Column(name, kind, places, ids)

    return _agents(world, who), _ties(world, who), _adoptions(world, who), _messages(world, who)


Who = Callable[[str, npt.NDArray[Any]], Column]


class _Made:
    """Values that a function of the row makes when they are asked for by a slice."""

    def __init__(self, count: int, make: Callable[[int], Any]) -> None:
        self._rows, self._make = range(count), make

    def __getitem__(self, where: slice) -> list[Any]:
        return [*map(self._make, self._rows[where])]


def _agents(world: World, who: Who) -> Table:
    agents = world.agents
    count, masks = len(agents), agents.interests
    named = lru_cache(1 << 16)(agents.vocabulary.names)
    traits = (
        Column(name, "number", agents.personality[:, i], _SHARES) for i, name in enumerate(TRAITS)
    )
    columns = (
        who("id", np.arange(count)),
        Column("name", "text", _Made(count, agents.name)),
        Column("status", "text", agents.status, _STATUS),
        Column("community", "text", agents.community, agents.communities),
        Column("activity", "number", _Made(count, lambda i: round(float(agents.activity[i]), 6))),
        Column("interests", "words", _Made(count, lambda i: list(named(int(masks[i]))))),
        *traits,
    )
    return Table("agents", count, columns)


def _ties(world: World, who: Who) -> Table:
    ties = world.ties
    sources = np.repeat(np.arange(ties.agents, dtype=np.uint32), ties.out_degree)
    full = np.broadcast_to(np.uint16(65_535), ties.count)
    columns = (
        who("source", sources),
        who("target", ties.targets),
        Column("trust", "number", ties.trust if ties.trust.size else full, _TRUST),
        *(Column(name, "integer", cells) for name, cells in ties.marks.columns().items()),
        *([Column("kind", "text", ties.kind, _KINDS)] if ties.kind.any() else []),
    )
    return Table("ties", ties.count, columns)


def _adoptions(world: World, who: Who) -> Table:
    none = np.empty(0, np.int64)
    logs = [(cascade.id, cascade.log) for cascade in world.cascades]
    numbers = [np.full(len(log.agents), number) for number, log in logs]
    sources = np.concatenate([none, *(log.sources for _, log in logs)]).astype(np.int64)
    columns = (
        Column("message", "integer", np.concatenate([none, *numbers])),
        who("agent", np.concatenate([none, *(log.agents for _, log in logs)]).astype(np.int64)),
        who("source", np.where(sources == _NOBODY, -1, sources)),
        Column("tick", "integer", np.concatenate([none, *(log.ticks for _, log in logs)])),
    )
    return Table("adoptions", len(sources), columns)


def _messages(world: World, who: Who) -> Table:
    told = world.cascades
    made = [
        Column("id", "integer", [cascade.id for cascade in told]),
        who("author", np.array([cascade.message.author for cascade in told], np.int64)),
        Column("text", "text", [cascade.text for cascade in told]),
        Column("kind", "text", [cascade.message.kind for cascade in told]),
        Column("created", "integer", [cascade.message.created for cascade in told]),
        Column("model", "text", [cascade.model_name for cascade in told]),
        Column("status", "text", [cascade.status for cascade in told]),
        Column("started", "integer", [_at(cascade.started_at) for cascade in told]),
        Column("adopters", "integer", [cascade.size for cascade in told]),
    ]
    return Table("messages", len(told), tuple(made))


def _at(tick: int) -> int | None:
    return tick if tick >= 0 else None

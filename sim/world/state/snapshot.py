"""Snapshots of a world, taken between two ticks, and restoring a world in place from one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from sim.agents.columns import Agents
from sim.arrays import Array
from sim.core.params import Parameters
from sim.core.scratch import ScratchFiles
from sim.platform.opening import restore_platform
from sim.platform.platform import PlatformSnapshot
from sim.platform.tick import PLATFORM_PHASES
from sim.spread.cascade.adoption import GrowingRows, Log
from sim.spread.cascade.cascade import Cascade
from sim.world.cascades import EndedCascade
from sim.world.channels import reopened

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.platform.platform import Platform
    from sim.world.world import World

Copied = Callable[[str, Array], Array]

_LARGE = 1 << 16
_FILED = 16 << 20
"""Size of ties in bytes above which compacted rows go to a scratch file."""
_REPLACED = ("_ties", "interactions", "agents", "opinions")
"""Parts that changes replace as a whole, or that are copied individually."""


def still(world: World, copied: Copied, before: World | None = None) -> World:
    """Return a copy to be dumped; later ticks and commands do not change it.

    Only what ticks write into is copied. Opinions, and ties that do not change, are replaced
    rather than written into, and a log only grows: these are shared.
    """
    ties = world.ties  # without agents destroyed since the last tick
    twin = copy(world)
    twin.watchers = []
    twin.agents = world.agents.still(_beneath("agents", copied))
    twin._ties = _ties(ties, _beneath("ties", copied))  # noqa: SLF001 - the world's own part
    twin.opinions = world.opinions.copied()
    twin.trail = world.trail.copy()
    twin.phases = list(world.phases)
    vars(twin).update(shared=world.shared.twin(), exposed=[])  # derived again on demand
    known = {} if before is None else {each.id: each for each in before.cascades.loose}
    twin.cascades = world.cascades.twin(twin, lambda each: _cascade(each, known, copied))
    for name, part in vars(world).items():
        if name == "platform" and part is not None:
            setattr(twin, name, PlatformSnapshot(part, _beneath(name, copied)))
        elif name not in _REPLACED and hasattr(part, "dump"):
            lent = {id(c): copied(where, c) for where, c in _large(part, name, set())}
            setattr(twin, name, deepcopy(part, lent))
    return twin


def _ties(ties: Ties, copied: Copied) -> Ties:
    """Copy rows with their free places; dumping the copy compacts them."""
    slab, live = ties.slab, ties.live  # reading `live` applies pending trust
    if slab is None:
        return copy(ties)
    twin, rows = ties.__new__(type(ties)), copy(slab)
    columns = {name: copied(name, column) for name, column in live._asdict().items()}
    rows.rows = columns.pop("rows")
    rows.spill = ScratchFiles() if slab.columns.nbytes > _FILED else None
    rows.columns = type(slab.columns)(**columns)
    vars(twin).update(vars(ties), slab=rows, back=None, behind=None)
    twin.loosen()
    return twin


def _cascade(cascade: Cascade, known: dict[int, Cascade], copied: Copied) -> Cascade:
    twin = known.get(cascade.id)
    if twin is not None and cascade.is_as(twin):
        return twin
    return cascade.still(_beneath(f"cascade.{cascade.id}", copied))


def arrays_of(part: object) -> Iterator[Array]:
    """Yield the arrays of a part that is copied as a whole."""
    return (column for _, column in _large(part, "", set(), 0))


def _large(
    part: object, where: str, seen: set[int], least: int = _LARGE
) -> Iterator[tuple[str, Array]]:
    """Yield name and array of a part that is copied as a whole, above a size in bytes."""
    if isinstance(part, np.ndarray):
        if part.nbytes > least:
            yield where, part
        return
    if id(part) in seen or hasattr(part, "__deepcopy__"):
        return
    seen.add(id(part))
    fields = part._asdict() if hasattr(part, "_asdict") else getattr(part, "__dict__", {})
    for name, value in fields.items():
        yield from _large(value, f"{where}.{name}", seen, least)


def _beneath(prefix: str, copied: Copied) -> Copied:
    return lambda name, column: copied(f"{prefix}.{name}", column)


P = TypeVar("P", bound=Parameters)

_STAYS = frozenset(
    {
        "phases",
        "phase_seconds",
        "cpu_seconds",
        "remarks",
        "trail",
        "woken",
        "exposed",
        "cascades",
        "agents",
        "watchers",
    }
    | {"pile", "shared", "_moves", "platform", "spill"}
)
"""Attributes of the world object that are not part of its state at a tick."""

_MADE_ANEW = ("memo", "_adopted", "_speakers", "_mark", "_before")
"""Attributes that a message derives from its state, reset as after loading."""


def restore_in_place(world: World, twin: World, known: Mapping[int, Cascade] | None = None) -> None:
    """Give a world the state of another; references to the world and its messages stay valid."""
    objects = dict(known or {}) | {each.id: each for each in world.cascades.loose}
    objects |= {e.id: held for e in world.cascades.ended if (held := e.held) is not None}
    own = {id(each) for each in world.cascades.ended}
    for name, part in vars(twin).items():
        if name not in _STAYS:
            setattr(world, name, _own(name, part))
    if not _alike(world.agents, twin.agents):
        world.agents = Agents.restore(*twin.agents.dump())
    _open_platform(world, twin)
    items = [
        _as_it_ended(each, objects.get(each.id), id(each) in own, world, twin)
        if isinstance(each, EndedCascade)
        else _message(each, objects.get(each.id))
        for each in twin.cascades.items
    ]
    world.cascades.hold(items)
    for cascade in world.cascades.loose:
        cascade.around, cascade.siblings = world, world.cascades
        cascade.channel = reopened(cascade.channel, world)  # it may refer to another world
    world.woken.clear()
    world.exposed = []
    world.shared.let_go()
    world._moves = world.agents.lore.moves.made  # noqa: SLF001 - as in the copy


def _open_platform(world: World, twin: World) -> None:
    """Give the world the platform of its copy; an existing platform stays the same object."""
    mine = world.platform
    if twin.platform is None:
        world.platform = None
        if mine is not None:
            world.phases = [each for each in world.phases if each not in PLATFORM_PHASES]
        return
    phases = world.phases
    if mine is None:
        world.shared.close_feed()  # of an earlier platform
    restore_platform(world, *twin.platform.dump())
    fresh = world.platform
    if mine is not None and fresh is not None:
        world.phases = phases  # these already include the platform's phases
        _keep_plugins(mine, fresh)
        vars(mine).clear()
        vars(mine).update(vars(fresh))
        world.platform = mine


def _keep_plugins(mine: Platform, fresh: Platform) -> None:
    """Keep the objects of equal plugins: they may hold unsaved state."""
    fresh.recommenders = _kept(mine.recommenders, fresh.recommenders)
    fresh.policies = _kept(mine.policies, fresh.policies)


def _kept(mine: Sequence[P], fresh: Sequence[P]) -> list[P]:
    """Return the fresh plugins, each replaced by the current one at its place if equal."""
    pairs = zip_longest(mine[: len(fresh)], fresh)
    return [new if old is None or not _alike_plugins(old, new) else old for old, new in pairs]


def _alike_plugins(one: Parameters, other: Parameters) -> bool:
    return one.plugin_name == other.plugin_name and one.values() == other.values()


def _own(name: str, part: Any) -> Any:
    if name == "opinions":
        return part.copied()
    return copy(part) if name in {"_ties", "interactions"} else deepcopy(part)


def _alike(one: Agents, other: Agents) -> bool:
    (meta, columns), (said, others) = one.dump(), other.dump()
    if meta != said or columns.keys() != others.keys():
        return False
    return all(c is others[n] or np.array_equal(c, others[n]) for n, c in columns.items())


def _as_it_ended(
    ended: EndedCascade, mine: Cascade | None, is_own: bool, world: World, twin: World
) -> EndedCascade:
    """Return a packed message; an existing object of it gets the packed state."""
    if mine is not None and not is_own:
        fresh = ended.made(len(twin.agents), twin.rested_as)
        fresh.around, fresh.siblings = world, world.cascades
        vars(mine).clear()
        vars(mine).update(vars(fresh))
        ended.held = mine
    return ended


def _message(twin: Cascade, mine: Cascade | None) -> Cascade:
    """Return the existing message object with the copy's state and its own columns."""
    if mine is not None and mine.is_as(twin):
        return mine
    fresh = twin.still(lambda _name, column: np.array(column))
    fresh.take_up()
    vars(fresh).update(
        _log=Log.restore(twin.log.dump()),
        _history=GrowingRows.of(twin.history),
        absent=np.empty(0, np.uint64),
        _measured=False,
        **dict.fromkeys(_MADE_ANEW),
    )
    if mine is None:
        return fresh
    vars(mine).clear()
    vars(mine).update(vars(fresh))
    return mine

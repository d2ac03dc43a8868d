"""The snapshot of a world: taken between two ticks, packed while the world goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from typing import TYPE_CHECKING

import numpy as np

from sim.arrays import Array
from sim.core.scratch import ScratchFiles
from sim.platform.state import PlatformSnapshot
from sim.spread.cascade.cascade import Cascade

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.world.world import World


Copied = Callable[[str, Array], Array]

_LARGE = 1 << 16
_FILED = 16 << 20
"""Ties of which tight rows are laid out in a scratch file rather than in memory."""
_REPLACED = ("_ties", "interactions", "agents", "opinions")
"""Parts that a change replaces as a whole, or that are seen to one by one."""


def still(world: World, copied: Copied, before: World | None = None) -> World:
    """Return a twin to be dumped; no later tick or command changes what it says.

    Only what ticks write into is copied. Opinions, and ties that do not change, are replaced and
    never written into, and a log only grows: these are shared.
    """
    ties = world.ties  # without who was just destroyed
    twin = copy(world)
    twin.watchers = []
    twin.agents = world.agents.still(_beneath("agents", copied))
    twin._ties = _ties(ties, _beneath("ties", copied))  # noqa: SLF001 - the world's own part
    twin.opinions = world.opinions.copied()
    twin.trail = world.trail.copy()
    twin.phases = list(world.phases)
    vars(twin).update(shared=world.shared.twin(), exposed=[])  # made again by whoever needs them
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
    """Copy rows as they are, free places included; whoever dumps the twin makes them tight."""
    slab, live = ties.slab, ties.live  # which takes over the trust that is behind
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
    """Go through the arrays of a part that is copied as a whole."""
    return (column for _, column in _large(part, "", set(), 0))


def _large(
    part: object, where: str, seen: set[int], least: int = _LARGE
) -> Iterator[tuple[str, Array]]:
    """Go through the arrays of a part that is copied as a whole, from a size on."""
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

"""Commands on ties: pairs that follow, befriend, mute and block; ties as such; what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.checks import whole_number
from sim.core.threads import Stalled, interruptible
from sim.errors import InputError, UnknownNameError
from sim.network.analysis.analysis import Subgraph, subgraph
from sim.network.analysis.reputation import reputation
from sim.network.graph.arcs import DroppedArcs, quantised, vetted
from sim.network.graph.changes import FRIEND, AppliedChanges, History
from sim.network.graph.slab import ordered
from sim.network.graph.slab_kernels import ADDED, REMOVED
from sim.network.graph.ties import Ties
from sim.network.relations.blocklist import BLOCKED, MUTED, SHUNNED
from sim.world.cascades import Stirs
from sim.world.contract import WorldState
from sim.world.phases import fail
from sim.world.relation_commands import DOES, admitted, pairs_of
from sim.world.seeding import choose_seeds

NEIGHBOURS = ("follows", "followers", "friends", "muted", "blocked", "blocked by")
"""Whom :func:`neighbours` can name."""

TYPED = ("follows", "followers", "friends")
"""Those of them that are ties, which have a type and properties."""

_MARKS = {"muted": MUTED, "blocked": BLOCKED, "blocked by": SHUNNED}


def on_pairs(
    world: WorldState, does: str, agents: npt.ArrayLike, others: npt.ArrayLike
) -> AppliedChanges:
    """Carry out one of :data:`~sim.world.relation_commands.DOES` on pairs of agents."""
    with world.doing(does, (agents, others)) as note:
        who, whom = pairs_of(world, agents, others, does)
        fate = DOES[does](world, who, whom)
        changed = (fate == ADDED) | (fate == REMOVED)
        world.bonds.log.note(world.tick, does, who[changed], whom[changed])
        order = np.arange(who.size, dtype=np.uint32)
        done = AppliedChanges(whom, who, fate, order)
        note.result = str(done)
    if changed.any():
        world.unsettle()
    return done


def add_ties(
    world: WorldState, sources: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike | None
) -> DroppedArcs:
    """Carry out :meth:`World.add_ties`."""
    if world.bonds.ears or world.ties.gone.size:
        heard, hearing, _ = vetted(sources, targets, len(world.agents))
        weights = None if trust is None else quantised(trust, heard.size)
        sources, targets, trust = admitted(world, heard, hearing, weights)
    dropped = world.ties.add(sources, targets, trust=trust)
    world.unsettle()
    return dropped


def remove_ties(
    world: WorldState, sources: npt.ArrayLike, targets: npt.ArrayLike
) -> AppliedChanges:
    """Carry out :meth:`World.remove_ties`."""
    done = world.ties.remove(sources, targets)
    if world.bonds.has_aside:
        world.bonds.aside.remove(sources, targets)
    world.unsettle()
    return done


def set_relations(
    world: WorldState,
    sources: npt.ArrayLike,
    targets: npt.ArrayLike,
    kind: str | None,
    properties: Mapping[str, object] | None,
) -> int:
    """Carry out :meth:`World.set_relations`."""
    pairs = np.atleast_1d(sources), np.atleast_1d(targets)
    heard, hearing, _ = vetted(*pairs, len(world.agents))
    keys, _ = ordered(heard, hearing)
    one, two = (keys >> np.uint64(32)).astype(np.uint32), keys.astype(np.uint32)
    there = world.ties.find(one, two) >= 0
    if world.bonds.has_aside:
        there |= world.bonds.aside.find(one, two) >= 0
    if not there.all():
        at = int(np.argmin(there))
        source, target = (world.agents.id(int(ids[at])) for ids in (one, two))
        raise InputError(f"Agent {target} does not follow agent {source}, so no tie can be set.")
    world.tie_records = world.tie_records.changed(one, two, kind, properties)
    return int(one.size)


def learn(
    world: WorldState,
    agents: npt.ArrayLike,
    others: npt.ArrayLike,
    good: npt.ArrayLike,
    gain: float,
    loss: float,
) -> int:
    """Carry out :meth:`World.learn`."""
    who, whom = np.broadcast_arrays(np.atleast_1d(agents), np.atleast_1d(others))
    world.before_change()
    found = world.ties.learn(whom, who, good, gain=gain, loss=loss)
    world.unsettle()
    return int(found.sum())


def reputation_of(
    world: WorldState, trusted: npt.ArrayLike | str | None, restart: float
) -> npt.NDArray[np.float64]:
    """Return every agent's reputation; kept until ties change."""
    if isinstance(trusted, str):
        trusted = choose_seeds(world, trusted)
    key = ("reputation", None if trusted is None else np.asarray(trusted).tobytes(), restart)
    memo = world.ties.memo
    if key not in memo:
        memo[key] = reputation(world.ties, trusted, restart=restart)
    found: npt.NDArray[np.float64] = memo[key]
    return found


def unsettle(world: WorldState, *, trust_only: bool = False) -> None:
    """Let messages know that ties, or trust only, changed: sums begin anew, resting ones wake."""
    world.cascades.rouse(Stirs.SUMS)
    for cascade in world.cascades.loose:
        try:
            with interruptible():
                if trust_only:
                    cascade.model.reweigh(cascade)
                else:
                    cascade.model.unsettle(cascade)
        except Stalled as error:
            fail(world, cascade, error)
    world.wake(anyway=True)


def neighbours(world: WorldState, agent: int, kind: str, relation: str | None = None) -> Ids:
    """Return the agents that are tied to one in a way of :data:`NEIGHBOURS`: uint32, rising."""
    _check(world, agent)
    if relation is not None and kind not in TYPED:
        raise UnknownNameError("kind of typed neighbour", kind, TYPED)
    if kind in _MARKS:
        return world.bonds.ears.of(agent, _MARKS[kind])
    if kind not in NEIGHBOURS:
        raise UnknownNameError("kind of neighbour", kind, NEIGHBOURS)
    parts = [_ends(world.ties, agent, kind)]
    if world.bonds.has_aside:
        parts.append(_ends(world.bonds.aside, agent, kind))
    found: Ids = np.union1d(*parts) if len(parts) > 1 else parts[0]
    if relation is None:
        return found
    one, two = (agent, found) if kind == "followers" else (found, agent)
    own: Ids = found[world.tie_records.are(one, two, relation)]
    return own


def subgraph_of(world: WorldState, agent: int, radius: int, most: int) -> Subgraph:
    """Return the agents within some steps of one, either way along ties, and their ties."""
    _check(world, agent)
    steps = whole_number(radius, "The radius of a subgraph", low=0)
    return subgraph(world.ties, agent, steps, whole_number(most, "most", low=1))


def history_of(world: WorldState, agent: int, other: int | None) -> History:
    """Return what is remembered of an agent's changes of ties, or of a pair's, oldest first."""
    _check(world, agent)
    if other is not None:
        _check(world, other)
    return world.bonds.log.about(agent, other)


def _check(world: WorldState, agent: int) -> None:
    if not 0 <= agent < len(world.agents):
        raise InputError(
            f"No agent {agent}: the world has {len(world.agents):,} agents, counted from 0."
        )


def _ends(ties: Ties, agent: int, kind: str) -> Ids:
    """Return whom an agent hears, who hears it, or its friends among the former."""
    if kind == "followers":
        return ties.listeners(agent)
    live: Any = ties.reverse.live
    start, length = (int(x) for x in live.rows[agent])
    part = slice(start, start + length)
    found: Ids = live.ids[part].copy()
    if kind == "friends":
        return found[live.kind[part] == FRIEND] if live.kind.size else found[:0]
    return found

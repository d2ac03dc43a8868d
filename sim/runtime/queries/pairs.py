"""Queries about two members: ties, likeness and why, what they did, the path between them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.arrays import Ids
from sim.core.checks import number_or_word
from sim.errors import InputError
from sim.network.analysis.analysis import path_between, shortest_path
from sim.network.graph.changes import ACTS as CHANGES
from sim.network.graph.changes import FRIEND
from sim.network.graph.slab import read_only
from sim.platform.acts.kinds import OF_GROUPS, Act
from sim.platform.acts.log import NOBODY
from sim.world.compatibility import WEIGHTS, Compatibility

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.world.world import World


_FULL = 65535


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one thing adds to the score of two members."""

    name: str
    value: float
    weight: float
    why: str


@dataclass(frozen=True, slots=True)
class Pair:
    """What is between two members.

    Parameters
    ----------
    names
        Of the one and of the other.
    ties
        A sentence for each tie, mute and block between them.
    score
        How well they would get on, in [0, 1] (:mod:`sim.world.compatibility`).
    parts
        What makes the score.
    changes
        (tick, name, what it did about the other) of ties, the newest first.
    acts
        (tick, name, act, message or -1) of the one about the other and back, of the ticks that the
        platform keeps, the newest first.
    """

    names: tuple[str, str]
    ties: tuple[str, ...]
    score: float
    parts: tuple[ScorePart, ...]
    changes: tuple[tuple[int, str, str], ...]
    acts: tuple[tuple[int, str, str, int], ...]


def pair_of(world: World, one: int, other: int) -> Pair:
    """Return what is between two members.

    Parameters
    ----------
    world
        Left as it is.
    one, other
        Indices.

    Raises
    ------
    InputError
        For an agent that there is not, and one with itself.

    Examples
    --------
    >>> from sim import World
    >>> from sim.runtime import pair_of
    >>> world = World.from_edges([0], [1], agents=3)
    >>> pair_of(world, 1, 0).ties == (f"{world.agents.name(1)} follows {world.agents.name(0)}, "
    ...     "with trust 1.00.",)
    True
    """
    found = world.compatibility(one, other)
    if one == other:
        raise InputError(f"Two members make a pair; got {world.agents.id(one)} twice.")
    names = world.agents.name(one), world.agents.name(other)
    return Pair(
        names,
        (*_way(world, one, other), *_way(world, other, one)),
        float(found.score[0]),
        _parts(world, found, one, other),
        _changes(world, one, other),
        _acts(world, one, other),
    )


def _way(world: World, one: int, other: int) -> list[str]:
    """Return what the one has with the other, a sentence each."""
    first, second = world.agents.name(one), world.agents.name(other)
    said, ties = [], world.ties
    place = int(ties.find([other], [one])[0])
    if place >= 0:
        live = ties.live
        trust = int(live.trust[place]) / _FULL if live.trust.size else 1.0
        is_friend = bool(live.kind.size) and int(live.kind[place]) == FRIEND
        verb = "is a friend of" if is_friend else "follows"
        found = world.tie_records.find(other, one)
        kind = f", a tie of type {found.type}" if found is not None and found.type else ""
        said.append(f"{first} {verb} {second}, with trust {trust:.2f}{kind}.")
    elif (
        world.relationships.has_aside
        and int(world.relationships.aside.find([other], [one])[0]) >= 0
    ):
        said.append(f"{first} follows {second} (suspended by a mute).")
    marks = [kind for kind in ("muted", "blocked") if other in world.neighbours(one, kind)]
    return said + [f"{first} has {kind} {second}." for kind in marks]


def _parts(world: World, found: Compatibility, one: int, other: int) -> tuple[ScorePart, ...]:
    agents, groups = world.agents, world.groups
    shared = agents.vocabulary.names(int(agents.interests[one] & agents.interests[other]))
    label = int(agents.community[one])
    both = np.intersect1d(groups.of(one), groups.of(other)).tolist()
    is_same = label >= 0 and label == int(agents.community[other])
    places = [agents.communities[label]] if is_same else [groups.names[number] for number in both]
    whys = {
        "interests": ", ".join(shared) or "none in common",
        "personality": "1 - mean difference of the five traits",
        "friends": f"{int(found.common[0]):,} in common",
        "communities": ", ".join(places) or "none in common",
    }
    return tuple(
        ScorePart(name, float(getattr(found, name)[0]), WEIGHTS[name], why)
        for name, why in whys.items()
    )


def _changes(world: World, one: int, other: int) -> tuple[tuple[int, str, str], ...]:
    told = world.tie_history(one, other)
    rows = zip(*(column.tolist() for column in told), strict=True)
    name = world.agents.name
    return tuple((tick, name(who), CHANGES[act]) for tick, act, who, _ in rows)[::-1]


def _acts(world: World, one: int, other: int) -> tuple[tuple[int, str, str, int], ...]:
    if world.platform is None:
        return ()
    found = []
    for tick, acts in world.platform.log:
        whom = np.where(np.isin(acts.act, OF_GROUPS), NOBODY, acts.other)
        ours = (acts.agent == one) & (whom == other) | (acts.agent == other) & (whom == one)
        for who, act, message, _ in zip(*(c[ours].tolist() for c in acts), strict=True):
            about = -1 if message == NOBODY else message
            found.append((tick, world.agents.name(who), Act(act).says, about))
    return tuple(found[::-1])


class PathInputs(NamedTuple):
    """What :func:`found` makes a path of."""

    start: int
    goal: int
    ties: Ties | None
    path: tuple[int, ...] | None


def sought(world: World, start: str, goal: str) -> PathInputs:
    """Search for a path from one member to another by id, unless :func:`found` has to."""
    agents, ties = world.agents, world.ties
    ends = [agents.index(number_or_word(text)) for text in (start, goal)]
    back = ties.back
    if back is None:
        return PathInputs(ends[0], ends[1], copy(ties), None)
    return PathInputs(ends[0], ends[1], None, path_between(_rows(ties), _rows(back), *ends))


def _rows(ties: Ties) -> tuple[Ids, Ids]:
    """Return rows and ids as they lie; unlike ``ties.live``, trust is not brought up to date."""
    if ties.slab is None:
        return ties.rows, ties.targets
    return read_only(ties.slab.rows), read_only(ties.slab.columns.ids)


def found(sought: PathInputs) -> tuple[int, ...] | None:
    """Return the agents from start to goal, both included; None where no path joins them."""
    if sought.ties is None:
        return sought.path
    return shortest_path(sought.ties, sought.start, sought.goal)

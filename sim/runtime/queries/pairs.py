"""Queries about two members: ties, similarity and its parts, acts, the path between them."""

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
    """One part of the compatibility score of two members."""

    name: str
    value: float
    weight: float
    why: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The relationship of two members.

    Parameters
    ----------
    names
        The names of both.
    ties
        A sentence for each tie, mute and block between them.
    score
        Their compatibility, in [0, 1] (:mod:`sim.world.compatibility`).
    parts
        The parts of the score.
    changes
        (tick, name, change) of ties between them, newest first.
    acts
        (tick, name, act, message or -1) of each towards the other, in the ticks that the platform
        keeps, newest first.
    """

    names: tuple[str, str]
    ties: tuple[str, ...]
    score: float
    parts: tuple[ScorePart, ...]
    changes: tuple[tuple[int, str, str], ...]
    acts: tuple[tuple[int, str, str, int], ...]

    def told(self, most: int) -> str:
        """Return it as lines; of acts and changes the newest, as many as asked for."""
        first, second = self.names
        lines = list(self.ties) or [f"No tie between {first} and {second}."]
        lines += ["", f"Compatibility {self.score:.2f}"]
        lines += [
            f"  {part.name:<12}{part.value:.2f} x {part.weight:g} = "
            f"{part.value * part.weight:.2f}  {part.why}"
            for part in self.parts
        ]
        acts = [
            f"{tick:>6,}  {who}: {act}" + (f" m{message}" if message >= 0 else "")
            for tick, who, act, message in self.acts
        ]
        changes = [f"{tick:>6,}  {who}: {act}" for tick, who, act in self.changes]
        for title, rows in (("Interactions", acts), ("Tie changes", changes)):
            more = [f"  and {len(rows) - most:,} more"] if len(rows) > most else []
            lines += ["", title, *(rows[:most] or ["  none on record"]), *more]
        return "\n".join(lines)


def pair_of(world: World, one: int, other: int) -> Pair:
    """Return the relationship of two members.

    Parameters
    ----------
    world
        The world; it is not changed.
    one, other
        Indices.

    Raises
    ------
    InputError
        If an agent does not exist, or both are the same.

    Examples
    --------
    >>> from hubbub import World
    >>> from hubbub.runtime import pair_of
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
    """Return the ties from one member to the other, a sentence each."""
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
    """Input of :func:`found`."""

    start: int
    goal: int
    ties: Ties | None
    path: tuple[int, ...] | None


def sought(world: World, start: str, goal: str) -> PathInputs:
    """Search for a path from one member to another by id, unless it is left to :func:`found`."""
    agents, ties = world.agents, world.ties
    ends = [agents.index(number_or_word(text)) for text in (start, goal)]
    back = ties.back
    if back is None:
        return PathInputs(ends[0], ends[1], copy(ties), None)
    return PathInputs(ends[0], ends[1], None, path_between(_rows(ties), _rows(back), *ends))


def _rows(ties: Ties) -> tuple[Ids, Ids]:
    """Return rows and ids as stored; unlike ``ties.live``, without updating trust."""
    if ties.slab is None:
        return ties.rows, ties.targets
    return read_only(ties.slab.rows), read_only(ties.slab.columns.ids)


def found(sought: PathInputs) -> tuple[int, ...] | None:
    """Return the agents from start to goal, both included; None if there is no path."""
    if sought.ties is None:
        return sought.path
    return shortest_path(sought.ties, sought.start, sought.goal)

"""Queries about the members of a world under way; for :meth:`Simulation.query`.

Each function here reads in some milliseconds at a million agents, and returns nothing that the
world goes on writing to. What takes longer is made of that by a function with ``_of`` in its name,
in a thread beside the engine.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.agents.traits import TRAITS
from sim.arrays import Ids
from sim.core.checks import number_or_word
from sim.errors import InputError
from sim.world.members import ActivityRecords, activity_records, chosen

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.spread.cascade.adoption import Log
    from sim.world.world import World


_CONDITION = re.compile(r"[:<>=(]|\bin\b|^(not )?online$")
"""What a condition has, and an id has not."""

MOST_NAMED = 8
"""Names told of each kind of tie."""

MOST_STORIES = 20
"""Messages told that a member adopted, the newest; so many are looked through, times three."""


@dataclass(frozen=True, slots=True, eq=False)
class MemberTable:
    """Columns over all agents, as they were at a tick."""

    tick: int
    activity: npt.NDArray[np.float32]
    traits: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    community: npt.NDArray[np.int32]
    listeners: Ids
    heard: Ids
    adopted: npt.NDArray[np.int32] | None
    communities: tuple[str, ...]
    last_active: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.status)


class PopulationInputs(NamedTuple):
    """What :func:`population_of` makes a population of."""

    population: MemberTable
    ties: Ties | None
    log: Log | None
    activity: ActivityRecords


def taken(world: World, message: int | None = None) -> PopulationInputs:
    """Take the columns of all agents; ``message``: and who adopted it, by its number."""
    agents, ties = world.agents, world.ties
    cascade = None if message is None else world.cascades.find(message)
    knows = ties.back is not None
    columns = MemberTable(
        world.tick, agents.activity.copy(), agents.personality.copy(), agents.status.copy(),
        agents.community.copy(), ties.out_degree.copy(),
        ties.reverse.out_degree.copy() if knows else np.empty(0, np.uint32), None,
        tuple(agents.communities), np.empty(0, np.int32),
    )  # fmt: skip
    return PopulationInputs(
        columns, None if knows else copy(ties), None if cascade is None else cascade.log.so_far(),
        activity_records(world),
    )  # fmt: skip


def population_of(taken: PopulationInputs) -> MemberTable:
    """Return the population, with what takes longer to count."""
    people, ties, log, activity = taken
    heard, adopted = people.heard, None
    if ties is not None:
        heard = ties.in_degree
    if log is not None:
        adopted = np.full(len(people), -1, np.int32)
        adopted[log.agents] = log.ticks
    return MemberTable(
        people.tick, people.activity, people.traits, people.status, people.community,
        people.listeners, heard, adopted, people.communities, activity.last().astype(np.int32),
    )  # fmt: skip


def found(world: World, query: str) -> Ids:
    """Return whom a condition (``conditions``) fits, or who has an id: uint32, rising.

    A stage of life may stand alone (``suspended``); ``state:0:infected`` asks who is in a state of
    message 0 now, and a condition may follow it.
    """
    words = query.strip()
    if words.lower() in Lifecycle.__members__ or words.upper() in Lifecycle.__members__:
        return chosen(world, f"status:{words.lower()}")
    if words.startswith("state:"):
        state, _, rest = words.partition(" ")
        return np.intersect1d(in_state(world, state), found(world, rest))
    if words and not _CONDITION.search(words):
        return np.array([world.agents.index(_foreign(words))], np.uint32)
    return chosen(world, query)


def in_state(world: World, text: str) -> Ids:
    """Return who is in a state of a message now, of ``[state:]MESSAGE:STATE``: uint32, rising."""
    number, _, name = text.removeprefix("state:").partition(":")
    story = next((one for one in world.cascades if str(one.id) == number.strip()), None)
    if story is None:
        known = ", ".join(str(one.id) for one in world.cascades[-10:]) or "none"
        raise InputError(
            f"A state is MESSAGE:STATE, such as 0:infected; got {text!r}, and this world's "
            f"messages are {known}."
        )
    return story.in_state(name.strip())


def named(world: World, ids: list[int]) -> list[tuple[str, str, str]]:
    """Return (id, name, interests) of some agents."""
    agents, words = world.agents, world.agents.vocabulary
    return [
        (str(agents.id(i)), agents.name(i), ", ".join(words.names(int(agents.interests[i]))))
        for i in ids
    ]


@dataclass(frozen=True, slots=True)
class MemberDetails:
    """One agent, as an inspector shows it."""

    agent: int
    id: str
    name: str
    tick: int
    status: str
    community: str
    activity: float
    traits: tuple[tuple[str, float], ...]
    interests: tuple[str, ...]
    ties: tuple[tuple[str, int, tuple[str, ...]], ...]
    changes: tuple[tuple[int, str, str, bool], ...]
    adopted: tuple[tuple[int, int, str, str], ...]
    states: tuple[tuple[int, str], ...] = ()


def about(world: World, agent: int) -> tuple[MemberDetails, list[tuple[int, str, Log]]]:
    """Return what is known of an agent at once, and where :func:`member_of` looks for the rest."""
    agents = world.agents
    name, community = agents.name(agent), int(agents.community[agent])
    traits = agents.personality[agent] / 255
    member = MemberDetails(
        agent, str(agents.id(agent)), name, world.tick,
        Lifecycle(int(agents.status[agent])).name.lower(),
        agents.communities[community] if community >= 0 else "",
        float(agents.activity[agent]), tuple(zip(TRAITS, traits.tolist(), strict=True)),
        tuple(agents.vocabulary.names(int(agents.interests[agent]))),
        _ties(world, agent), _changes(world, agent), (), _states(world, agent),
    )  # fmt: skip
    newest = world.cascades.newest(3 * MOST_STORIES)
    return member, [(c.id, c.text, c.log.so_far()) for c in reversed(newest)]


def _states(world: World, agent: int) -> tuple[tuple[int, str], ...]:
    """Return the state that an agent is in now, under each of the newest messages."""
    newest = world.cascades.newest(MOST_STORIES)
    return tuple((c.id, c.states[int(c.state_now[agent])]) for c in reversed(newest))


def member_of(told: tuple[MemberDetails, list[tuple[int, str, Log]]]) -> MemberDetails:
    """Return a member, with the messages that it adopted."""
    member, stories = told
    adopted: list[tuple[int, int, str, str]] = []
    for number, text, log in stories:
        places = np.flatnonzero(log.agents == member.agent)
        if places.size and len(adopted) < MOST_STORIES:
            at = int(places[0])
            source = int(log.sources[at])
            whence = "" if source == _NOBODY else str(source)
            adopted.append((number, int(log.ticks[at]), whence, text))
    values = {name: getattr(member, name) for name in MemberDetails.__slots__}
    return MemberDetails(**{**values, "adopted": tuple(adopted)})


_NOBODY = 0xFFFFFFFF


def heard_by(world: World, agent: int) -> Ids:
    """Return whom an agent hears, uint32, rising; muted ones not.

    A search through all ties where the network was never turned round, some 20 ms for 20 million.
    """
    ties = world.ties
    if ties.back is not None or ties.slab is not None:
        live = ties.reverse.live
        start, length = (int(x) for x in live.rows[agent])
        heard: Ids = live.ids[start : start + length].copy()
        return heard
    places = np.flatnonzero(ties.targets == agent)
    return (np.searchsorted(ties.rows[:, 0], places, "right") - 1).astype(np.uint32)


def _ties(world: World, agent: int) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Return (kind, how many, some names): those most heard first."""
    fans = world.ties.out_degree
    kinds = {"follows": heard_by(world, agent), "followers": world.ties.listeners(agent)}
    slab = world.ties.slab
    if world.ties.kind.size if slab is None else slab.columns.kind.size:
        kinds["friends"] = world.neighbours(agent, "friends")
    if world.bonds.ears:
        for kind in ("muted", "blocked", "blocked by"):
            kinds[kind] = world.neighbours(agent, kind)
    told = []
    for kind, ids in kinds.items():
        if ids.size or kind in {"follows", "followers"}:
            best = ids[np.argsort(-fans[ids].astype(np.int64), kind="stable")[:MOST_NAMED]]
            named = tuple(_named(world, agent, int(one), kind) for one in best)
            told.append((kind, int(ids.size), named))
    return tuple(told)


def _named(world: World, agent: int, other: int, kind: str) -> str:
    """Return the name of somebody that an agent is tied to, and of what type the tie is."""
    name = world.agents.name(other)
    if kind not in {"follows", "followers", "friends"}:
        return name
    ends = (agent, other) if kind == "followers" else (other, agent)
    found = world.tie_records.find(*ends)
    return f"{name} ({found.type})" if found is not None and found.type else name


def _changes(world: World, agent: int) -> tuple[tuple[int, str, str, bool], ...]:
    """Return the newest changes of ties that name an agent."""
    from sim.network.graph.changes import ACTS

    if not world.bonds.log:
        return ()
    history = world.tie_history(agent)
    rows = list(zip(*(column[-MOST_NAMED:].tolist() for column in history), strict=True))
    return tuple(
        (tick, ACTS[act], world.agents.name(other if who == agent else who), who != agent)
        for tick, act, who, other in reversed(rows)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ego:
    """An agent and those tied to it."""

    agents: npt.NDArray[np.int64]
    names: tuple[str, ...]
    hears: npt.NDArray[np.bool_]
    heard: npt.NDArray[np.bool_]
    a: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    total: int
    listeners: npt.NDArray[np.int64]
    community: npt.NDArray[np.int64]


def around(world: World, agent: int, most: int = 24) -> Ego:
    """Return an agent and those tied to it, at most ``most``: mutual first, then most heard."""
    if not 0 <= agent < len(world.agents):
        raise InputError(f"No agent {agent}: agents are 0 to {len(world.agents) - 1}.")
    heard_by_it, fans = heard_by(world, agent), world.ties.out_degree
    hearing_it = world.ties.listeners(agent)
    both = np.union1d(heard_by_it, hearing_it).astype(np.uint32)
    mutual = np.isin(both, heard_by_it) & np.isin(both, hearing_it)
    best = both[np.lexsort((both, -fans[both].astype(np.int64), ~mutual))[:most]]
    ids = np.concatenate([np.array([agent], np.uint32), best])
    a, b = _between(world, ids)
    return Ego(
        ids.astype(np.int64), tuple(world.agents.name(int(i)) for i in ids),
        np.isin(ids, heard_by_it), np.isin(ids, hearing_it), a, b, int(both.size),
        fans[ids].astype(np.int64), world.agents.community[ids].astype(np.int64),
    )  # fmt: skip


def _between(world: World, ids: Ids) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places of both ends of each tie between some agents, each pair once."""
    order = np.argsort(ids)
    pairs: set[tuple[int, int]] = set()
    for place, agent in enumerate(ids.tolist()):
        inside = np.isin(ids[order], world.ties.listeners(agent))
        pairs |= {(min(place, p), max(place, p)) for p in order[inside].tolist() if p != place}
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def _foreign(text: str) -> int | str:
    return number_or_word(text)


MOST = 200
"""Moves that are told, the newest."""

Told = tuple[int, str, str, str, str]


def moves_told(world: World, start: int = 0, stop: int | None = None) -> tuple[int, list[Told]]:
    """Return how many moves there are in some ticks, and the newest of them."""
    moves, agents = world.moves(start, stop), world.agents
    newest = zip(*(column[::-1][:MOST].tolist() for column in moves), strict=True)
    stage = [one.name.lower() for one in Lifecycle]
    return moves.tick.size, [
        (tick, str(agents.id(who)), agents.name(who), stage[before], stage[after])
        for tick, who, before, after in newest
    ]

"""Bulk operations on a world: create agents, build friendships, create or detect communities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.names import is_unnamed
from sim.arrays import Ids
from sim.core import rng
from sim.core.checks import whole_number
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.core.text import one_line
from sim.errors import CapacityError, InputError, UnknownNameError
from sim.jit.words import S32
from sim.network.analysis import analysis
from sim.network.analysis.analysis import METHODS
from sim.network.analysis.groups_kernels import gather
from sim.network.graph.ties import Ties
from sim.world.commands import command
from sim.world.generation import available_bytes, refuse_what_does_not_fit
from sim.world.seeding import best_of
from sim.world.ties import friends_of_each, may_befriend
from sim.world.world import World

_NAME_LIMIT = 60
_TIE_BYTES = 40
"""Bytes per tie while many are added: pairs, in both directions, sorted and merged."""


@command()
def create_agents(world: World, count: int, report: Report = quiet) -> range:
    """Add ``count`` agents without ties; return their indices."""
    if whole_number(count, "How many agents to create") < 1:
        raise InputError(f"At least 1 agent is created, got {count:,}.")
    agents = len(world.agents) + count
    refuse_what_does_not_fit(agents, world.ties.count / agents)
    report("creating agents", 0.0)
    return world.create_agents(count)


@command()
def build_friendships(world: World, max_friends: int = 10, report: Report = quiet) -> int:
    """Let agents with fewer friends than ``max_friends`` befriend each other.

    In each round every agent with room meets one other: in even rounds an agent that shares an
    interest if possible, in odd rounds any agent. A friendship is two ties of the kind friend, as
    :meth:`World.befriend` makes them; an existing follow becomes one of them. Follows alone are no
    friendship, and two agents never meet if one of them has blocked the other.
    """
    room = _room(world, max_friends)
    made = np.empty(0, np.uint64)
    for turn in range(max_friends):
        report("building friendships", turn / max_friends)
        who = np.flatnonzero(room > 0)
        if who.size < 2:
            break
        pairs = np.sort(_meetings(world, who, turn), axis=0)
        pairs = pairs[:, may_befriend(world, *pairs)]
        keys = (pairs[0].astype(np.uint64) << S32) | pairs[1]
        new = np.searchsorted(made, keys, "right") == np.searchsorted(made, keys)
        made = np.sort(np.concatenate((made, keys[new])))
        room[pairs[:, new]] -= 1
    before = world.ties.count
    if made.size:
        world.befriend((made >> S32).astype(np.uint32), made.astype(np.uint32))
    return world.ties.count - before


def _room(world: World, max_friends: int) -> npt.NDArray[np.int64]:
    """Return how many more friends each agent may have; raise if the request is impossible."""
    most = len(world.agents) - 1
    if not 1 <= whole_number(max_friends, "max_friends", low=1) <= max(most, 1):
        raise InputError(
            f"max_friends must be in [1, {max(most, 1):,}], got {max_friends:,}: nobody in this "
            f"world has more than {most:,} others to befriend."
        )
    room: npt.NDArray[np.int64] = np.maximum(max_friends - friends_of_each(world), 0)
    room[~world.agents.is_active(np.arange(most + 1))] = 0
    ties, free = int(room.sum()), available_bytes()
    if free and ties * _TIE_BYTES > free:
        raise CapacityError(
            f"Up to {ties:,} new ties need about {ties * _TIE_BYTES / 2**30:,.1f} GiB, and "
            f"{free / 2**30:,.1f} GiB are free; lower max_friends."
        )
    return room


def _meetings(world: World, who: npt.NDArray[np.intp], turn: int) -> Ids:
    """Return disjoint pairs of ``who``, uint32 (2, k); in even turns similar agents are paired."""
    salt = 1024 * world.ties.count + turn
    words = rng.words(rng.key(world.seed, Stream.BATCHES, world.tick, salt), who)
    if turn % 2:
        order = np.argsort(words, kind="stable")
    else:
        masks = world.agents.interests[who]
        left = words & np.uint64(63)  # each agent's first interest, cyclically from a random bit
        turned = (masks >> left) | (masks << (np.uint64(64) - left))  # a shift by 64 is 0 in numpy
        lowest: npt.NDArray[np.uint64] = np.bitwise_and(turned, ~turned + np.uint64(1))
        order = np.lexsort((words, np.bitwise_or(lowest << left, lowest >> (np.uint64(64) - left))))
    lined = who[order].astype(np.uint32)
    even = lined.size - lined.size % 2
    return lined[:even].reshape(-1, 2).T


@command()
def create_communities(
    world: World, names: Sequence[str], max_members: int = 150, report: Report = quiet
) -> dict[str, int]:
    """Gather agents into new communities, each around a founder.

    The founder is the agent with the most followers among those interested in the name's topic
    (among all agents if the name is no known topic); a draw decides between equals. The members are
    the nearest free agents along ties. An agent is free if it is active, in no new community, and
    in no community that was given a name. Members of others, as generators and detection make
    them, are free; an agent that joins leaves it.
    """
    titles = _titles(world, names, max_members)
    labels = world.agents.community.copy()
    known = world.agents.communities
    agents = world.agents
    named = [not is_unnamed(label, name) for label, name in enumerate(agents.stored_communities)]
    held = np.append(np.array(named, np.bool_), False)[agents.community]  # -1 becomes the last row
    free: npt.NDArray[np.bool_] = agents.is_active(np.arange(len(agents))) & ~held
    if not free.any():
        raise InputError(
            f"Everybody who is active is in one of the {sum(named):,} communities that have a "
            "name, and these are not emptied for new ones; let members leave first "
            "(hubbub edit WORLD agents --set community=none)."
        )
    sizes = {}
    for place, title in enumerate(titles):
        report("gathering communities", place / len(titles))
        members = _members(world, title, free, max_members)
        free[members] = False
        labels[members] = len(known) + place
        sizes[title] = int(members.size)
    world.agents.set_community(labels, [*known, *titles])
    return sizes


def _titles(world: World, names: Sequence[str], max_members: int) -> list[str]:
    whole_number(max_members, "max_members", low=1)
    titles = [one_line(name, _NAME_LIMIT) for name in names]
    if not titles or not all(titles):
        raise InputError("Communities need names, at least one and none of them empty.")
    known = {name.casefold() for name in world.agents.communities}
    for title in titles:
        if title.casefold() in known:
            raise InputError(f"There is a community {title!r} already; choose another name.")
        if any(is_unnamed(label, title) for label in range(len(known) + len(titles))):
            raise InputError(
                f"{title!r} is how communities without a name are counted; choose another name."
            )
        known.add(title.casefold())
    return titles


def _members(
    world: World, title: str, free: npt.NDArray[np.bool_], most: int
) -> npt.NDArray[np.uint32]:
    topic = np.uint64(world.agents.vocabulary.match(title))
    fits = free & ((world.agents.interests & topic) != 0) if topic else free
    candidates = np.flatnonzero(fits if fits.any() else free)
    if not candidates.size:
        return np.empty(0, np.uint32)
    founder = int(best_of(world, candidates.astype(np.uint32), 1)[0])
    marks = (~free).view(np.uint8).copy()
    ring = np.empty(min(most, len(free)), np.uint32)
    count = gather(world.ties.rows, world.ties.targets, founder, marks, ring)
    return ring[:count]


@dataclass(frozen=True, slots=True, eq=False)
class DetectedCommunities:
    """Communities that were found.

    Parameters
    ----------
    method
        How.
    labels
        int32 (n,): community of each agent.
    count
        How many.
    modularity
        Of the partition, in [-0.5, 1].
    """

    method: str
    labels: npt.NDArray[np.int32]
    count: int
    modularity: float


def check_method(method: str) -> None:
    """Raise UnknownNameError unless ``method`` is in :data:`METHODS`."""
    if method not in METHODS:
        raise UnknownNameError("method of detecting communities", method, METHODS)


def detect(ties: Ties, method: str, seed: int, report: Report) -> DetectedCommunities:
    """Detect communities; only reads the network."""
    found = analysis.communities(ties, method, seed=seed, report=report)
    quality = analysis.modularity(ties, found, report)
    return DetectedCommunities(method, found, int(found.max()) + 1, quality)


def assign(world: World, found: DetectedCommunities) -> None:
    """Assign the detected communities; agents added meanwhile are in none."""
    labels = np.full(len(world.agents), -1, np.int32)
    labels[: found.labels.size] = found.labels
    world.agents.set_community(labels)


@command("assign")
def _assigned(world: World, method: str, labels: Any, count: int, modularity: float) -> None:
    """Assign communities to agents, as :func:`assign`."""
    found = DetectedCommunities(method, np.asarray(labels, np.int32), count, modularity)
    assign(world, found)

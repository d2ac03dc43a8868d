"""Acts on many agents at once: newcomers, friendships, communities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError
from sim.kernels.groups import gather
from sim.network import analysis
from sim.network.analysis import METHODS
from sim.network.ties import Ties
from sim.world.world import World

__all__ = [
    "METHODS",
    "Detected",
    "assign",
    "build_friendships",
    "check_method",
    "create_agents",
    "create_communities",
    "detect",
]

_NAME_LIMIT = 60
Ids = npt.NDArray[np.uint32]


def create_agents(world: World, count: int, report: Report = quiet) -> range:
    """Add ``count`` agents without ties; return their indices.

    Raises
    ------
    InputError
        Fewer than 1 agent.
    """
    if count < 1:
        raise InputError(f"At least 1 agent is created, got {count:,}.")
    report("creating agents", 0.0)
    return world.create_agents(count)


def build_friendships(world: World, max_friends: int = 10, report: Report = quiet) -> int:
    """Let agents with fewer listeners than ``max_friends`` befriend each other.

    In each round everybody with room meets one other: in even rounds somebody who shares an
    interest where there is one, in odd rounds anybody. A friendship is two ties.

    Parameters
    ----------
    world
        Changed at the end of the last round; not at all when cancelled.
    max_friends
        Listeners that nobody exceeds by this, at least 1.
    report
        Told of progress; may cancel.

    Returns
    -------
    int
        Ties added.
    """
    if max_friends < 1:
        raise InputError(f"max_friends must be at least 1, got {max_friends}.")
    room = np.maximum(max_friends - world.ties.out_degree.astype(np.int64), 0)
    room[~world.agents.is_active(np.arange(len(world.agents)))] = 0
    pairs = np.empty((2, 0), np.uint32)
    for turn in range(max_friends):
        report("building friendships", turn / max_friends)
        fresh = _meetings(world, np.flatnonzero(room > 0), turn)
        pairs = np.concatenate((pairs, fresh), axis=1)
        room[fresh] -= 1
    before = world.ties.count
    world.add_ties(np.concatenate((pairs[0], pairs[1])), np.concatenate((pairs[1], pairs[0])))
    return world.ties.count - before


def _meetings(world: World, who: npt.NDArray[np.intp], turn: int) -> Ids:
    """Return disjoint pairs of ``who``, uint32 (2, k); in even turns the alike stand together."""
    salt = 1024 * world.ties.count + turn
    words = rng.words(rng.key(world.seed, Stream.TIES, world.tick, salt), who)
    if turn % 2:
        order = np.argsort(words, kind="stable")
    else:
        order = np.lexsort((words, _some_interest(world.agents.interests[who], words)))
    lined = who[order].astype(np.uint32)
    even = lined.size - lined.size % 2
    return lined[:even].reshape(-1, 2).T


def _some_interest(
    masks: npt.NDArray[np.uint64], words: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    """Return one interest of each agent as a one-bit mask: the lowest after a random turn."""
    turn = words & np.uint64(63)
    turned = (masks >> turn) | (masks << (np.uint64(64) - turn))  # a shift by 64 is 0 in numpy
    lowest: npt.NDArray[np.uint64] = np.bitwise_and(turned, ~turned + np.uint64(1))
    return np.bitwise_or(lowest << turn, lowest >> (np.uint64(64) - turn))


def create_communities(
    world: World, names: Sequence[str], max_members: int = 150, report: Report = quiet
) -> dict[str, int]:
    """Gather agents into new communities, each round a founder.

    The founder is the agent with most listeners among those interested in the name's topic (any
    agent, when the name is no known topic); its members are the nearest to it along ties that are
    in none of the new communities yet. They leave the communities in which they were.

    Parameters
    ----------
    world
        Changed at the end; not at all when cancelled.
    names
        At least one; new, all different.
    max_members
        Largest size, at least 1; smaller where no more are within reach.
    report
        Told of progress; may cancel.

    Returns
    -------
    dict
        Members by name.
    """
    titles = _titles(world, names, max_members)
    labels = world.agents.community.copy()
    known = world.agents.communities
    free = world.agents.is_active(np.arange(len(world.agents)))
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
    if max_members < 1:
        raise InputError(f"max_members must be at least 1, got {max_members}.")
    titles = [one_line(name, _NAME_LIMIT) for name in names]
    if not titles or not all(titles):
        raise InputError("Communities need names, at least one and none of them empty.")
    known = {name.casefold() for name in world.agents.communities}
    for title in titles:
        if title.casefold() in known:
            raise InputError(f"There is a community {title!r} already; choose another name.")
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
    founder = int(candidates[world.ties.out_degree[candidates].argmax()])
    marks = (~free).view(np.uint8).copy()
    ring = np.empty(min(most, len(free)), np.uint32)
    count = gather(world.ties.rows, world.ties.targets, founder, marks, ring)
    return ring[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
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
    """Raise UnknownNameError unless ``method`` is one of :data:`METHODS`."""
    if method not in METHODS:
        raise UnknownNameError("method of detecting communities", method, METHODS)


def detect(ties: Ties, method: str, seed: int, report: Report) -> Detected:
    """Find communities; only reads the network."""
    found = analysis.communities(ties, method, seed=seed, report=report)
    quality = analysis.modularity(ties, found, report)
    return Detected(method, found, int(found.max()) + 1, quality)


def assign(world: World, found: Detected) -> None:
    """Give agents the communities that were found; those that came meanwhile are in none."""
    labels = np.full(len(world.agents), -1, np.int32)
    labels[: found.labels.size] = found.labels
    world.agents.set_community(labels)

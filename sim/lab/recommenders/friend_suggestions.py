"""Friend suggestions in any world, with or without a platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.arrays import Ids
from sim.core.registry import make
from sim.errors import InputError
from sim.platform.feed.friends import Acquainted, welcomed
from sim.platform.feed.recommender import FriendRecommender
from sim.world.relation_commands import proposable

if TYPE_CHECKING:
    from sim.network.graph.slab import SlabArrays
    from sim.platform.platform_view import MemberColumns
    from sim.world.world import World


class Suggestion(NamedTuple):
    """Somebody whom a member might follow.

    Attributes
    ----------
    agent
        An index.
    score
        What the recommender gives the pair.
    through
        Members that the one hears and that hear the other: friends in common, indices.
    """

    agent: int
    score: float
    through: tuple[int, ...]


class _WorldWithoutPlatform:
    """A world without a platform, as recommenders of friends see it."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def tick(self) -> int:
        return self._world.tick

    @property
    def seed(self) -> int:
        return self._world.seed

    @property
    def agents(self) -> int:
        return len(self._world.agents)

    @property
    def people(self) -> MemberColumns:
        return self._world.network().people

    @property
    def hearing(self) -> SlabArrays:
        return self._world.ties.reverse.live

    @property
    def heard_by(self) -> SlabArrays:
        return self._world.ties.live

    @property
    def fans(self) -> Ids:
        return self._world.ties.out_degree


def suggested(
    world: World,
    agent: int,
    by: str | FriendRecommender = "adamic-adar",
    *,
    count: int = 10,
    **parameters: Any,
) -> tuple[Suggestion, ...]:
    """Return whom a member might follow, best first; nothing is changed.

    Who hears nobody is proposed those with most interests in common, where the recommender
    finds nobody.

    Parameters
    ----------
    world
        With or without a platform.
    agent
        An index.
    by
        The name of a friend recommender, with ``parameters``; or one made already.
    count
        How many at most.

    Raises
    ------
    InputError, ParameterError, UnknownNameError
        One sentence.

    Examples
    --------
    >>> from sim import World
    >>> world = World.from_edges([0, 0, 1, 2], [1, 2, 3, 3], directed=False)
    >>> suggested(world, 0)[0]
    Suggestion(agent=3, score=2.885390043258667, through=(1, 2))
    """
    if not 0 <= agent < len(world.agents) or count < 1:
        raise InputError(
            f"Friends are proposed to an agent below {len(world.agents):,}, one or more; got "
            f"agent {agent} and {count}."
        )
    found = make(by, "friend-recommender", **parameters) if isinstance(by, str) else by
    around: Any = world.platform or _WorldWithoutPlatform(world)
    asked = np.array([agent], np.uint32)
    room = count + world.bonds.ears.marked(agent)  # for whom it muted: left out below
    who, others, scores = found.suggest(asked, around, room)
    if not others.size and not around.hearing.rows[agent, 1]:
        who, others, scores = welcomed(around, asked, room)
    fits = np.flatnonzero(proposable(world, who, others))[:count]
    return tuple(
        Suggestion(other, score, _through(around, agent, other))
        for other, score in zip(others[fits].tolist(), scores[fits].tolist(), strict=True)
    )


def _through(around: Acquainted, agent: int, other: int) -> tuple[int, ...]:
    return tuple(m for m in _heard(around, agent).tolist() if other in _heard(around, m))


def _heard(around: Acquainted, agent: int) -> Ids:
    start, length = (int(x) for x in around.hearing.rows[agent])
    ids: Ids = around.hearing.ids[start : start + length]
    return ids

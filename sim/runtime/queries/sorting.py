"""Sort keys of members where a column is made of words; for :meth:`Simulation.query`.

What the engine is asked for here is taken in a millisecond or two at a million agents; the ``by_``
functions make the order of it, in a thread beside the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.names import NameSnapshot, text_ranks
from sim.jit.words import ONE

if TYPE_CHECKING:
    from sim.world.world import World


MOST_TAGS = 9
"""Interests that are compared of each member, in the order in which they are written."""

_BITS = np.uint64(7)


class MemberInterests(NamedTuple):
    """Interests of all members.

    Attributes
    ----------
    masks
        uint64 (n,): bit i is the interest ``words[i]``.
    words
        Their names.
    """

    masks: npt.NDArray[np.uint64]
    words: tuple[str, ...]


def named(world: World) -> NameSnapshot:
    """Take what members are called."""
    return world.agents.naming()


def tagged(world: World) -> MemberInterests:
    """Take the interests of all members."""
    words = world.agents.vocabulary
    return MemberInterests(world.agents.interests.copy(), words.names((1 << len(words)) - 1))


def by_id(naming: NameSnapshot) -> npt.NDArray[Any]:
    """Return what members are sorted by for their ids to be in order, (n,)."""
    return naming.ids()


def by_name(naming: NameSnapshot) -> npt.NDArray[np.uint32]:
    """Return what members are sorted by for their names to be in order, uint32 (n,)."""
    return naming.names()


def by_interests(tagged: MemberInterests) -> npt.NDArray[np.uint64]:
    """Return what members are sorted by for their interests to be in order, uint64 (n,).

    By the first of them as they are written, then by the next, up to nine; without any come last.
    """
    left, keys = tagged.masks.copy(), np.zeros(tagged.masks.size, np.uint64)
    rank = np.append(text_ranks(tagged.words) + np.uint32(1), np.uint32(0)).astype(np.uint64)
    nobody = len(tagged.words)
    for _ in range(MOST_TAGS):
        lowest = left & (~left + ONE)
        bit = np.where(left > 0, np.bitwise_count(lowest - ONE), nobody)
        keys = (keys << _BITS) | rank[bit]
        left ^= lowest
    keys[tagged.masks == 0] = ~np.uint64(0)
    return keys


ORDERS: dict[str, tuple[Callable[..., Any], Callable[[Any], npt.NDArray[Any]]]] = {
    "id": (named, by_id),
    "name": (named, by_name),
    "interests": (tagged, by_interests),
}
"""Column to what is taken of the world, and the order that is made of it."""

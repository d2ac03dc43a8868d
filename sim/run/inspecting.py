"""All that a screen shows of one member, in one question; for :meth:`Simulation.query`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sim.run.feeds import Feed, feed_of
from sim.run.inner import Inner, inner_of
from sim.run.members import Ego, Member, about, around, member_of

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Inspected", "inspected", "inspected_of"]


class Inspected(NamedTuple):
    """A member.

    Attributes
    ----------
    member
        As it is.
    feed
        What the platform knows of it; None without one.
    ego
        Those tied to it, where they were asked for.
    inner
        What it is like inside.
    """

    member: Member
    feed: Feed | None
    ego: Ego | None
    inner: Inner | None = None


Taken = tuple[Any, Feed | None, Ego | None, Inner]


def inspected(world: World, agent: int, ties: bool = False) -> Taken:
    """Take what is known of a member; ``ties``: and those tied to it.

    Raises
    ------
    InputError
        When there is no such agent.
    """
    told = about(world, agent)
    ego = around(world, agent) if ties else None
    return told, feed_of(world, agent), ego, inner_of(world, agent)


def inspected_of(taken: Taken) -> Inspected:
    """Return the member, with the messages that it adopted."""
    told, feed, ego, inner = taken
    return Inspected(member_of(told), feed, ego, inner)

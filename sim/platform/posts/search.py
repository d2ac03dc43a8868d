"""The search of posts and people, and what a look leaves behind."""

from __future__ import annotations

import numpy as np

from sim.agents.lifecycle import belongs
from sim.arrays import Ids
from sim.errors import InputError
from sim.platform.feed.candidates_kernels import remember
from sim.platform.feed.ranking_kernels import count_shown
from sim.platform.posts.posts import Flag, Kind
from sim.world.contract import PlatformState, WorldState


def found_posts(world: WorldState, platform: PlatformState, text: str) -> Ids:
    """Return the messages about the interests that a text names, or that hold its words.

    Those in feeds alone, the most liked and shared first, of equals the newer; hidden and private
    ones, and those of members who are not active, are not found.
    """
    posts, tags = platform.posts, np.uint64(world.agents.vocabulary.match(text))
    fits = (posts.tags & tags) != 0
    words = text.casefold()
    said = [n for n, written in platform.written.items() if words in written.casefold()]
    fits[posts.rows(np.array(said, np.uint32))] = True
    fits &= (posts.kind <= Kind.REPLY) & ((posts.flags & np.uint8(Flag.HIDDEN)) == 0)
    rows = np.flatnonzero(fits)
    rows = rows[world.agents.is_active(posts.author[rows])]
    worth = posts.likes[rows] + np.int64(2) * posts.shares[rows]
    return (rows[np.lexsort((-rows, -worth))] + posts.first).astype(np.uint32)


def found_people(world: WorldState, platform: PlatformState, text: str) -> Ids:
    """Return the members with the interests that a text names, most heard first.

    Only those who may be proposed to others (:data:`sim.agents.lifecycle.PLACES`).
    """
    tags = np.uint64(world.agents.vocabulary.match(text))
    if not tags:
        raise InputError(f"People are searched by interests, and {text!r} names none.")
    shared = np.bitwise_count(world.agents.interests & tags)
    who = np.flatnonzero((shared > 0) & belongs(world.agents.status, "proposals"))
    order = np.lexsort((who, -platform.fans[who].astype(np.int64), -shared[who].astype(np.int64)))
    return who[order].astype(np.uint32)


def look_at(platform: PlatformState, agent: int, messages: Ids) -> None:
    """Count that a member saw messages beside its feed; feeds will not show them to it again."""
    inside = messages[messages >= platform.posts.first]
    count_shown(inside, platform.posts.first, platform.posts.hot)
    for message in inside.tolist():
        know(platform, agent, message)


def know(platform: PlatformState, agent: int, message: int) -> None:
    """Let a member have seen a message; feeds will not show it that one again."""
    remember(platform.members.seen, agent, message)

"""What messages say, and what was said to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.feed.posts import Kind, Posts
from sim.feed.writer import Writer

if TYPE_CHECKING:
    from sim.world.platform import Platform
    from sim.world.world import World

__all__ = ["replies", "text_of", "words"]


def replies(posts: Posts, message: int) -> npt.NDArray[np.uint32]:
    """Return the replies to a message that are in the table, the oldest first."""
    rows = np.flatnonzero((posts.parent == message) & (posts.kind == np.uint8(Kind.REPLY)))
    return (rows + posts.first).astype(np.uint32)


def text_of(world: World, platform: Platform, message: int) -> str:
    """Return the text of a message: what somebody wrote, or what rules write for it.

    An injected message is known by its own words also when it is in no feed any more.

    Raises
    ------
    InputError
        When there is no message of that number, or only the rules knew it and it left the feeds.
    """
    said = _said(world, platform, message)
    return _by_rules(world, platform, message) if said is None else said


def _said(world: World, platform: Platform, message: int) -> str | None:
    """Return what somebody wrote, None where rules have to write it."""
    if message in platform.written:
        return platform.written[message]
    if message >= platform.posts.first:
        return None
    sent = next((own for own, number in platform.injected.items() if number == message), None)
    found = None if sent is None else world.cascades.find(sent)
    return None if found is None else found.text


def _by_rules(world: World, platform: Platform, message: int) -> str:
    posts = platform.posts
    row = posts.row(message)
    kind, parent = posts.kind[row], int(posts.parent[row])
    agents, author = world.agents, int(posts.author[row])
    tags, traits = int(posts.tags[row]), agents.personality[author].tolist()
    writer = Writer(tuple(agents.vocabulary))
    if kind == Kind.REPLY:
        named = "my friend"  # its author is not known once it left the feeds
        if parent >= posts.first:
            named = agents.name(int(posts.author[parent - posts.first])).split()[0]
        return writer.reply(world.seed, message, to=named, tags=tags, personality=traits)
    write = writer.quote if kind == Kind.QUOTE else writer.post
    return write(world.seed, message, tags=tags, personality=traits)


def words(world: World, platform: Platform, message: int) -> str:
    """Return the text of a message as :func:`text_of`, or nothing where nobody knows it."""
    try:
        return text_of(world, platform, message)
    except InputError:
        return ""

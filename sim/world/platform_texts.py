"""What messages say, and what was said to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.feed.posts import Kind, Posts
from sim.feed.writer import Writer

if TYPE_CHECKING:
    from sim.world.platform import Platform
    from sim.world.world import World

__all__ = ["replies", "text_of"]


def replies(posts: Posts, message: int) -> npt.NDArray[np.uint32]:
    """Return the replies to a message that are in the table, the oldest first."""
    rows = np.flatnonzero((posts.parent == message) & (posts.kind == np.uint8(Kind.REPLY)))
    return (rows + posts.first).astype(np.uint32)


def text_of(world: World, platform: Platform, message: int) -> str:
    """Return the text of a message: what somebody wrote, or what rules write for it."""
    posts = platform.posts
    row = posts.row(message)
    if message in platform.written:
        return platform.written[message]
    agents, author = world.agents, int(posts.author[row])
    tags, traits = int(posts.tags[row]), agents.personality[author].tolist()
    writer = Writer(tuple(agents.vocabulary))
    if posts.kind[row] == Kind.REPLY and posts.parent[row] >= posts.first:
        to = int(posts.author[posts.parent[row] - posts.first])
        name = agents.name(to).split()[0]
        return writer.reply(world.seed, message, to=name, tags=tags, personality=traits)
    return writer.post(world.seed, message, tags=tags, personality=traits)

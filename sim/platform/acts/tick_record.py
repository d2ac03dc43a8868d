""":class:`TickRecord`: acts and posts of one tick, for the history database."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import U8, Ids
from sim.platform.acts.log import NO_CHAIN, NOBODY, ActColumns, ActLog
from sim.platform.posts.posts import Kind, Posts
from sim.platform.posts.texts import Writer

if TYPE_CHECKING:
    from sim.agents.columns import Agents

from sim.world.base import PlatformState


class PostedMessages(NamedTuple):
    """Messages in the order in which they were posted; columns of one length."""

    author: Ids  # who wrote each
    tags: npt.NDArray[np.uint64]  # its interests, a mask
    topic: U8  # uint8, as of Posts
    flags: U8
    kind: U8
    parent: npt.NDArray[np.int32]  # the message that it quotes or replies to, -1 for none
    to: Ids  # who wrote that, NOBODY where it is unknown or there is none
    cascade: npt.NDArray[np.int32]  # the id of the injected message that it is, -1 for none

    @classmethod
    def none(cls) -> PostedMessages:
        """Return no messages."""
        return cls(*(np.empty(0, kind) for kind in KINDS))


KINDS = ("<u4", "<u8", "u1", "u1", "u1", "<i4", "<u4", "<i4")
"""The types of the columns of :class:`PostedMessages`."""


class TickRecord(NamedTuple):
    """What one tick left."""

    tick: int  # which
    chain: bytes  # what it and the tick before it were sealed with (seal)
    previous: bytes
    acts: ActColumns  # in order
    first: int  # the number of the first message that was posted in it; the others follow
    wrote: PostedMessages  # those messages
    texts: dict[int, str]  # what those say that somebody wrote, by number; rules write the others


class RecentTicks(NamedTuple):
    """What is in memory of the last ticks of a platform, or was when it was saved."""

    log: ActLog  # as of Platform
    posts: Posts
    written: Mapping[int, str]
    tick: int  # the world's
    window: int  # how many ticks messages are in the table

    @classmethod
    def of(cls, platform: PlatformState) -> RecentTicks:
        """Return what a platform holds; it goes on to change."""
        window = platform.settings.window
        return cls(platform.log, platform.posts, platform.written, platform.tick, window)

    def left(self, most: int | None = None) -> list[TickRecord]:
        """Return what the last ticks left of which all is still there, the oldest first."""
        kept = min(self.log.ticks, self.window)
        oldest = self.tick - (kept if most is None else min(most, kept))
        chains, sealed = self.log.chains, self.log.sealed_since(oldest)
        return [self._left(t, self.log.at(t), chains) for t in sealed if t <= self.tick]

    def _left(self, tick: int, acts: ActColumns, chains: Mapping[int, bytes]) -> TickRecord:
        ends = chains.get(tick, NO_CHAIN), chains.get(tick - 1, NO_CHAIN)
        first, wrote, texts = posted_in(self.posts, self.written, tick)
        return TickRecord(tick, *ends, acts, first, wrote, texts)


def seal(platform: PlatformState) -> None:
    """Seal the tick that ends: what is done later comes with the next."""
    _, wrote, texts = posted_in(platform.posts, platform.written, platform.tick)
    said = (part for number, text in texts.items() for part in (b"%d" % number, text.encode()))
    platform.log.seal(platform.tick, [*platform.acted, *wrote, *said])


def ending(platform: PlatformState) -> TickRecord:
    """Return what the tick that just ended left; nobody writes into its columns."""
    recent, chains = RecentTicks.of(platform), platform.log.chains
    return recent._left(platform.tick, platform.acted, chains)  # noqa: SLF001 - its own


def posted_in(
    posts: Posts, written: Mapping[int, str], tick: int
) -> tuple[int, PostedMessages, dict[int, str]]:
    """Return the messages of a tick that are still in feeds."""
    created = posts.created  # a search by numpy would copy it
    begin, end = bisect_left(created, tick), bisect_left(created, tick + 1)
    rows, first = slice(begin, end), posts.first + begin
    parent = posts.parent[rows]
    to = np.full(parent.size, NOBODY, np.uint32)
    known = np.flatnonzero(parent >= posts.first)
    to[known] = posts.author[parent[known] - posts.first]
    wrote = PostedMessages(
        posts.author[rows].copy(), posts.tags[rows].copy(), posts.topic[rows].copy(),
        posts.flags[rows].copy(), posts.kind[rows].copy(), parent.copy(), to,
        posts.cascades_of(rows),
    )  # fmt: skip
    numbers = range(first, first + end - begin)
    texts = {n: text for n, text in written.items() if n in numbers}
    return first, wrote, texts


def said_in(
    agents: Agents, seed: int, number: int, row: tuple[Any, ...], own: str | None = None
) -> str:
    """Return the text of a message of members: what somebody wrote, or what rules write for it."""
    if own is not None:
        return own
    author, tags, _, _, kind, _, to, _ = row
    traits = agents.personality[author].tolist()
    writer = Writer(tuple(agents.vocabulary))
    if kind == Kind.REPLY:
        name = agents.name(to).split()[0] if to < len(agents) else "my friend"
        return writer.reply(seed, number, to=name, tags=tags, personality=traits)
    write = writer.quote if kind == Kind.QUOTE else writer.post
    return write(seed, number, tags=tags, personality=traits)

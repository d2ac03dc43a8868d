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

from sim.world.contract import PlatformState


class PostedMessages(NamedTuple):
    """Messages in the order in which they were posted; columns of one length.

    Attributes
    ----------
    author
        uint32: who wrote each.
    tags
        uint64: its interests, a mask.
    topic, flags, kind
        uint8, as of :class:`~sim.platform.posts.posts.Posts`.
    parent
        int32: the message that it quotes or replies to, -1 for none.
    to
        uint32: who wrote that, :data:`~sim.platform.acts.log.NOBODY` where it is unknown or there
        is none.
    cascade
        int32: the id of the injected message that it is, -1 for none.
    """

    author: Ids
    tags: npt.NDArray[np.uint64]
    topic: U8
    flags: U8
    kind: U8
    parent: npt.NDArray[np.int32]
    to: Ids
    cascade: npt.NDArray[np.int32]

    @classmethod
    def none(cls) -> PostedMessages:
        """Return no messages."""
        return cls(*(np.empty(0, kind) for kind in KINDS))


KINDS = ("<u4", "<u8", "u1", "u1", "u1", "<i4", "<u4", "<i4")
"""The types of the columns of :class:`PostedMessages`."""


class TickRecord(NamedTuple):
    """What one tick left.

    Attributes
    ----------
    tick
        Which.
    chain, previous
        What it and the tick before it were sealed with
        (:meth:`~sim.platform.acts.log.ActLog.seal`).
    acts
        In order.
    first
        The number of the first message that was posted in it; the others follow.
    wrote
        Those messages.
    texts
        What those say that somebody wrote, by number; rules write the others.
    """

    tick: int
    chain: bytes
    previous: bytes
    acts: ActColumns
    first: int
    wrote: PostedMessages
    texts: dict[int, str]


class RecentTicks(NamedTuple):
    """What is in memory of the last ticks of a platform, or was when it was saved.

    Attributes
    ----------
    log, posts, written
        As of :class:`~sim.platform.platform.Platform`.
    tick
        The world's.
    window
        How many ticks messages are in the table.
    """

    log: ActLog
    posts: Posts
    written: Mapping[int, str]
    tick: int
    window: int

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

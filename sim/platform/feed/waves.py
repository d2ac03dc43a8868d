"""Waves of members who are fed and act: what a tick needs of a wave is taken, the rest is gone.

A platform that keeps its feeds serves everybody in one wave, and lets members act on it later in
the tick. One that does not (``keep_feeds`` off, and no member with a mind that reads its feed) has
room for the feeds of one wave alone: what the tick needs is taken of them at once - whom an
injected message is shown, what the policy lets viewers do, how often each message was shown - and
takes effect where it would anywhere: counters after the last wave, acts in their phase. What comes
of it is the same. A policy of somebody's own then decides before injected messages move on, not
after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.rng import Stream
from sim.core.threads import workers
from sim.platform.acts.acts_kernels import collect
from sim.platform.acts.log import ActColumns
from sim.platform.acts.policy_dispatch import codes_of
from sim.platform.channel import FEED, FeedChannel, injected
from sim.platform.feed.candidates_kernels import SHOWN
from sim.platform.feed.exposures import ExposurePart, Exposures, Showings, TickExposures
from sim.platform.feed.ranking_kernels import count_shown, tally
from sim.platform.feed.serving import in_threads
from sim.world.contract import PlatformState, WorldState

WAVE = 1 << 15
"""Viewers of a wave, where feeds are not kept."""


class Waves:
    """The feeds of a tick while they are made."""

    def __init__(self, platform: PlatformState) -> None:
        self._platform = platform
        self._parts: list[ExposurePart] = []
        self._keeps = platform.settings.keep_feeds or bool(platform.minds.kinds)
        self._shown = np.zeros(0 if self._keeps else len(platform.posts), np.uint32)
        self._count = 0
        self._injected: list[Showings] = []
        self._decided: list[tuple[ActColumns, Ids]] = []

    def of(self, viewers: Ids) -> Iterator[Ids]:
        """Go through viewers, a wave at a time."""
        size = max(viewers.size, 1) if self._keeps else WAVE
        for low in range(0, viewers.size, size):
            yield viewers[low : low + size]

    def take(self, parts: list[ExposurePart]) -> None:
        """Keep the feeds of a wave, or what the tick needs of them."""
        if self._keeps:
            self._parts += parts
            return
        platform = self._platform
        self._injected += injected(platform.posts, parts)
        made = decided(platform, parts)
        via = [sources for _, sources in made] if platform.settings.learning else []
        whom = np.concatenate([np.empty(0, np.uint32), *via])
        self._decided.append((ActColumns.joined([acts for acts, _ in made]), whom))
        for part in parts:
            tally(part.message, platform.posts.first, self._shown)
            self._count += part.message.size
        platform.shelf.clear()

    def done(self) -> Exposures:
        """Count what was shown; returns the exposures of the tick."""
        platform = self._platform
        if self._keeps:
            for part in self._parts:
                count_shown(part.message, platform.posts.first, platform.posts.hot)
            return Exposures(self._parts, platform.tick)
        platform.shelf.give_back()
        platform.posts.hot[:, SHOWN] += self._shown
        taken = TickExposures(self._count, self._injected, self._decided)
        return Exposures([], platform.tick, taken)


def keep_feeds(world: WorldState) -> None:
    """Let a copy of a world keep its feeds from the next tick on; what comes of it is the same."""
    platform = world.platform
    if platform is not None and not platform.settings.keep_feeds:
        platform.settings = platform.settings.model_copy(update={"keep_feeds": True})


def give_back(world: WorldState, taken: TickExposures) -> None:
    """Give back what cascades needed to move on, where feeds are not kept: it is taken again."""
    world.scratch().give_back()
    taken.injected.clear()
    channel = world.channel(FEED)
    if isinstance(channel, FeedChannel):
        channel.give_back()


def decided(platform: PlatformState, parts: list[ExposurePart]) -> list[tuple[ActColumns, Ids]]:
    """Return what the policy lets viewers do, part by part, and from whom each was seen."""
    key = platform.key(Stream.ACTS)

    def work(part: ExposurePart) -> tuple[ActColumns, Ids]:
        codes = platform.minds.hush(part, codes_of(platform, part, key))
        return _acts_of(platform, part, codes)

    return in_threads(work, parts, workers())


def _acts_of(
    platform: PlatformState, part: ExposurePart, codes: npt.NDArray[np.uint8]
) -> tuple[ActColumns, Ids]:
    """Return the acts of a part whose codes are not 0, and their sources."""
    posts, size = platform.posts, int(np.count_nonzero(codes)) + 1
    columns = [np.empty(size, kind) for kind in ("u4", "u1", "u4", "u4", "u4")]
    count = collect(
        part.viewers, part.counts, part.message, part.source, posts.hot, posts.first, codes,
        *columns,
    )  # fmt: skip
    agent, what, about, other, via = (column[:count] for column in columns)
    return ActColumns(agent, what, about, other), via

"""``why``: the explanation of one exposure: sharers, scores and slot in a member's feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.arrays import Array
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError
from sim.platform.acts.kinds import Act
from sim.platform.acts.relations import trust_before
from sim.platform.feed.recommender import Candidates

if TYPE_CHECKING:
    from sim.platform.feed.exposures import ExposurePart

from sim.world.base import PlatformState

_COUNTED = {
    "likes": (Act.LIKE,),
    "shares": (Act.REPOST, Act.QUOTE),
    "replies": (Act.REPLY,),
    "dislikes": (Act.DISLIKE,),
    "reports": (Act.REPORT,),
}
"""Acts that increase each counter after feeds are made."""


@dataclass(frozen=True, slots=True)
class Why:
    """Explanation of a message in a feed.

    Attributes
    ----------
    tick, viewer, message
        Tick, viewer and message of the exposure.
    source
        The member that shared it; the author if it came from outside the viewer's follows.
    followed
        Whether the viewer follows the source.
    friends
        Number of drawn members that shared it.
    recommender
        Name of the recommender.
    score, slot
        Its score, and its position in the feed, from 0.
    shown
        Number of messages in the viewer's feed.
    parts
        Named terms of the score, from the recommender.
    rivals
        (message, score) of the other messages in the feed, best first.
    """

    tick: int
    viewer: int
    message: int
    source: int
    followed: bool
    friends: int
    recommender: str
    score: float
    slot: int
    shown: int
    parts: dict[str, float]
    rivals: tuple[tuple[int, float], ...]

    @property
    def sentence(self) -> str:
        """The explanation in one sentence, by indices."""
        whence = f"agent {self.source}, whom it follows, shared it"
        if not self.followed:
            whence = f"agent {self.source}, from outside its network, shared it"
        parts = ", ".join(f"{name} {value:.3g}" for name, value in self.parts.items())
        return (
            f"Agent {self.viewer} was shown message {self.message} in place {self.slot + 1} of "
            f"{self.shown} because {whence}; score {self.score:.3g} by {self.recommender} "
            f"({parts})."
        )


def why(platform: PlatformState, viewer: int, message: int, tick: int | None) -> Why:
    """Return the explanation; see :meth:`sim.platform.platform.Platform.why`."""
    exposures = platform.exposures
    if tick is not None and tick != exposures.tick:
        raise InputError(
            f"Only feeds of the last tick ({exposures.tick:,}) are kept; sim.explain(FILE, ...) or "
            f"hubbub show FILE why AGENT MESSAGE --tick {tick} runs that tick again."
        )
    found = _found(platform, viewer)
    if found is None or message not in found[0].message[found[1] : found[2]]:
        raise InputError(
            f"Agent {viewer} was not shown message {message:,} in tick {exposures.tick:,}."
        )
    return next(each for each in whys(platform, viewer) if each.message == message)


def whys(platform: PlatformState, viewer: int) -> list[Why]:
    """Return an explanation of each message in a member's feed, best first, if it has one."""
    found = _found(platform, viewer)
    if found is None or found[1] == found[2]:
        return []
    part, low, high = found
    recommender, shown = platform.recommenders[part.recommender], high - low
    told = recommender.parts(_again(platform, viewer, part, low, high))
    parts = {name: np.broadcast_to(value, shown) for name, value in told.items()}
    pairs = list(zip(part.message[low:high].tolist(), part.score[low:high].tolist(), strict=True))
    return [
        Why(
            tick=platform.tick, viewer=viewer, message=message, source=int(part.source[low + slot]),
            followed=bool(part.friends[low + slot]), friends=int(part.friends[low + slot]),
            recommender=recommender.plugin_name or type(recommender).__name__,
            score=score, slot=slot, shown=shown,
            parts={name: float(value[slot]) for name, value in parts.items()},
            rivals=tuple(pair for k, pair in enumerate(pairs) if k != slot),
        )
        for slot, (message, score) in enumerate(pairs)
    ]  # fmt: skip


def _found(platform: PlatformState, viewer: int) -> tuple[ExposurePart, int, int] | None:
    """Return the part with a viewer's feed, and the feed's begin and end in it."""
    for part in platform.exposures.parts:
        at = int(np.searchsorted(part.viewers, viewer))
        if at < part.viewers.size and part.viewers[at] == viewer:
            low = int(part.counts[:at].sum(dtype=np.int64))
            return part, low, low + int(part.counts[at])
    return None


def _again(
    platform: PlatformState, viewer: int, part: ExposurePart, low: int, high: int
) -> Candidates:
    """Return the exposures as candidates, with counters as before the acts."""
    posts = platform.posts
    messages, sources = part.message[low:high].copy(), part.source[low:high].copy()
    rows = posts.rows(messages)
    first = platform.acts_before
    about = np.isin(platform.acted.message[first:], messages, kind="sort")  # a few of many
    since = platform.acted.chosen(np.flatnonzero(about) + first)
    counters = {
        name: getattr(posts, name)[rows].astype(np.float32)
        - _since(since.message[np.isin(since.act, kinds)], messages)
        for name, kinds in _COUNTED.items()
    }
    shown = posts.shown[rows].astype(np.float32) - _since(platform.exposures.message, messages)
    key = rng.key(platform.seed, Stream.FEED, platform.exposures.tick)
    trust, interest = _exact(platform, viewer, messages, sources, part.friends[low:high])
    columns: dict[str, Array] = {
        "message": messages, "source": sources, "author": posts.author[rows], "shown": shown,
        **counters, "trust": trust, "interest": interest,
        "age": (platform.exposures.tick - posts.created[rows]).astype(np.float32),
        "friends": part.friends[low:high].copy(), "flags": part.flags[low:high].copy(),
        "bits": rng.words(key, [viewer], messages), "appeal_byte": part.appeal[low:high].copy(),
        "stops": np.array([0, rows.size], np.int64),
    }  # fmt: skip
    return Candidates(platform, np.array([viewer], np.uint32), columns)


def _since(touched: Array, messages: Array) -> npt.NDArray[np.float32]:
    """Return how often each message occurs in ``touched``."""
    # A few messages among millions: one pass for each is fastest.
    return np.array([np.count_nonzero(touched == each) for each in messages], np.float32)


def _exact(
    platform: PlatformState, viewer: int, messages: Array, sources: Array, friends: Array
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return trust and interest as the feed had them."""
    posts, hearing = platform.posts, platform.hearing
    tags = posts.tags[posts.rows(messages)]
    mine = platform.people.column("interests")[viewer]
    both, many = np.bitwise_count(tags & mine), np.bitwise_count(tags)
    part = np.float32(1) / np.maximum(many, 1).astype(np.float32)
    interest = np.where(many > 0, both.astype(np.float32) * part, np.float32(1)).astype(np.float32)
    trust = (friends > 0).astype(np.float32)
    if hearing.trust.size:
        start, length = (int(x) for x in hearing.rows[viewer])
        row = slice(start, start + length)
        at = np.searchsorted(hearing.ids[row], sources)
        known = (at < length) & (friends > 0)
        given = hearing.trust[row][np.minimum(at, max(length - 1, 0))] if length else trust
        scale = np.float32(1 / 65535)
        then = np.array(
            [
                trust_before(platform, viewer, *pair)
                for pair in zip(
                    sources.tolist(), np.broadcast_to(given, known.shape).tolist(), strict=True
                )
            ]
        )
        trust = np.where(known, then.astype(np.float32) * scale, np.float32(0))
    return trust, interest

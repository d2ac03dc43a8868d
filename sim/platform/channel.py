"""The channel ``feed``: those hear a message who are shown it, from whom they are shown it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.platform.feed.exposures import ExposurePart, Showings
from sim.platform.posts.posts import Flag, Posts
from sim.spread.cascade.contacts import Contacts, FeedContacts

if TYPE_CHECKING:
    from sim.platform.feed.exposures import Exposures

from sim.world.contract import PlatformState

FEED = "feed"
_INJECTED = np.uint8(Flag.INJECTED)
_NOBODY = np.empty(0, np.uint32)
_Pairs = tuple[Ids, Ids]


class FeedChannel:
    """What members are shown of a message in this tick.

    A member hears a message from whom it is shown it: the followee that shared it, or its author
    where it comes from beyond. Everybody whose share is shown speaks, however long ago it was:
    a model's chances are chances at being shown the message, and who adopts shares it from then on.
    Models that weigh what an agent hears in sum (thresholds of many) ask who is shown it, and then
    of all it follows.
    A message that is too old for feeds, or hidden, comes to rest.
    """

    name = FEED

    def __init__(self, platform: PlatformState) -> None:
        self._platform = platform
        self._shown: tuple[Exposures | None, dict[int, _Pairs]] = (None, {})
        self._spare: list[npt.NDArray[np.uint32]] = []

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return who is shown the message, and by whom."""
        viewers, sources = self._pairs().get(message, (_NOBODY, _NOBODY))
        return FeedContacts(network, viewers, sources, self._spare, self._heard)

    def _heard(self, viewers: Ids) -> _Pairs:
        """Return (viewers, sources) of all ties by which some members hear."""
        hearing = self._platform.hearing
        starts, lengths = (column.astype(np.int64) for column in hearing.rows[viewers].T)
        first = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(starts - first, lengths)
        return np.repeat(viewers, lengths), hearing.ids[places]

    def carries(self, message: int) -> bool:
        """Return whether the message may still be shown to somebody."""
        return self._platform.carries(message)

    def give_back(self) -> None:
        """Give back what was made to tell this tick's contacts."""
        self._shown = None, {}
        self._spare.clear()

    def _pairs(self) -> dict[int, _Pairs]:
        """Return (viewers, sources) of each injected message shown; sorted out once a tick."""
        exposures = self._platform.exposures
        if self._shown[0] is not exposures:
            self._shown = exposures, _by_message(self._platform.posts, exposures)
        return self._shown[1]


def _by_message(posts: Posts, exposures: Exposures) -> dict[int, _Pairs]:
    taken = exposures.taken
    shown = injected(posts, exposures.parts) if taken is None else taken.injected
    if not shown:
        return {}
    viewers, sources, ids = (np.concatenate(column) for column in zip(*shown, strict=True))
    shown.clear()  # it is sorted out once
    order = np.argsort(ids, kind="stable")
    which, starts = np.unique(ids[order], return_index=True)
    spans = zip(which.tolist(), starts.tolist(), [*starts[1:].tolist(), ids.size], strict=True)
    return {
        number: (viewers[order[low:high]], sources[order[low:high]]) for number, low, high in spans
    }


def injected(posts: Posts, parts: Iterable[ExposurePart]) -> list[Showings]:
    """Return the exposures of injected messages, of each part that has any."""
    found = []
    for part in parts:
        at = np.flatnonzero(part.flags & _INJECTED)
        if at.size:
            stops = np.cumsum(part.counts, dtype=np.int64)
            viewers = part.viewers[np.searchsorted(stops, at, side="right")]
            own = [posts.cascade_of(message) for message in part.message[at].tolist()]
            found.append(Showings(viewers, part.source[at], np.array(own, np.uint32)))
    return found

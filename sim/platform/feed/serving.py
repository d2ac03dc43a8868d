"""Serving feeds to members online: candidates, scores, slots, a few thousand viewers at a time.

A chunk's result depends on its viewers alone, and chunks are joined in order, so that exposures do
not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import Array
from sim.core.threads import in_threads, interruptible
from sim.platform.feed.candidates_kernels import CandidateColumns, gather
from sim.platform.feed.draws_kernels import FeedTables
from sim.platform.feed.exposures import ExposurePart
from sim.platform.feed.ranking_kernels import ShownColumns, add_up, select, serve
from sim.platform.feed.recommender import Candidates, Chronological, Recommender
from sim.platform.members import Members
from sim.platform.platform_view import PlatformView
from sim.platform.posts.posts import Pools
from sim.platform.settings import PlatformSettings
from sim.spread.cascade.faults import is_interruption

_LARGEST = 1e9


class Weights(NamedTuple):
    """Weights of a score's terms; 0 unless given.

    Attributes
    ----------
    interest
        Of the share of the message's interests that the viewer has.
    trust
        Of the viewer's trust in the source.
    followed
        Added for sources that the viewer follows.
    fresh, half_life
        Of ``half_life / (half_life + hours)``.
    popular, saturation
        Of ``n / (n + saturation)``, where n is likes + twice the shares.
    friends
        Added for each further drawn member that shared it.
    demotion
        Subtracted if the post is down-ranked.
    language
        Added for authors who write in the viewer's language; not 0: without the faster pass.
    """

    interest: float = 0.0
    trust: float = 0.0
    followed: float = 0.0
    fresh: float = 0.0
    popular: float = 0.0
    friends: float = 0.0
    demotion: float = 0.0
    half_life: float = 8.0
    saturation: float = 20.0
    language: float = 0.0


class Weighted(Recommender):
    """A recommender that only says its weights; they are added up in one compiled pass.

    A weight ``language`` of 0 is left out of what is saved: worlds older than it stay as they are.
    """

    def values(self) -> dict[str, Any]:
        """Return every parameter by name, in the order of declaration."""
        return {name: v for name, v in super().values().items() if v or name != "language"}

    def weights(self) -> Weights:
        """Return the weights."""
        raise NotImplementedError

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return the sum of the parts."""
        c, weights = candidates, self.weights()
        out = np.empty(len(c), np.float32)
        add_up(
            c.interest, c.trust, c.friends, c.age, c.likes, c.shares, c.flags,
            np.array(weights[:7], np.float32), weights.half_life * 60 / c.around.tick_minutes,
            weights.saturation, out,
        )  # fmt: skip
        if weights.language:
            out += np.float32(weights.language) * c.same_language
        return out

    def parts(self, candidates: Candidates) -> dict[str, npt.NDArray[Any]]:
        """Return each term of the sum."""
        c, w = candidates, self.weights()
        n = c.likes + 2 * c.shares
        more = np.maximum(c.friends, 1).astype(np.float32) - 1
        return {
            "interest": w.interest * c.interest,
            "trust": w.trust * c.trust,
            "followed": w.followed * c.followed,
            "fresh": w.fresh * (w.half_life / (w.half_life + c.hours)),
            "popular": w.popular * (n / (n + w.saturation)),
            "friends": w.friends * more,
            "demotion": -w.demotion * c.downranked,
            **({"language": w.language * c.same_language} if w.language else {}),
        }


def weights_of(recommender: Recommender) -> Weights | None:
    """Return the weights of a recommender defined by them alone, with finite sums; or None.

    Also None if it fails to return them: computing scores then reports the reason.
    """
    kind = type(recommender)
    if not isinstance(recommender, Weighted) or any(
        getattr(kind, name) is not getattr(Weighted, name)
        for name in ("score", "scores_of", "rerank")
    ):
        return None
    try:
        with interruptible():
            weights = Weights(*(float(each) for each in recommender.weights()))
    except BaseException as error:  # plugin code
        if is_interruption(error):
            raise
        return None
    tame = not weights.language and all(
        math.isfinite(each) and abs(each) < _LARGEST for each in weights
    )
    return weights if tame and weights.half_life > 0 and weights.saturation > 0 else None


CHUNK = 2048
"""Viewers per chunk: their candidates fit in the CPU cache."""
_MANY = 2 * CHUNK
"""Viewers per chunk if candidates are not kept."""

_PAGE, _STEP, _LINE = 4096, 320, 64
_BLOCK = 1 << 22
"""Size of a memory block for exposures, in bytes."""

WRITTEN = CandidateColumns._fields
"""Columns of candidates that kernels write; others are derived from them."""
_WRITTEN = dict(zip(WRITTEN, ("u8", *["u4"] * 3, *["f4"] * 5, *["u1"] * 3), strict=True))
_KEPT = dict(zip(ShownColumns._fields, (*["u4"] * 3, *["u1"] * 6), strict=True))
"""Dtypes of the columns of exposures, in the order of writing."""


class ChunkBuffers(NamedTuple):
    """Working columns for the candidates of some viewers, and for their exposures."""

    candidates: CandidateColumns  # as kernels write them; int64 (viewers + 1,)
    stops: npt.NDArray[np.int64]
    # exposures, and uint8 (viewers,): number of each; (0,) if none are made
    shown: ShownColumns
    counts: npt.NDArray[np.uint8]


class FeedInputs(NamedTuple):
    """Inputs of all chunks of a tick."""

    around: PlatformView  # the platform
    recommender: Recommender  # the recommender, and its index in the platform's list
    which: int
    slots: int  # maximum exposures per viewer
    tables: FeedTables  # tables to draw from

    def candidates(self, viewers: Array, low: int, high: int, tray: ChunkBuffers) -> Candidates:
        """Return the candidates of ``viewers[low:high]``, written into ``tray``."""
        count = gather(viewers, low, high, self.tables, tray.candidates, tray.stops)
        found = {name: getattr(tray.candidates, name)[:count] for name in WRITTEN}
        found["stops"] = tray.stops[: high - low + 1]
        for column in found.values():
            column.flags.writeable = False
        return Candidates(self.around, viewers[low:high], found)

    def shown(
        self, weights: Weights, viewers: Array, low: int, high: int, tray: ChunkBuffers
    ) -> int:
        """Write the exposures of ``viewers[low:high]`` by weights to ``tray``; return how many."""
        given = (
            np.array(weights[:7], np.float32), weights.half_life * 60 / self.around.tick_minutes,
            weights.saturation,
        )  # fmt: skip
        return serve(viewers, low, high, self.tables, *given, self.slots, tray.counts, tray.shown)


def tables_of(
    around: PlatformView,
    members: Members,
    pools: Pools,
    absent: npt.NDArray[np.uint64],
    closed: tuple[Array, Array, Array],
    settings: PlatformSettings,
    key: np.uint64,
) -> FeedTables:
    """Return the tables that a tick's feeds are drawn from."""
    hearing, posts = around.hearing, around.posts
    beyond = round(settings.candidates * settings.outside)
    return FeedTables(
        hearing.rows, hearing.ids, hearing.trust, members.recent, members.live, members.seen,
        around.people.column("interests"), absent, posts.hot, posts.first, *closed, *pools,
        settings.candidates - beyond, beyond, key, around.tick,
    )  # fmt: skip


class FeedBuffers:
    """Memory for making feeds, and for exposures until the next tick.

    It is allocated once and reused in every tick, because memory freed by many threads would
    fragment the heap.
    """

    def __init__(self, slots: int, candidates: int) -> None:
        self.slots = slots
        self.candidates = candidates
        self._trays: SimpleQueue[ChunkBuffers] = SimpleQueue()
        self._blocks: list[npt.NDArray[np.uint8]] = []
        self._at = self._used = 0
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(block.nbytes for block in self._blocks)

    def clear(self) -> None:
        """Make the memory of the last tick's exposures available again."""
        self._at = self._used = 0

    def give_back(self) -> None:
        """Free its memory; it is allocated again when exposures need it."""
        self._blocks.clear()
        self.clear()

    def room(self, size: int) -> npt.NDArray[np.uint8]:
        """Return ``size`` unused bytes of this tick's memory, aligned to a cache line."""
        with self._lock:
            while self._at < len(self._blocks):
                begin = self._used + -(self._blocks[self._at].ctypes.data + self._used) % _LINE
                self._used = begin + size
                if self._used <= self._blocks[self._at].size:
                    return self._blocks[self._at][begin : self._used]
                self._at, self._used = self._at + 1, 0
            self._blocks.append(np.empty(max(_BLOCK, size + _LINE), np.uint8))
        return self.room(size)

    def serve(
        self, serving: FeedInputs, viewers: Array, threads: int
    ) -> tuple[list[ExposurePart], BaseException | None]:
        """Return the feeds of some viewers, and the first error of their recommender or None."""
        weights = weights_of(serving.recommender)

        def work(low: int) -> tuple[ExposurePart, BaseException | None]:
            if weights is None:
                return self._chunk(serving, viewers, low)
            return self._weighted(serving, weights, viewers, low), None

        many = CHUNK if weights is None else _MANY
        done = in_threads(work, range(0, viewers.size, many), threads)
        faults = [fault for _, fault in done if fault is not None]
        return [part for part, _ in done], (faults[0] if faults else None)

    def _chunk(
        self, serving: FeedInputs, viewers: Array, low: int
    ) -> tuple[ExposurePart, BaseException | None]:
        high = min(low + CHUNK, viewers.size)
        fault: BaseException | None = None
        tray = self._tray()
        candidates = serving.candidates(viewers, low, high, tray)
        stop, span = -1, (viewers, low, high)
        try:
            with interruptible():
                scores = serving.recommender.scores_of(candidates, self.slots)
                stop = self._select(serving, candidates, scores, tray, span)
            fault = serving.recommender.refuse_nan() if stop < 0 else None
        except BaseException as error:  # plugin code
            if is_interruption(error):
                raise
            fault = error
        if fault is not None:  # these viewers get the newest first
            scores = Chronological().scores_of(candidates, self.slots)
            stop = self._select(serving, candidates, scores, tray, span)
        part = self._kept(viewers[low:high], stop, tray, serving.which)
        self._trays.put(tray)
        return part, fault

    def _weighted(
        self, serving: FeedInputs, weights: Weights, viewers: Array, low: int
    ) -> ExposurePart:
        high = min(low + _MANY, viewers.size)
        tray = self._tray()
        stop = serving.shown(weights, viewers, low, high, tray)
        part = self._kept(viewers[low:high], stop, tray, serving.which)
        self._trays.put(tray)
        return part

    def _kept(self, viewers: Array, count: int, tray: ChunkBuffers, which: int) -> ExposurePart:
        """Return the exposures of some viewers, copied to memory that lasts until the next tick."""
        columns: dict[str, Array] = {n: c[:count] for n, c in tray.shown._asdict().items()}
        columns["counts"] = tray.counts[: viewers.size]
        room, at = self.room(sum(column.nbytes for column in columns.values())), 0
        found: dict[str, Array] = {}
        for name, column in columns.items():
            found[name] = room[at : at + column.nbytes].view(column.dtype)
            found[name][:] = column
            at += column.nbytes
        found["score"] = found["score"].view(np.float32)
        return ExposurePart(viewers, recommender=which, **found)

    def _select(
        self,
        serving: FeedInputs,
        candidates: Candidates,
        scores: npt.NDArray[np.float32],
        tray: ChunkBuffers,
        span: tuple[Array, int, int],
    ) -> int:
        """Write the best candidates of each viewer; return how many, or -1 if a score is NaN."""
        return int(select(
            *span, candidates.stops, scores.view(np.uint32), tray.candidates, self.slots,
            serving.tables.seen, tray.counts, tray.shown,
        ))  # fmt: skip

    def _tray(self) -> ChunkBuffers:
        """Return working columns for a chunk, which are reused."""
        try:
            return self._trays.get_nowait()
        except Empty:
            return tray_for(CHUNK, self.candidates, _MANY, self.slots)


def tray_for(viewers: int, candidates: int, shown: int = 0, slots: int = 0) -> ChunkBuffers:
    """Return working columns for ``candidates`` of ``viewers``, and ``slots`` of ``shown``."""
    return ChunkBuffers(
        CandidateColumns(**staggered(viewers * candidates, _WRITTEN)),
        np.empty(viewers + 1, np.int64),
        ShownColumns(**staggered(shown * slots, _KEPT)),
        np.empty(shown, np.uint8),
    )


def staggered(size: int, kinds: dict[str, str]) -> dict[str, Array]:
    """Return columns of ``size`` that are written in parallel."""
    rooms = [-(-size * np.dtype(kind).itemsize // _PAGE) * _PAGE + _STEP for kind in kinds.values()]
    block = np.empty(sum(rooms) + _STEP, np.uint8)
    starts = np.cumsum([-block.ctypes.data % 64, *rooms[:-1]]).tolist()
    return {
        name: block[start : start + size * np.dtype(kind).itemsize].view(kind)
        for start, (name, kind) in zip(starts, kinds.items(), strict=True)
    }


def split(viewers: Array, recommender: Array, count: int) -> Iterator[tuple[int, Array]]:
    """Yield (index of a recommender, its viewers) for each with viewers."""
    if count == 1:
        yield 0, viewers
        return
    chosen = recommender[viewers]
    for which in range(count):
        own = viewers[chosen == which]
        if own.size:
            yield which, np.ascontiguousarray(own)

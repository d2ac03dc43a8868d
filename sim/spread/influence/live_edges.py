"""Live-edge models: final reach as reachability in a random subgraph (percolation).

Under such a model the expected spread is monotone and submodular in the seeds (Kempe, Kleinberg &
Tardos, KDD 2003), which seed selection relies on.

An estimate uses as many runs as needed for an interval of one hundredth of the mean on each side,
derived from a first batch of runs (Stein, Annals of Mathematical Statistics 16, 1945), within
bounds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U8, U64, Ids
from sim.core import rng
from sim.core.progress import Report, part, quiet
from sim.core.rng import Stream
from sim.core.threads import workers
from sim.errors import InputError
from sim.network.graph.ties import Ties
from sim.spread.influence import live_edges_kernels as kernels
from sim.spread.influence.coverage_kernels import set_bits
from sim.spread.influence.live_edges_kernels import Chances

_NO_LABELS = np.empty(0, np.int32)
_NO_LEVELS = np.empty(0, np.float64)
_NO_TIES = np.empty(0, np.uint8)
_NOTHING = np.empty(0, np.int64)
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class LiveEdges:
    """The live-edge form of a model's final reach, as declared by a propagation model.

    Attributes
    ----------
    chance
        The chance that a tie carries the message, in [0, 1], before the scale.
    scale
        The factor of the chance: none, the tie's trust, or 1 / the listener's number of sources
        (``chance`` is then 1).
    levels
        Shares of the chance in [0, 1], one drawn per tie of the world; empty: none.
    across
        The share of the chance for a tie between two communities.
    one_source
        Each listener has exactly one live tie, drawn among its sources: ``"uniform"``, or in
        proportion to ``"trust"``; the other fields then have no effect. A linear threshold.

    Examples
    --------
    >>> LiveEdges(chance=0.1).scale
    'none'
    """

    chance: float = 1.0
    scale: Literal["none", "trust", "degree"] = "none"
    levels: tuple[float, ...] = ()
    across: float = 1.0
    one_source: Literal["uniform", "trust"] | None = None

    def __str__(self) -> str:
        if self.one_source:
            weights = "1 / sources" if self.one_source == "uniform" else "a share of trust"
            return f"one live tie a follower, by {weights}"
        said = "1 / sources of the follower" if self.scale == "degree" else f"{self.chance:g}"
        said += " x trust" if self.scale == "trust" else ""
        said += f" x one of {', '.join(f'{x:g}' for x in self.levels)}" if self.levels else ""
        return said + (f", x {self.across:g} between communities" if self.across != 1.0 else "")


class Estimate(NamedTuple):
    """Agents reached in the end, including seeds: the mean of runs, its (normal) 95 % interval."""

    mean: float
    low: float
    high: float
    runs: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        return f"{self.mean:,.1f} (95 % {self.low:,.1f} to {self.high:,.1f})"


class ThreadScratch(NamedTuple):
    """Working memory of one thread; ``seen`` marks non-participants and is restored after use."""

    seen: U64
    queue: Ids


class LiveNetwork:
    """A network under a model of live edges.

    Attributes
    ----------
    agents
        Number of agents, n.
    roots
        uint32, ascending: the agents that take part.
    closed
        uint64: a bitmap of the other agents.

    Examples
    --------
    >>> ties = Ties.from_arcs([0, 1], [1, 2])
    >>> network = LiveNetwork(ties, LiveEdges(chance=1.0), seed=7)
    >>> network.spread(np.array([0], np.uint32), runs=10).mean
    3.0
    """

    def __init__(
        self,
        ties: Ties,
        edges: LiveEdges,
        seed: int,
        *,
        active: npt.NDArray[np.bool_] | None = None,
        labels: npt.NDArray[np.int32] | None = None,
    ) -> None:
        self.ties, self.edges, self.seed = ties, edges, seed
        self.agents = ties.agents
        everybody = np.ones(self.agents, np.bool_) if active is None else active
        self.roots: Ids = np.flatnonzero(everybody).astype(np.uint32)
        if self.roots.size == 0:
            raise InputError("No member is active, so no member can be reached.")
        self.chances = _chances(edges, seed, labels)
        self.closed: U64 = np.zeros(-(-self.agents // 64), np.uint64)
        set_bits(np.flatnonzero(~everybody).astype(np.uint32), self.closed)
        self._free: list[ThreadScratch] = []
        self._lock = threading.Lock()

    @property
    def forwards(self) -> tuple[Ids, Ids, npt.NDArray[np.uint16]]:
        """Rows, targets and trust: the listeners of each agent."""
        return self.ties.rows, self.ties.targets, self.ties.trust

    @property
    def backwards(self) -> tuple[Ids, Ids, npt.NDArray[np.uint16]]:
        """Rows, sources and trust: the sources of each agent."""
        back = self.ties.reverse
        return back.rows, back.targets, back.trust

    @contextmanager
    def scratch(self) -> Iterator[ThreadScratch]:
        """Lend working memory that no other thread uses meanwhile."""
        with self._lock:
            spare = self._free.pop() if self._free else None
        scratch = spare or ThreadScratch(self.closed.copy(), np.empty(self.agents, np.uint32))
        yield scratch
        with self._lock:  # not after an error, when its content is undefined
            self._free.append(scratch)

    def sizes(
        self,
        seeds: npt.ArrayLike,
        runs: int,
        *,
        first: int = 0,
        stream: Stream = Stream.REACHES,
        coins: bool = False,
        dead: U8 = _NO_TIES,
    ) -> I64:
        """Return the number of agents reached in each of some runs."""
        start = np.asarray(seeds, np.uint32)
        forwards, backwards = self.forwards, self.backwards
        key = rng.key(self.seed, stream)
        keys = rng.words(key, np.arange(first, first + runs))
        found = np.empty(runs, np.int64)
        with self.scratch() as scratch:
            if self.edges.one_source and not coins:
                self._cross(scratch, start, keys, dead, found)
                return found
            for run in range(runs):
                found[run], _ = kernels.followed(
                    *forwards, *backwards, self.chances, scratch.seen, dead, not coins, start,
                    keys[run], scratch.queue, _NOTHING, False,
                )  # fmt: skip
        return found

    def _cross(self, scratch: ThreadScratch, seeds: Ids, keys: U64, dead: U8, found: I64) -> None:
        """Write the number of agents reached in runs of linear thresholds."""
        rows, targets, trust = self.forwards
        back_rows, _, back_trust = self.backwards
        if self.chances.kind == kernels.ONE_OF:
            trust = back_trust = trust[:0]
        left, touched = np.zeros(self.agents, np.int64), np.empty(self.agents, np.uint32)
        for run, key in enumerate(keys):
            found[run] = kernels.crossed(
                rows, targets, trust, back_rows, back_trust, scratch.seen, dead, seeds, key,
                scratch.queue, left, touched,
            )  # fmt: skip

    def spread(
        self,
        seeds: npt.ArrayLike,
        runs: int,
        *,
        stream: Stream = Stream.REACHES,
        dead: U8 = _NO_TIES,
    ) -> Estimate:
        """Return the expected spread of seeds, estimated from ``runs`` runs (at least 2)."""
        return estimated(self.sizes(seeds, runs, stream=stream, dead=dead))


def estimated(sizes: npt.NDArray[np.int64]) -> Estimate:
    """Return the mean of some sizes and its 95 % interval."""
    mean = float(sizes.mean())
    half = _NORMAL_95 * float(sizes.std(ddof=1)) / float(np.sqrt(sizes.size))
    return Estimate(mean, mean - half, mean + half, int(sizes.size))


def _chances(edges: LiveEdges, seed: int, labels: npt.NDArray[np.int32] | None) -> Chances:
    """Return the parameters of the ties' chances for the kernels."""
    top, levels, kind = edges.chance, _NO_LEVELS, kernels.CONSTANT
    own = _NO_LABELS if labels is None else np.ascontiguousarray(labels, np.int32)
    if edges.one_source:
        kind = kernels.ONE_OF if edges.one_source == "uniform" else kernels.ONE_BY_TRUST
    elif edges.scale == "degree":
        kind = kernels.DEGREE
    elif edges.scale == "trust":
        kind = kernels.TRUST
    elif edges.levels:
        kind, most = kernels.LEVELS, max(edges.levels)
        top *= most
        levels = np.array(edges.levels, np.float64) / (most or 1.0)
    elif edges.across != 1.0 and own.size:
        kind = kernels.BORDER
    return Chances(kind, top, edges.across, levels, rng.key(seed, Stream.LEVELS), own)


FIRST_RUNS, MOST_RUNS = 64, 10_000
MOST_VISITS = 1 << 26
"""Upper bound of agents reached in all runs beyond the first ones: about ten seconds."""

_WIDE = 0.01
_NORMAL = 1.96
_PORTION = 16


def sizes_of(
    network: LiveNetwork,
    seeds: npt.ArrayLike,
    runs: int,
    *,
    first: int = 0,
    stream: Stream = Stream.REACHES,
    dead: npt.NDArray[np.uint8] = _NO_TIES,
    report: Report = quiet,
) -> npt.NDArray[np.int64]:
    """As :meth:`LiveNetwork.sizes`, on several threads."""
    parts = [(at, min(_PORTION, first + runs - at)) for at in range(first, first + runs, _PORTION)]

    def sizes(part: tuple[int, int]) -> npt.NDArray[np.int64]:
        return network.sizes(seeds, part[1], first=part[0], stream=stream, dead=dead)

    found = []
    with ThreadPoolExecutor(min(workers(), len(parts)), thread_name_prefix="forecast") as pool:
        results = pool.map(sizes, parts)
        try:
            for done, portion in enumerate(results):
                report("running what was chosen", done / len(parts))
                found.append(portion)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return np.concatenate(found)


def spread_of(
    network: LiveNetwork,
    seeds: npt.ArrayLike,
    *,
    stream: Stream = Stream.REACHES,
    dead: npt.NDArray[np.uint8] = _NO_TIES,
    report: Report = quiet,
) -> Estimate:
    """Return the expected spread of some seeds and its 95 % interval.

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> network = LiveNetwork(Ties.from_arcs([0, 1], [1, 2]), LiveEdges(1.0), seed=7)
    >>> str(spread_of(network, [0]))
    '3.0 (95 % 3.0 to 3.0)'
    """
    known = sizes_of(
        network, seeds, FIRST_RUNS, stream=stream, dead=dead,
        report=part(report, 0.0, 0.25),
    )  # fmt: skip
    mean, deviation = max(float(known.mean()), 1.0), float(known.std(ddof=1))
    wanted = int(np.ceil((_NORMAL * deviation / (_WIDE * mean)) ** 2))
    most = min(MOST_RUNS, FIRST_RUNS + int(MOST_VISITS / mean))
    more = min(wanted, most) - FIRST_RUNS
    if more > 0:
        rest = sizes_of(
            network, seeds, more, first=FIRST_RUNS, stream=stream, dead=dead,
            report=part(report, 0.25, 0.75),
        )  # fmt: skip
        known = np.concatenate([known, rest])
    return estimated(known)

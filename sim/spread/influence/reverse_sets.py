""":class:`ReverseSets`: samples of reverse reachable (RR) sets, in one flat array.

Seeds reach as many agents in expectation as there are, times the share of sets that hold one of
them (Borgs, Brautbar, Chayes & Lucier, SODA 2014). Sets lie one after the other in one flat array;
one of more than a thirty-second of all agents lies as a bitmap, which takes less.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.core.threads import workers
from sim.errors import CapacityError
from sim.spread.influence import coverage_kernels as kernels
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.live_edges_kernels import reverse_sets

Ids = npt.NDArray[np.uint32]
Bits = npt.NDArray[np.uint64]
Drawn = tuple[Ids, Ids, list[Bits]]

_SMALLEST, _LARGEST = 4, 1 << 14
"""Sets of one task of a thread."""

LEAST_LARGE = 4096
"""A set of so many agents is a list in any network."""

_MOST = (1 << 32) - 1
_ROOM = 1 << 18


class ReverseSets:
    """Reverse reachable sets of a network, drawn in the order of their numbers.

    Attributes
    ----------
    drawn
        How many sets there are.
    agents
        How many agents they hold in sum.
    members, ends
        uint32: the agents of the sets that are lists, and where each set ends.
    maps
        uint64 (sets, words): those that are bitmaps.
    counts
        uint32 (n,): how many sets hold each agent; or (0,).

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> network = LiveNetwork(Ties.from_arcs([0], [1]), LiveEdges(chance=1.0), seed=7)
    >>> sets = ReverseSets(network, Stream.CHOOSING)
    >>> sets.grow(1000)
    >>> int(sets.counts[0])
    1000
    """

    def __init__(
        self,
        network: LiveNetwork,
        stream: Stream,
        *,
        is_counted: bool = True,
        large: int | None = None,
    ) -> None:
        self._network = network
        self._key = rng.key(network.seed, stream)
        self._large = max(network.agents // 32, LEAST_LARGE) if large is None else large
        self._words = -(-network.agents // 64)
        self._members, self._used = np.empty(1024, np.uint32), 0
        self._ends, self._lists = np.empty(1024, np.uint32), 0
        self._maps, self._large_sets = np.empty((0, self._words), np.uint64), 0
        self.counts: Ids = np.zeros(network.agents if is_counted else 0, np.uint32)
        self.drawn = self.agents = 0

    @property
    def members(self) -> Ids:
        """The agents of the sets that are lists."""
        return self._members[: self._used]

    @property
    def ends(self) -> Ids:
        """Where each of these sets ends."""
        return self._ends[: self._lists]

    @property
    def maps(self) -> Bits:
        """The sets that are bitmaps."""
        return self._maps[: self._large_sets]

    @property
    def nbytes(self) -> int:
        """How much memory the sets take."""
        return 4 * (self._used + self._lists) + 8 * self._words * self._large_sets

    def grow(self, count: int, report: Report = quiet, *, share: float = 1.0) -> None:
        """Draw until there are ``count`` sets."""
        first = self.drawn
        missing = count - first
        if missing <= 0:
            return
        size = min(max(missing // (8 * workers()), _SMALLEST), _LARGEST)
        tasks = [(at, min(at + size, count)) for at in range(first, count, size)]
        for (_, last), parts in zip(tasks, self._results(tasks), strict=True):
            report("drawing who could reach whom", share * (last - first) / missing)
            for drawn in parts:
                self._take(drawn)
            self.drawn = last

    def _results(self, tasks: list[tuple[int, int]]) -> Iterator[list[Drawn]]:
        """Yield what threads drew, in order; little waits to be taken."""
        threads = min(workers(), len(tasks))
        if threads < 2:
            yield from map(self._draw, tasks)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="reverse-sets") as pool:
            left = iter(tasks)
            waiting = [pool.submit(self._draw, task) for task in islice(left, 2 * threads)]
            try:
                while waiting:
                    yield waiting.pop(0).result()
                    waiting += [pool.submit(self._draw, task) for task in islice(left, 1)]
            finally:
                for future in waiting:
                    future.cancel()

    def _draw(self, task: tuple[int, int]) -> list[Drawn]:
        """Return the sets of a task: agents and lengths of lists, and bitmaps."""
        network, (at, last) = self._network, task
        found: list[Drawn] = []
        out = np.empty(network.agents + _ROOM, np.uint32)
        with network.scratch() as scratch:
            while at < last:
                lengths = np.empty(last - at, np.uint32)
                sets, used = reverse_sets(
                    *network.backwards, network.chances, scratch.seen, network.roots, self._key, at,
                    last, self._large, out, lengths,
                )  # fmt: skip
                found.append(self._parted(out[:used], lengths[:sets]))
                at += int(sets)
        return found

    def _parted(self, members: Ids, lengths: Ids) -> Drawn:
        """Return lists, and the last set as a bitmap if it is large."""
        if not lengths.size or lengths[-1] <= self._large:
            return members.copy(), lengths, []
        end = members.size - int(lengths[-1])
        return members[:end].copy(), lengths[:-1], [self._map(members[end:])]

    def _map(self, members: Ids) -> Bits:
        bits = np.zeros(self._words, np.uint64)
        kernels.set_bits(members, bits)
        return bits

    def _take(self, drawn: Drawn) -> None:
        members, lengths, maps = drawn
        if self._used + members.size > _MOST:
            raise CapacityError(
                f"The sets that seeds are chosen by would hold more than {_MOST:,} agents; "
                "ask for less precision (a larger epsilon)."
            )
        self._members = _with_room(self._members, self._used + members.size)
        self._members[self._used : self._used + members.size] = members
        self._ends = _with_room(self._ends, self._lists + lengths.size)
        ends = self._used + np.cumsum(lengths, dtype=np.int64)
        self._ends[self._lists : self._lists + lengths.size] = ends
        self._used += members.size
        self.agents += members.size
        self._lists += lengths.size
        if self.counts.size:
            kernels.add_counts(members, 0, members.size, self.counts)
        for bits in maps:
            self.agents += int(np.bitwise_count(bits).sum())
            if self._large_sets == len(self._maps):
                room = np.empty((max(2 * self._large_sets, 8), self._words), np.uint64)
                room[: self._large_sets] = self._maps
                self._maps = room
            self._maps[self._large_sets] = bits
            self._large_sets += 1
            if self.counts.size:
                kernels.count_bits(bits, self.counts, 1)

    def covered(self, seeds: Ids) -> int:
        """Return how many sets hold one of some agents."""
        chosen = np.zeros(self._network.agents, np.uint8)
        chosen[seeds] = 1
        lists = int(kernels.covered_by(self.members, self.ends, chosen))
        return lists + int(kernels.held_by(self.maps, np.asarray(seeds, np.uint32)))


def _with_room(array: Ids, size: int) -> Ids:
    """Return an array of at least ``size``, moved by the system where it can be, not copied."""
    if size > array.size:
        array.resize(max(size, array.size + array.size // 2), refcheck=False)
    return array

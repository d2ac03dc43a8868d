"""OPIM-C: k seeds of largest expected spread, by greedy coverage of reverse reachable sets.

Tang, Tang, Xiao & Yuan, "Online processing algorithms for influence maximization", SIGMOD 2018.
Seeds are chosen greedily on one half of the reverse reachable sets and verified on the other; both
halves double until the check proves the desired ratio, or there are so many sets that it
holds by IMM's bound (Tang, Shi & Xiao, SIGMOD 2015).

Nemhauser, Wolsey & Fisher 1978: k seeds chosen this way cover at least 1 - 1/e of what the
best k could. With costs: the better of greedy by count and greedy by count / cost, at least
(1 - 1/e) / 2 of the best (Leskovec et al., KDD 2007).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import ceil, e, exp, lgamma, log, log2, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U64, Ids
from sim.core import rng
from sim.core.progress import Report, part, quiet
from sim.core.rng import Stream
from sim.core.threads import workers
from sim.errors import CapacityError
from sim.spread.influence import coverage_kernels as kernels
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.live_edges_kernels import reverse_sets

Drawn = tuple[Ids, Ids, list[U64]]

_SMALLEST, _LARGEST = 4, 1 << 14
"""Number of sets in one task of a thread."""

LEAST_LARGE = 4096
"""Sets of up to this many agents are stored as lists in any network."""

_MOST = (1 << 32) - 1
_ROOM = 1 << 18


class ReverseSets:
    """Reverse reachable sets of a network, drawn in the order of their numbers.

    Attributes
    ----------
    drawn
        Number of sets.
    agents
        Total number of agents in the sets.
    members, ends
        uint32: the agents of the sets stored as lists, and the end of each set.
    maps
        uint64 (sets, words): the sets stored as bitmaps.
    counts
        uint32 (n,): the number of sets that contain each agent; or (0,).

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
        """The agents of the sets stored as lists."""
        return self._members[: self._used]

    @property
    def ends(self) -> Ids:
        """The end of each of these sets."""
        return self._ends[: self._lists]

    @property
    def maps(self) -> U64:
        """The sets stored as bitmaps."""
        return self._maps[: self._large_sets]

    @property
    def nbytes(self) -> int:
        """Size of the sets in bytes."""
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
        """Yield the results of the threads in order, with few waiting."""
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

    def _map(self, members: Ids) -> U64:
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
        """Return the number of sets that contain any of some agents."""
        chosen = np.zeros(self._network.agents, np.uint8)
        chosen[seeds] = 1
        lists = int(kernels.covered_by(self.members, self.ends, chosen))
        return lists + int(kernels.held_by(self.maps, np.asarray(seeds, np.uint32)))


def _with_room(array: Ids, size: int) -> Ids:
    """Return an array of at least ``size``, moved by the system without copying if possible."""
    if size > array.size:
        array.resize(max(size, array.size + array.size // 2), refcheck=False)
    return array


FIRST_SETS = 64
"""Initial number of sets in a half."""

LIKELY = 0.001
"""Default probability that a guarantee fails."""

LEAST_SETS, LEAST_AGENTS = 1 << 18, 1 << 22
"""While a half has fewer sets and agents than these, more are drawn although the ratio is
proved: that takes little time and improves the seeds."""

COVERED, MOST_AGENTS = 256, 1 << 25
"""At least this many sets must be covered per seed, or chance would decide the later ones: more are
drawn for that while a half has fewer agents, about ten seconds of drawing."""

MEMORY = 1 << 30
"""Maximum size in bytes of sets and their index."""


class Guarantee(NamedTuple):
    """The approximation guarantee of a choice, and its probability."""

    ratio: float  # lower bound of the expected spread as a share of the best possible, in [0, 1]
    probability: float  # probability over the draws that the statement is true
    wanted: float  # the ratio that ends the drawing; above :attr:`ratio` if memory ended it
    sets: int  # number of reverse reachable sets in both halves

    def __str__(self) -> str:
        short = "" if self.ratio >= self.wanted else f"; memory ended it before {self.wanted:.3f}"
        return (
            f"at least {self.ratio:.3f} of the best, with probability {self.probability:.6g} "
            f"({self.sets:,} reverse reachable sets{short})"
        )


class Optimum(NamedTuple):
    """Seeds in the order of choice, and their expected spread by the verification sets."""

    seeds: Ids
    spread: float
    guarantee: Guarantee


def best_seeds(
    network: LiveNetwork,
    k: int,
    *,
    costs: F64 | None = None,
    budget: float = 0.0,
    epsilon: float = 0.1,
    delta: float | None = None,
    among: Ids | None = None,
    memory: int = MEMORY,
    report: Report = quiet,
) -> Optimum:
    """Return the seeds of largest expected spread.

    Parameters
    ----------
    network
        The network with its model.
    k
        Number of seeds, 1 to the number of participants. With costs: the maximum number.
    costs, budget
        float64 (n,), positive, and the total budget of the seeds; None: each costs one, and the
        budget is ``k``.
    epsilon
        In (0, 1): the desired ratio is 1 - 1/e - epsilon, (1 - 1/e) / 2 - epsilon with
        costs. It is never below 0.
    delta
        In (0, 1): allowed probability that the guarantee fails. None: 0.001.
    among
        uint32: agents that may be chosen; None: all participants.
    memory
        Bytes for sets; if they do not suffice, the guarantee states the ratio reached.
    report
        Progress callback; may cancel.

    Returns
    -------
    Optimum

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> star = LiveNetwork(Ties.from_arcs([0, 0, 0], [1, 2, 3]), LiveEdges(chance=1.0), seed=7)
    >>> best_seeds(star, 1).seeds
    array([0], dtype=uint32)
    """
    people = network.roots if among is None else among
    n = int(network.roots.size)
    risk = LIKELY if delta is None else delta
    share = (1 - 1 / e) * (0.5 if costs is not None else 1.0)
    wanted = max(share - epsilon, 0.0)
    most_sets = _enough(n, k, epsilon, risk)
    rounds = ceil(log2(max(most_sets, LEAST_SETS) / FIRST_SETS))
    surely = log(2 * rounds / risk)
    chosen_by = ReverseSets(network, Stream.CHOOSING)
    checked_by = ReverseSets(network, Stream.CHECKING, is_counted=False)
    key = rng.key(network.seed, Stream.EQUALS)
    for turn in range(rounds):
        sets = FIRST_SETS << turn
        done = turn / rounds
        chosen_by.grow(sets, part(report, done, 0.5 / rounds))
        checked_by.grow(sets, part(report, done + 0.5 / rounds, 0.4 / rounds))
        report("choosing seeds", done + 0.95 / rounds)
        if costs is None:
            choice = covering(chosen_by, k, people, key)
        else:
            choice = covering_within(chosen_by, costs, budget, people, key)
        covered = checked_by.covered(choice.seeds)
        ratio = _ratio(choice, covered, sets, n, surely)
        # Lists, their index and the other half: the memory needed to double them all.
        needed = 4 * chosen_by.nbytes + 2 * checked_by.nbytes
        is_sure = covered >= COVERED * choice.seeds.size or chosen_by.agents >= MOST_AGENTS
        is_cheap = sets < LEAST_SETS and chosen_by.agents < LEAST_AGENTS
        if needed > memory or (ratio >= wanted and is_sure and not is_cheap):
            break
    guarantee = Guarantee(ratio, 1.0 - risk, wanted, 2 * sets)
    return Optimum(choice.seeds, n * covered / sets, guarantee)


def _enough(n: int, k: int, epsilon: float, risk: float) -> float:
    """Return the number of sets that always prove the ratio (equation 13 of the paper)."""
    choices = lgamma(n + 1) - lgamma(k + 1) - lgamma(max(n - k, 0) + 1)
    doubt, share = log(6 / risk), 1 - exp(-1)
    root = share * sqrt(doubt) + sqrt(share * (choices + doubt))
    return 2 * n * root * root / (epsilon * epsilon * k)


def _ratio(choice: Choice, covered: int, sets: int, n: int, surely: float) -> float:
    """Return the ratio that holds except with probability 2 exp(-surely).

    The number of sets that contain one of given seeds is binomial: exact bounds (Clopper & Pearson,
    Biometrika 26, 1934) replace the inequalities of the paper, which also hold for sets that
    are drawn until a stopping condition. For the seeds, the verification sets count; for the best
    ones, the largest number of the others that any choice could cover. And known without draws:
    seeds reach themselves, and nobody reaches more than all.
    """
    from scipy.special import betaincinv

    risk, most = exp(-surely), min(int(choice.most), sets)
    low = float(betaincinv(covered, sets - covered + 1, risk)) if covered else 0.0
    high = float(betaincinv(most + 1, sets - most, 1.0 - risk)) if most < sets else 1.0
    return min(max(low * n, float(choice.seeds.size)) / (high * n), 1.0)


_NO_COSTS = np.empty(0)
_LOOKS = 32
"""Steps at which the best possible remaining coverage is bounded."""

_STALE = 64
"""Choices after which agents are sorted again."""


class Choice(NamedTuple):
    """Seeds in order, the number of sets they cover, and an upper bound for any such choice."""

    seeds: Ids
    covered: int
    most: float


class _Cover:
    """Counts that decrease while sets are covered."""

    def __init__(self, sets: ReverseSets) -> None:
        self.sets = sets
        self.counts = sets.counts.copy()
        members, ends, agents = sets.members, sets.ends, self.counts.size
        starts = np.zeros(agents + 1, np.uint32)
        for bits in sets.maps:  # the index covers only lists
            kernels.count_bits(bits, self.counts, -1)
        np.cumsum(self.counts, out=starts[1:])
        self.counts[:] = sets.counts
        self.index = np.empty(members.size, np.uint32)
        self.starts = starts.copy()
        kernels.fill_index(members, ends, starts, self.index)
        self.is_covered = np.zeros(ends.size, np.uint8)
        self.is_map_covered = np.zeros(len(sets.maps), np.uint8)
        self.covered = 0

    def again(self) -> None:
        """Reset: nothing is covered."""
        self.counts[:] = self.sets.counts
        self.is_covered[:] = 0
        self.is_map_covered[:] = 0
        self.covered = 0

    def choose(self, agent: int) -> int:
        """Cover the sets of an agent; return the number of newly covered ones."""
        sets, begin, end = self.sets, int(self.starts[agent]), int(self.starts[agent + 1])
        new = kernels.cover(
            begin, end, self.index, sets.members, sets.ends, self.is_covered, self.counts
        ) + kernels.cover_bits(agent, sets.maps, self.is_map_covered, self.counts)
        self.covered += int(new)
        return int(new)


def covering(sets: ReverseSets, k: int, among: Ids, key: np.uint64) -> Choice:
    """Choose ``k`` agents that cover the most sets."""
    cover = _Cover(sets)
    taken = _all_but(among, cover.counts.size)
    looks = {int(step) for step in np.linspace(0, k, min(k, _LOOKS) + 1)}
    seeds, most = np.empty(k, np.uint32), float(sets.drawn)
    order, bounds = _ordered(cover.counts, among, _NO_COSTS)
    for step in range(k + 1):
        if step in looks:
            gains = float(kernels.largest_sum(order, bounds, cover.counts, k))
            most = min(most, cover.covered + gains)
        if step == k:
            break
        if step and step % _STALE == 0:
            order, bounds = _ordered(cover.counts, among, _NO_COSTS)
        agent, _ = kernels.best(order, bounds, cover.counts, _NO_COSTS, 0.0, taken, key)
        if agent < 0:  # all sets are covered: take those in the most sets overall
            seeds[step:] = _fill(sets.counts, among, taken, k - step, key)
            break
        seeds[step] = agent
        taken[agent] = 1
        cover.choose(int(agent))
    return Choice(seeds, cover.covered, most)


def covering_within(
    sets: ReverseSets, costs: F64, budget: float, among: Ids, key: np.uint64
) -> Choice:
    """Choose agents of total cost at most ``budget`` that cover the most sets."""
    cover = _Cover(sets)
    by_ratio, most = _greedy(cover, costs, budget, among, key, is_ratio=True)
    best, covered = by_ratio, cover.covered
    cover.again()
    by_count, bound = _greedy(cover, costs, budget, among, key, is_ratio=False)
    if cover.covered > covered:
        best, covered = by_count, cover.covered
    return Choice(best, covered, min(most, bound))


def _greedy(
    cover: _Cover, costs: F64, budget: float, among: Ids, key: np.uint64, *, is_ratio: bool
) -> tuple[Ids, float]:
    """Choose by count / cost, or by count, while anything useful is affordable."""
    taken, left = _all_but(among, cover.counts.size), budget
    weights = costs if is_ratio else _NO_COSTS
    most = float(cover.sets.drawn)
    seeds: list[int] = []
    while True:
        if len(seeds) % _STALE == 0:
            order, bounds = _ordered(cover.counts, among, weights)
            most = min(most, cover.covered + _fraction(cover.counts, costs, among, budget))
        if not is_ratio:
            taken[costs > left] = 1
        agent, _ = kernels.best(order, bounds, cover.counts, weights, left, taken, key)
        if agent < 0:
            break
        seeds.append(int(agent))
        taken[agent] = 1
        left -= float(costs[agent])
        cover.choose(int(agent))
    return np.array(seeds, np.uint32), min(
        most, cover.covered + _fraction(cover.counts, costs, among, budget)
    )


def _all_but(among: Ids, agents: int) -> npt.NDArray[np.uint8]:
    taken = np.ones(agents, np.uint8)
    taken[among] = 0
    return taken


def _ordered(counts: Ids, among: Ids, costs: F64) -> tuple[Ids, F64]:
    """Return the agents of positive worth and their worth, descending."""
    some = among[counts[among] > 0]
    worth = counts[some].astype(np.float64)
    if costs.size:
        worth /= costs[some]
    order = np.argsort(-worth, kind="stable")
    return np.ascontiguousarray(some[order]), np.ascontiguousarray(worth[order])


def _fill(
    counts: Ids, among: Ids, taken: npt.NDArray[np.uint8], missing: int, key: np.uint64
) -> Ids:
    """Return the ``missing`` agents that are in the most sets, equal ones by a draw."""
    left = among[taken[among] == 0]
    order = np.lexsort((rng.words(key, left), -counts[left].astype(np.int64)))
    return np.asarray(left[order[:missing]], np.uint32)


def _fraction(counts: Ids, costs: F64, among: Ids, budget: float) -> float:
    """Return an upper bound of the gains within a budget, as if agents were divisible."""
    order, _ = _ordered(counts, among, costs)
    prices = costs[order]
    fits = prices <= budget
    prices, gains = prices[fits], counts[order[fits]].astype(np.float64)
    spent = np.cumsum(prices)
    whole = int(np.searchsorted(spent, budget, side="right"))
    total = float(gains[:whole].sum())
    if whole < prices.size:
        before = float(spent[whole - 1]) if whole else 0.0
        total += float(gains[whole]) * (budget - before) / float(prices[whole])
    return total

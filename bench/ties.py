"""What ties that change cost: ``python -m bench.ties [--agents 1000000]``.

A million agents and 20 million ties of preferential attachment. Half of a batch adds ties to those
who have many, half removes ties that there are: what growth does. Times are medians and the worst
of 20 batches. A scan reads every tie once, a broadcast is an independent cascade: each in the rows
that changed, with free places between them, and in a tight copy of them, in turn. Reputation and
trust are timed on the same network.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sim import World
from sim.arrays import Ids
from sim.network.analysis.reputation import reputation
from sim.network.graph.slab_kernels import count_ids
from sim.network.graph.ties import Ties

ROUNDS = 20

Batch = tuple[Ids, Ids, npt.NDArray[np.bool_]]


def milliseconds(act: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    act()
    return 1e3 * (time.perf_counter() - began)


class Growth:
    """Batches of changes such as growth makes them."""

    def __init__(self, ties: Ties) -> None:
        self._random = np.random.default_rng(1)
        self._sources, self._targets, self._agents = ties.sources(), ties.targets, ties.agents

    def batch(self, size: int) -> Batch:
        """Return ``size`` changes in random order."""
        half = size // 2
        old = self._random.integers(0, self._sources.size, size - half)
        popular = self._random.choice(self._targets, half)
        anybody = self._random.integers(0, self._agents, half).astype(np.uint32)
        order = self._random.permutation(size)
        sources = np.concatenate((popular, self._sources[old]))[order]
        targets = np.concatenate((anybody, self._targets[old]))[order]
        return sources, targets, order < half


def scan(ties: Ties) -> float:
    """Return the milliseconds of a look at every tie."""
    live, counts = ties.live, np.zeros(ties.agents, np.int64)
    return milliseconds(lambda: count_ids(live.rows, live.ids, 0, ties.agents, counts))


def broadcast(world: World) -> float:
    """Return the milliseconds of a cascade that reaches most agents."""
    seeds = np.arange(0, len(world.agents), 1000)
    story = world.inject("a word", seeds=seeds, model="independent-cascade", probability=0.1)
    took = milliseconds(lambda: world.run_until_quiet(story))
    world.cascades.clear()
    return took


def beside(changed: Callable[[], float], tight: Callable[[], float], what: str) -> str:
    """Return how long something takes, and its ratio to the same on tight rows."""
    pairs = [(changed(), tight()) for _ in range(ROUNDS)]
    took = statistics.median(one for one, _ in pairs)
    ratio = statistics.median(one / other for one, other in pairs)
    return f"{what} {took:.1f} ms, {ratio:.2f} times that of tight rows"


def changes(ties: Ties, growth: Growth, size: int) -> str:
    """Time batches of one size."""
    took = []
    for _ in range(ROUNDS):
        batch = growth.batch(size)
        took.append(milliseconds(lambda given=batch: ties.change(*given)))  # type: ignore[misc]
    middle, ways = statistics.median(took), 2 if ties.has_reverse else 1
    each = middle * 1e3 / size / ways
    return (
        f"{size:>7,} changes, {ways} direction{'s' if ways > 1 else ' '}: {middle:6.1f} ms, worst "
        f"{max(took):6.1f}; {each:.2f} us a change and direction"
    )


def told(agents: int) -> None:
    """Print the figures."""
    world = World.create(agents=agents, mean_degree=20, seed=1)
    ties, growth = world.ties, Growth(world.ties)
    print(f"{agents:,} agents, {ties.count:,} ties, {ties.nbytes / 2**20:.0f} MiB while still")
    first = milliseconds(lambda: ties.change([0], [1], True))
    print(f"first change {first:.0f} ms, then {ties.nbytes / 2**20:.0f} MiB")
    for size in (10_000, 50_000):
        print(changes(ties, growth, size))
    print(f"followees made {milliseconds(lambda: ties.reverse):.0f} ms", end=", ")
    print(f"first change of theirs {milliseconds(lambda: ties.change([0], [2], True)):.0f} ms")
    for size in (10_000, 50_000):
        print(changes(ties, growth, size))
    kept = copy.copy(ties)
    still = World(world.agents, kept, seed=1)
    print(beside(lambda: scan(ties), lambda: scan(kept), "scan"), end="; ")
    print(beside(lambda: broadcast(world), lambda: broadcast(still), "broadcast"))
    ties.change([0], [4], True)
    print(f"export to tight rows {milliseconds(lambda: ties.targets):.0f} ms", end=", ")
    ties.change([0], [3], True)
    print(f"a sixteenth for a digest {milliseconds(lambda: ties.part(3, 16)):.1f} ms")
    outcomes(ties)
    took = milliseconds(lambda: reputation(ties))
    print(f"reputation of all {took:.0f} ms")


def outcomes(ties: Ties) -> None:
    """Time trust that outcomes move, in both directions."""
    rng = np.random.default_rng(2)
    which = rng.integers(0, ties.count, 100_000)
    sources, targets = ties.sources()[which], ties.targets[which]
    good = rng.random(which.size) < 0.8
    for side in (ties, ties.reverse):
        ties.learn(sources, targets, good)
        assert side.live.trust.size
    took = []
    for _ in range(5):
        assert ties.live.trust.size
        assert ties.reverse.live.trust.size
        took.append(milliseconds(lambda: ties.learn(sources, targets, good)))
    print(f"100,000 outcomes, both directions: {statistics.median(took):.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000_000)
    told(parser.parse_args().agents)

"""The living platform: exposures a second, through the public door: ``python -m bench.platform``.

A million agents, 20 million ties (preferential attachment), the default blend, ten slots, every act
kept in memory. Whole ticks of ``world.step()`` are timed once posts have filled the window, on one
thread and on two in turn; between them one tick of a plain loop over the same ties, rings and
posts, which draws ten messages a viewer and likes or shares by a coin, without ranking, filters,
explanations or a log (``plain``). One thread and the plain loop are timed by the processor's
clock, two threads against one by the wall's, which needs a quiet machine; a ratio is the median of
the ratios of pairs, and ``--check`` fails where one is beyond its bar. See ``bench/README.md``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import numpy as np
import psutil

from sim import Platform, World
from sim.core import rng
from sim.core.threads import allow
from sim.jit.jit import kernel
from sim.jit.mix import ones, uniform, word, word2
from sim.platform.feed.candidates_kernels import SHOWN
from sim.platform.feed.draws_kernels import hash_of

SLOTS = 10
PLAIN_BAR, TWO_BAR = 2.8, 1.4
"""The plain loop's exposures a second by one thread's, at most; two threads' by one's, at least."""


@kernel
def plain(
    online: Any, rows: Any, ids: Any, recent: Any, interests: Any, hot: Any, first: int,
    key: Any,
) -> tuple[int, int]:  # fmt: skip
    """Show every viewer ten messages at random, without ranking; returns exposures and likes."""
    base = np.uint32(first)
    count = np.uint32(hot.shape[0])
    shown = 0
    likes = 0
    for i in range(online.size):
        viewer: Any = np.int64(online[i])
        own = word(key, viewer)
        start, length = np.int64(rows[viewer, 0]), np.uint64(rows[viewer, 1])
        known = np.uint64(0)
        for j in range(SLOTS):
            bits = word2(own, j)
            m: Any = np.uint32(first) + np.uint32(
                ((bits & np.uint64(0xFFFFFFFF)) * np.uint64(count)) >> np.uint64(32)
            )
            if j < SLOTS - 2 and length > 0:
                who = ids[start + np.int64(((bits >> np.uint64(32)) * length) >> np.uint64(32))]
                m = recent[who, np.int64(bits & np.uint64(3))]
            bit = np.uint64(1) << (hash_of(m) >> np.uint64(2))
            if np.uint32(m - base) >= count or known & bit:
                continue
            known |= bit
            row = np.int64(np.uint32(m - base))
            hot[row, SHOWN] += np.uint32(1)
            tags = np.uint64(hot[row, 2]) | (np.uint64(hot[row, 3]) << np.uint64(32))
            shown += 1
            if uniform(word2(own, m)) < 0.02 * ones(tags & interests[viewer]):
                hot[row, 4] += np.uint32(1)
                likes += 1
    return shown, likes


class Run:
    """A world with a platform, warmed up, and what its ticks took.

    Parameters
    ----------
    agents, ticks
        How many; ticks before anything is timed.
    """

    def __init__(self, agents: int, ticks: int) -> None:
        self.world = World.create(
            agents=agents, mean_degree=20, seed=7, platform={"rhythm": "flat"}
        )
        names = ("one", "two", "plain", "one by wall")
        self.rates: dict[str, list[float]] = {name: [] for name in names}
        self.seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(ticks):
            self.world.step()

    @property
    def platform(self) -> Platform:
        """Of the world."""
        assert self.world.platform is not None
        return self.world.platform

    def round(self) -> None:
        """Time a tick on one thread, one on two, and the plain loop."""
        for name, threads in (("one", 1), ("two", 2)):
            allow(threads)
            self._note(name, self._tick)
        allow(1)
        self._hot = self.platform.posts.hot.copy()
        self._note("plain", self._plain)

    def _note(self, name: str, work: Any) -> None:
        began = time.perf_counter(), time.process_time()
        exposures = work()
        wall, used = time.perf_counter() - began[0], time.process_time() - began[1]
        for what, took in ((name, wall if name == "two" else used), ("one by wall", wall)):
            if what == name or name == "one":
                self.seconds[what].append(took)
                self.rates[what].append(exposures / took)

    def _tick(self) -> int:
        self.world.step()
        return len(self.platform.exposures)

    def _plain(self) -> int:
        platform = self.platform
        live, posts = platform.hearing, platform.posts
        key = rng.key(1, rng.Stream.ACTS, platform.tick)
        return plain(
            platform.online, live.rows, live.ids, platform.members.recent,
            self.world.agents.interests, self._hot, posts.first, key,
        )[0]  # fmt: skip


def report(run: Run) -> bool:
    """Print what was measured; return whether the ratios are within their bars."""
    platform = run.platform
    pairs = {"two": "one by wall", "plain": "one"}
    ratio = {
        name: statistics.median(
            a / b for a, b in zip(run.rates[name], run.rates[other], strict=True)
        )
        for name, other in pairs.items()
    }
    viewers = platform.online.size
    print(f"{run.platform.agents:,} agents, {run.world.ties.count:,} ties, blend, {SLOTS} slots")
    print(f"online {viewers:,}; exposures {len(platform.exposures):,} a tick, "
          f"{len(platform.exposures) / viewers:.1f} a viewer; acts {platform.acted.agent.size:,}; "
          f"posts in feeds {len(platform.posts):,}")  # fmt: skip
    for name, says in (("one", "one thread"), ("two", "two threads"), ("plain", "plain loop")):
        rate, took = (statistics.median(x[name]) for x in (run.rates, run.seconds))
        beside = f"   {ratio[name]:.2f} of one thread" if name in ratio else ""
        print(f"{says:12} {rate / 1e6:6.2f} M exposures/s   {1e3 * took:7.1f} ms a tick{beside}")
    print("phases (ms, last tick):", ", ".join(
        f"{name} {1e3 * took:.1f}" for name, took in run.world.phase_seconds.items()))  # fmt: skip
    rss = psutil.Process().memory_info().rss
    print(f"platform {platform.nbytes / 2**20:,.0f} MB, world {run.world.nbytes / 2**20:,.0f} MB, "
          f"process {rss / 2**20:,.0f} MB")  # fmt: skip
    return ratio["plain"] <= PLAIN_BAR and ratio["two"] >= TWO_BAR


def main() -> int:
    """Run the benchmark; with ``--check``, return 1 where a ratio is beyond its bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--warm-up", type=int, default=72, help="ticks before anything is timed")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true", help="fail beyond the bars")
    told = parser.parse_args()
    allow(2)
    run = Run(told.agents, told.warm_up)
    run.round()  # compiles what is left
    for kept in (*run.rates.values(), *run.seconds.values()):
        kept.clear()
    for _ in range(told.rounds):
        run.round()
    return int(not report(run) and told.check)


if __name__ == "__main__":
    sys.exit(main())

"""Ten million members in feeds: memory of the process, tick by tick: ``python -m bench.crowd``.

Ten million agents and 200 million follows, mutual, so that one direction is both; they stay as
they are (no follows, mutes, learning). Members are fed and act in waves (``keep_feeds`` off), and
of acts no more than the counts are kept. Posts stay in feeds for a day (``--window``); a message
that no reports hide is injected whenever the last one left, so that one always travels. The
allocator is told to give back at once what is freed, and a small crowd runs before in a process of
its own: what a compiler takes is no part of a world. The peak is that of ticks: it rises until
posts fill the window and the busiest hour of the day was there, after ``--window`` ticks and a day.
See ``bench/README.md``.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psutil

from sim import World, make
from sim.core.threads import allow

MB = 2**20
_SMALL = 20_000
"""Agents of the crowd that has everything compiled."""
_THRESHOLD, _ARENAS = -3, -8
"""Options of the C library's allocator: from which size what is freed goes back at once, and in
how many pieces threads take theirs. As it is, it would keep up to 32 MB of each size for later."""


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    return int(psutil.Process().memory_info().rss)


class Watch:
    """Looks at the memory of this process fifty times a second."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, resident())

    def stop(self) -> int:
        """End; returns the most bytes that were seen."""
        self._done.set()
        self._thread.join()
        return max(self.peak, resident())


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=10_000_000)
    parser.add_argument("--ticks", type=int, default=46)
    parser.add_argument("--window", type=int, default=24, help="ticks that a message is shown")
    parser.add_argument("--slots", type=int, default=10, help="messages in a feed")
    parser.add_argument("--posting", type=float, default=0.04, help="chance to post, a tick online")
    told = parser.parse_args()
    if told.agents > _SMALL:
        small = ["-m", "bench.crowd", "--agents", str(_SMALL), "--ticks", "30"]
        subprocess.run([sys.executable, *small], stdout=subprocess.DEVNULL, check=True)
    allow(2)
    with suppress(OSError, AttributeError):
        for option, value in ((_THRESHOLD, 1 << 17), (_ARENAS, 1)):
            ctypes.CDLL("libc.so.6").mallopt(option, value)
    watch = Watch()
    world = World.create(agents=told.agents, mean_degree=20, seed=7)
    made = watch.peak
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what making it took and gave back
    platform = world.open_platform(
        keep_feeds=False, hide_reports=0, log_ticks=0, learning=0.0, reputation_hours=0.0,
        window=told.window, slots=told.slots, posting=told.posting,
    )  # fmt: skip
    platform.policy = make("rule", "policy", follows=0.0, mutes=0.0)
    print(f"{told.agents:,} agents, {world.ties.count:,} ties in one direction; posts stay in "
          f"feeds for {told.window} ticks; at most {made:,} bytes while it was made")  # fmt: skip
    watch.peak = 0
    for tick in range(told.ticks):
        if tick % told.window == 0:
            story = world.inject("music", seeds=range(100), model="sir", beta=0.2, gamma=0.05)
        began = time.perf_counter(), time.process_time()
        world.step()
        wall, used = time.perf_counter() - began[0], time.process_time() - began[1]
        print(
            f"tick {world.tick}: online {platform.online.size:,}, exposures "
            f"{len(platform.exposures):,}, {wall:.2f} s ({used:.2f} s of processors), reached "
            f"{story.size:,}; process {resident() / MB:,.0f} MB, peak {watch.peak / MB:,.0f}",
            flush=True,
        )
    peak = watch.stop()
    print(f"peak while running {peak:,} bytes ({peak / MB:,.0f} MB); platform "
          f"{platform.nbytes / MB:,.0f} MB, world {world.nbytes / MB:,.0f} MB")  # fmt: skip
    parts = {"ties": world.ties.nbytes, "agents": world.agents.nbytes,
             "members": platform.members.nbytes, "posts": platform.posts.nbytes,
             "exposures": platform.feed_buffers.nbytes, "acts": platform.log.nbytes}  # fmt: skip
    print("bytes an agent:", ", ".join(
        f"{name} {size / told.agents:.1f}" for name, size in parts.items()))  # fmt: skip
    count = len(platform.posts)
    print(f"{count:,} posts, {platform.posts.nbytes / max(count, 1):.1f} bytes each")


if __name__ == "__main__":
    main()

"""What a large world takes in memory, on the screen and with many messages.

    python -m bench.memory                     # both parts
    python -m bench.memory --only screen       # a platform of a million at full speed, 300 ticks
    python -m bench.memory --only messages     # a thousand messages by broadcast in a million

`screen` runs the program on a pseudo-terminal with its journal, as a person does, and reads the
memory of its process (resident bytes) beside the tick that the status line shows: the peak, and the
slope of a straight line through the second half of the ticks. `messages` injects one message a tick
into a world that a program drives, each of which reaches hundreds of thousands, and keeps them all.
Both bars are in the table; nothing is asserted without ``--check``.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from bench.keys import Program, prepared

MB = 2**20
SCREEN_BAR, MESSAGES_BAR = 1200.0, 2000.0
"""Most megabytes."""

SLOPE_BAR = 0.02
"""Most growth over the second half of the run, of the peak."""

_TICK = re.compile(r"tick\s+([\d,]+)")
_LOOK_SECONDS = 0.25


class Watch:
    """Looks at the memory of a process twenty times a second.

    Attributes
    ----------
    peak
        The most bytes seen.
    """

    def __init__(self, pid: int | None = None) -> None:
        self.peak = 0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def now(self) -> int:
        """Return the bytes now."""
        size = int(self._process.memory_info().rss)
        self.peak = max(self.peak, size)
        return size

    def _look(self) -> None:
        while not self._done.wait(0.05):
            try:
                self.now()
            except psutil.Error:
                return

    def stop(self) -> int:
        """End; returns the peak."""
        self._done.set()
        self._thread.join()
        return self.peak


def slope(ticks: Sequence[int], sizes: Sequence[float]) -> float:
    """Return by how much the second half of a run grows, of its mean."""
    first = ticks[0] + (ticks[-1] - ticks[0]) / 2
    late = [(tick, size) for tick, size in zip(ticks, sizes, strict=True) if tick >= first]
    if len(late) < 3 or late[0][0] == late[-1][0]:
        return 0.0
    at, held = np.array(late, float).T
    return float(np.polyfit(at, held, 1)[0] * (at[-1] - at[0]) / held.mean())


def screen(agents: int, degree: float, ticks: int) -> list[tuple[str, float, float]]:
    """Play a platform on the screen at full speed; (what, figure, bar)."""
    seen: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = prepared(Path(folder), agents, degree, platform=True)
        program = Program(path, Path(folder), 160, 48)
        watch = Watch(program.pid)
        try:
            program.wait("PAUSED", 300)
            program.idle(3)
            opened = watch.now()
            program.command("speed max")
            program.type(" ")
            first = _tick(program)
            while not seen or seen[-1][0] < first + ticks:
                program.idle(_LOOK_SECONDS)
                seen.append((_tick(program), watch.now() / MB))
                if len(seen) % 40 == 0:
                    print(f"  tick {seen[-1][0]}: {seen[-1][1]:,.0f} MB", flush=True)
        finally:
            peak = watch.stop()
            program.end()
    at, sizes = zip(*seen, strict=True)
    return [
        ("screen: opened, MB", opened / MB, SCREEN_BAR),
        (f"screen: peak over {ticks} ticks, MB", peak / MB, SCREEN_BAR),
        ("screen: growth over the second half, %", 100 * slope(at, sizes), 100 * SLOPE_BAR),
    ]


def _tick(program: Program) -> int:
    found = _TICK.search(program.screen.line(0))
    return int(found.group(1).replace(",", "")) if found else 0


def messages(agents: int, degree: float, count: int) -> list[tuple[str, float, float]]:
    """Inject messages by broadcast and keep them all; (what, figure, bar)."""
    from sim import World

    watch = Watch()
    world = World.create(agents=agents, mean_degree=degree, seed=7)
    bare = watch.now()
    began, draws = time.perf_counter(), np.random.default_rng(1)
    for number in range(count):
        seeds = draws.choice(agents, 1000, replace=False)
        world.inject(f"message {number}", seeds=seeds, model="independent-cascade",
                     probability=0.1)  # fmt: skip
        world.step()
        if number % 50 == 49:
            took = time.perf_counter() - began
            print(f"  {number + 1} messages: {watch.now() / MB:,.0f} MB, {took:.0f} s", flush=True)
    while any(cascade.alive for cascade in world.cascades.loose):
        world.step()
    peak = watch.stop()  # records that are read count as resident, so nothing is asked before
    reached = float(np.mean([cascade.size for cascade in world.cascades.newest(50)]))
    return [
        ("messages: world alone, MB", bare / MB, MESSAGES_BAR),
        (f"messages: peak with {count:,} of {reached:,.0f} adopters, MB",
         peak / MB, MESSAGES_BAR),
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; with ``--check``, return 1 where a bar is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=("screen", "messages"))
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--degree", type=float, default=20.0)
    parser.add_argument("--ticks", type=int, default=300)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--check", action="store_true", help="fail above the bars")
    told = parser.parse_args(arguments)
    figures: list[tuple[str, float, float]] = []
    if told.only != "messages":
        figures += screen(told.agents, told.degree, told.ticks)
    if told.only != "screen":
        figures += messages(told.agents, told.degree, told.messages)
    print(f"{'memory of the process':<60} {'':>9} {'bar':>8}")
    for what, figure, bar in figures:
        print(f"{what:<60} {figure:>9.1f} {bar:>8.0f}{'  over' if figure > bar else ''}")
    return int(told.check and any(figure > bar for _, figure, bar in figures))


if __name__ == "__main__":
    sys.exit(main())

"""A platform that is played for long, with saves and a stream of short messages.

    python -m bench.soak                       # ten minutes of 100,000 members
    python -m bench.soak --minutes 60 --check

The world keeps a journal and plays as fast as it can; a message is injected every two seconds and
comes to rest by itself, and the world is saved every minute. Once a second somebody asks the world
for its tick, as a screen or a script does: the answer is in time within a second, and none within
five is a failure. Printed are the answers, the memory of the process and the files of the world,
and by how much both would grow in an hour: a straight line through the second half of the run.
Without ``--check`` nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from sim import Simulation, World, save

MB = 2**20
GROWTH_BAR, PROBES_BAR = 2.0, 99.9
"""Most growth of memory in an hour, and fewest answers in time; per cent."""

_IN_TIME, _FAILED = 1.0, 5.0
_MODEL = {"model": "independent-cascade", "probability": 0.02}


class Soak:
    """A run and what was seen of it.

    Parameters
    ----------
    simulation, folder
        The world that plays, and where its files are.
    """

    def __init__(self, simulation: Simulation, folder: Path) -> None:
        self._simulation = simulation
        self._folder = folder
        self._process = psutil.Process()
        self._began = time.perf_counter()
        self.seen: list[tuple[float, float, float]] = []
        self.probes: list[float] = []
        self.failures = 0
        self.messages = 0

    async def inject(self, seconds: float) -> None:
        """Inject a message now and then, until cancelled."""
        while True:
            await self._simulation.inject(f"News {self.messages}", seeds="random:20", **_MODEL)
            self.messages += 1
            await asyncio.sleep(seconds)

    async def save(self, path: Path, seconds: float) -> None:
        """Save now and then, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self._simulation.save(path)

    async def probe(self) -> None:
        """Ask for the tick once a second, until cancelled."""
        while True:
            began = time.perf_counter()
            try:
                await asyncio.wait_for(self._simulation.call(_tick), _FAILED)
            except (TimeoutError, Exception) as error:
                self.failures += 1
                print(f"  probe failed: {type(error).__name__}: {error}", flush=True)
            self.probes.append(time.perf_counter() - began)
            await asyncio.sleep(max(0.0, 1.0 - (time.perf_counter() - began)))

    async def look(self, seconds: float) -> None:
        """Note memory and files once a second, and say so once a minute."""
        while (passed := time.perf_counter() - self._began) < seconds:
            memory = self._process.memory_info().rss / MB
            self.seen.append((passed, memory, _size(self._folder) / MB))
            if len(self.seen) % 60 == 0:
                tick = self._simulation.frame.tick
                late = sum(took > _IN_TIME for took in self.probes)
                print(f"  {passed:5.0f} s: tick {tick}, {self.messages} messages, "
                      f"{memory:,.0f} MB, files {self.seen[-1][2]:,.0f} MB, {late} late",
                      flush=True)  # fmt: skip
            await asyncio.sleep(1.0)


def _tick(world: World) -> int:
    return world.tick


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # a checkpoint that was removed just now
            continue
    return total


def hourly(times: Sequence[float], sizes: Sequence[float]) -> float:
    """Return by how many per cent the second half of a run would grow in an hour."""
    at, held = np.array(times), np.array(sizes)
    late = at >= at[0] + (at[-1] - at[0]) / 2
    return float(100 * 3600 * np.polyfit(at[late], held[late], 1)[0] / held[late].mean())


async def soak(agents: int, minutes: float, every: float) -> list[tuple[str, float, float | None]]:
    """Play; (what, figure, bar)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "soak.hub"
        world = World.create(
            agents=agents, network="planted-communities", mean_degree=20, seed=7, platform={}
        )
        world.step(24)
        save(world, path)
        async with Simulation(world, path=path, journal=True) as simulation:
            run = Soak(simulation, folder)
            await simulation.play()
            working = [
                asyncio.create_task(each)
                for each in (run.inject(every), run.save(path, 60.0), run.probe())
            ]
            await run.look(60 * minutes)
            for task in working:
                task.cancel()
            broken = [e for e in await asyncio.gather(*working, return_exceptions=True)
                      if not isinstance(e, asyncio.CancelledError)]  # fmt: skip
            if broken:
                print(f"  ended early: {broken[0]}")
            await simulation.pause()
            ticks = simulation.frame.tick
    times, memory, files = zip(*run.seen, strict=True)
    good = sum(took <= _IN_TIME for took in run.probes)
    return [
        ("ticks", ticks, None),
        ("messages that ended", float(sum(not each.alive for each in world.cascades)), None),
        ("memory, MB: median of the first minute", statistics.median(memory[:60]), None),
        ("memory, MB: median of the last minute", statistics.median(memory[-60:]), None),
        ("memory, most MB", max(memory), None),
        ("memory, growth in an hour, %", hourly(times, memory), GROWTH_BAR),
        ("files, MB: median of the first minute", statistics.median(files[:60]), None),
        ("files, MB: median of the last minute", statistics.median(files[-60:]), None),
        ("files, growth in an hour, %", hourly(times, files), None),
        ("probes", float(len(run.probes)), None),
        ("probes in time, %", 100 * good / len(run.probes), PROBES_BAR),
        ("probes failed", float(run.failures), None),
        ("slowest probe, s", max(run.probes), None),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; with ``--check``, return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between messages")
    parser.add_argument("--check", action="store_true", help="fail where a bar is missed")
    told = parser.parse_args(arguments)
    figures = asyncio.run(soak(told.agents, told.minutes, told.every))
    missed = False
    for what, figure, bar in figures:
        is_missed = bar is not None and (figure < bar if "in time" in what else figure > bar)
        missed |= is_missed
        said = "" if bar is None else f"  bar {bar:g}{', missed' if is_missed else ''}"
        print(f"{what:<44} {figure:>12,.1f}{said}")
    return int(told.check and missed)


if __name__ == "__main__":
    sys.exit(main())

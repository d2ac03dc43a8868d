"""A platform that is played for long, with saves and a stream of short messages.

    python -m bench.soak                       # ten minutes of 100,000 members
    python -m bench.soak --minutes 60 --check
    python -m bench.soak --minutes 60 --speed 4 --check    # beside other work

The world keeps a journal and plays as fast as it can, or ``--speed`` ticks a second; a message is
injected every two seconds, of every registered model in turn, and comes to rest by itself or is
cancelled, each third one after a minute and whatever still runs after three: so that as many run at
the end as soon after the beginning. The world is saved every minute. Members follow one
another, so that ties change in every tick, and mute nobody. (By default they mute 800,000 in 62,000
ticks, of some 20 bytes each: the world's own, which would hide what the program holds beside.)
Once a second somebody asks the world for its tick, as a screen or a script does: the answer is in
time within a second, and none within five is a failure. Printed are the answers, the memory of the
process, how much of its heap is in use (glibc), how many messages that ended lie whole in it, and
the files of the world; and by how much each would grow in an hour, from what came after warming up,
the first half unless ``--warm`` says otherwise. Files, and memory with what saves take for their
seconds, by a straight line; the bar is on memory at rest: the median of each minute, and of these
the median slope (Theil 1950, Sen 1968), which a minute with a longer save does not turn.

Files are told apart by what bounds them. The history of acts keeps to ``history_mb`` and the
entries of the journal to ``journal_mb``, both small here, so that they are full early. The save and
the checkpoints hold what lives and the record of every message; by how much they grow is told for
each message that ended. Without ``--check`` nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil
from scipy.stats import theilslopes

from sim import Simulation, World, save
from sim.core.registry import names, spec
from sim.errors import CapacityError
from sim.platform.acts.policy import RulePolicy
from sim.settings.settings import current, use

MB = 2**20
GROWTH_BAR, PROBES_BAR = 2.0, 99.9
"""Most growth of memory in an hour, and fewest answers in time; per cent."""

HISTORY_MB, JOURNAL_MB = 64, 16
"""Bounds of what members did, and of the journal's entries."""

_SPARE_MB = 24
"""Beyond those: logs of SQLite, and pages that are free."""

_SMALL = 5_000
"""Members of a short run before, in a process of its own: whoever compiles kernels holds the
compiler, some 200 MB, to its end."""

_IN_TIME, _FAILED = 1.0, 5.0
_CANCELLED_AFTER, _ENDED_AFTER = 30, 90
"""Messages, until each third one, and until any other is cancelled: a minute, and three."""

_PARAMETERS: dict[str, dict[str, Any]] = {"independent-cascade": {"probability": 0.02}}


class _HeapUse(ctypes.Structure):
    """``struct mallinfo2`` of glibc: ``hblkhd`` and ``uordblks`` are bytes in use."""

    _fields_: ClassVar = [(f"field {number}", ctypes.c_size_t) for number in range(10)]


def heap_in_use() -> float:
    """Return MB of the heap that are in use; NaN without glibc."""
    try:
        ask = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        return float("nan")
    ask.restype = _HeapUse
    said = [getattr(ask(), name) for name, *_ in _HeapUse._fields_]
    return float(said[4] + said[7]) / MB


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
        self.seen: list[tuple[float, float, float, float, float, float]] = []
        self.held: list[tuple[float, float, int]] = []
        self.probes: list[float] = []
        self.failures = 0
        self.messages = 0

    async def inject(self, seconds: float) -> None:
        """Inject a message of each model in turn, and cancel some, until cancelled."""
        models = [name for name in names() if spec(name).origin.startswith("plugins.")]
        while True:
            model = models[self.messages % len(models)]
            own = _PARAMETERS.get(model, {}) | _contest(model, self.messages)
            text = f"News {self.messages}"
            try:
                await self._simulation.inject(text, seeds="random:20", model=model, **own)
            except CapacityError as error:  # such as one that weighs all pairs
                print(f"  left out: {error}", flush=True)
                models.remove(model)
                continue
            self.messages += 1
            if self.messages % 3 == 0 and self.messages > _CANCELLED_AFTER:
                await self._simulation.cancel(self.messages - _CANCELLED_AFTER)
            if self.messages > _ENDED_AFTER:
                await self._simulation.cancel(self.messages - _ENDED_AFTER)
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
            said = self._process.memory_info()
            memory, own = said.rss / MB, (said.rss - getattr(said, "shared", 0)) / MB
            self.seen.append((passed, memory, own, *_sizes(self._folder)))
            if len(self.seen) % 60 == 0:
                tick = self._simulation.frame.tick
                late = sum(took > _IN_TIME for took in self.probes)
                heap, (ended, whole) = heap_in_use(), await self._simulation.call(_ended)
                self.held.append((passed, heap, whole))
                print(f"  {passed:5.0f} s: tick {tick}, {self.messages} messages, {ended} ended, "
                      f"{whole} of them whole, {memory:,.0f} MB, heap {heap:,.0f} MB, files "
                      f"{sum(self.seen[-1][3:]):,.0f} MB, of them journal {self.seen[-1][4]:,.0f}, "
                      f"{late} late", flush=True)  # fmt: skip
            await asyncio.sleep(1.0)


def _told(task: asyncio.Task[None]) -> None:
    """Say at once what ended a task before its time."""
    if not task.cancelled() and (error := task.exception()):
        print(f"  ended early: {type(error).__name__}: {error}", flush=True)


def _tick(world: World) -> int:
    return world.tick


def _ended(world: World) -> tuple[int, int]:
    """Return how many messages ended, and how many of these lie whole in memory."""
    cascades = world.cascades
    whole = sum(not each.alive for each in cascades.loose)
    return len(cascades) - len(cascades.loose) + whole, whole


def _contest(model: str, number: int) -> dict[str, Any]:
    """Return a contest of its own for each round of models: rivals of all would never end."""
    return {"contest": f"contest {number // 100}"} if model.startswith("competitive-") else {}


def _sizes(folder: Path) -> tuple[float, float, float]:
    """Return MB of the history, of the journal's entries, and of the save and checkpoints.

    A file that has two names, as a save that is a checkpoint, counts once.
    """
    found: dict[int, tuple[str, int]] = {}
    for path in folder.rglob("*"):
        try:
            said = path.stat()
        except OSError:  # a checkpoint that was removed just now
            continue
        if path.is_file():
            found[said.st_ino] = (path.name, said.st_size)
    history = sum(size for name, size in found.values() if ".history" in name)
    journal = sum(size for name, size in found.values() if name.startswith("journal"))
    every = sum(size for _, size in found.values())
    return history / MB, journal / MB, (every - history - journal) / MB


def hourly(times: Sequence[float], sizes: Sequence[float], warm: float) -> float:
    """Return by how much something grows in an hour, once ``warm`` of the time has passed."""
    at, held = np.array(times), np.array(sizes)
    late = at >= at[0] + (at[-1] - at[0]) * warm
    return float(3600 * np.polyfit(at[late], held[late], 1)[0])


def resting(times: Sequence[float], sizes: Sequence[float], warm: float) -> float:
    """Return the same of what is held at rest, whatever is held for less than half a minute."""
    at, held = np.array(times), np.array(sizes)
    late = at >= at[0] + (at[-1] - at[0]) * warm
    at, held = at[late], held[late]
    minute = ((at - at[0]) // 60).astype(int)
    medians = [float(np.median(held[minute == each])) for each in np.unique(minute)]
    return 60.0 * float(theilslopes(medians).slope) if len(medians) > 1 else 0.0


async def soak(
    agents: int, minutes: float, every: float, warm: float = 0.5, speed: float | None = None
) -> list[tuple[str, float, float | None]]:
    """Play; (what, figure, bar)."""
    use(current().model_copy(update={"history_mb": HISTORY_MB, "journal_mb": JOURNAL_MB}))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "soak.hub"
        world = World.create(
            agents=agents,
            network="planted-communities",
            mean_degree=20,
            seed=7,
            platform={"policy": RulePolicy(mutes=0.0)},
        )
        world.step(24)
        tied = world.ties.count
        save(world, path)
        async with Simulation(world, path=path, journal=True) as simulation:
            run = Soak(simulation, folder)
            await simulation.play(speed)
            working = [
                asyncio.create_task(each)
                for each in (run.inject(every), run.save(path, 60.0), run.probe())
            ]
            for task in working:
                task.add_done_callback(_told)
            await run.look(60 * minutes)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            await simulation.pause()
            ticks = simulation.frame.tick
    times, memory, own, history, journal, kept = zip(*run.seen, strict=True)
    files = [sum(each[3:]) for each in run.seen]
    hours = times[-1] / 3600
    ties = world.ties.count
    ended, whole = _ended(world)
    heap = [each[1] for each in run.held] or [heap_in_use()]
    more, usual = resting(times, memory, warm), statistics.median(memory)
    saves = hourly(times, kept, warm)
    good = sum(took <= _IN_TIME for took in run.probes)
    return [
        ("ticks", ticks, None),
        ("messages that ended", float(ended), None),
        ("of them whole in memory", float(whole), None),
        ("of them whole in memory, most", float(max([whole, *(e[2] for e in run.held)])), None),
        ("heap in use, MB: first minute", heap[0], None),
        ("heap in use, MB: last minute", heap[-1], None),
        ("ties more than at the start, %", 100 * (ties / tied - 1), None),
        ("memory, MB: median of the first minute", statistics.median(memory[:60]), None),
        ("memory, MB: median of the last minute", statistics.median(memory[-60:]), None),
        ("memory, most MB", max(memory), None),
        ("memory at rest, growth in an hour, MB", more, None),
        ("memory at rest, growth in an hour, %", 100 * more / usual, GROWTH_BAR),
        ("of it without pages of files, in an hour, MB", resting(times, own, warm), None),
        ("memory with saves, growth in an hour, MB", hourly(times, memory, warm), None),
        ("files, MB: median of the first minute", statistics.median(files[:60]), None),
        ("files, MB: median of the last minute", statistics.median(files[-60:]), None),
        ("history, most MB", max(history), HISTORY_MB + _SPARE_MB),
        ("journal's entries, most MB", max(journal), JOURNAL_MB + _SPARE_MB),
        ("save and checkpoints, MB: last minute", statistics.median(kept[-60:]), None),
        ("save and checkpoints, growth in an hour, MB", saves, None),
        ("the same, KB for a message that ended", 1024 * saves * hours / max(ended, 1), None),
        ("files, growth in an hour, %", 100 * hourly(times, files, warm) / files[-1], None),
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
    parser.add_argument("--warm", type=float, default=0.5, help="share of the run to warm up")
    parser.add_argument("--speed", type=float, help="ticks a second; else as fast as it can")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between messages")
    parser.add_argument("--check", action="store_true", help="fail where a bar is missed")
    told = parser.parse_args(arguments)
    if told.agents > _SMALL:
        small = ["-m", "bench.soak", "--agents", str(_SMALL), "--minutes", "1", "--every", "0.25"]
        subprocess.run([sys.executable, *small], stdout=subprocess.DEVNULL, check=True)
    figures = asyncio.run(soak(told.agents, told.minutes, told.every, told.warm, told.speed))
    missed = False
    for what, figure, bar in figures:
        is_missed = bar is not None and (figure < bar if "in time" in what else figure > bar)
        missed |= is_missed
        said = "" if bar is None else f"  bar {bar:g}{', missed' if is_missed else ''}"
        print(f"{what:<46} {figure:>12,.1f}{said}")
    return int(told.check and missed)


if __name__ == "__main__":
    sys.exit(main())

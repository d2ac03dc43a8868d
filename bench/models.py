"""Models against plain C, in turn, in one run: ``python -m bench.models``.

A million agents, 20 million ties (preferential attachment, ids shuffled), 1 % random seeds, whole
cascades. Ours goes through the public door (``world.inject``, ``world.run_until_quiet``) and
records who adopted when and from whom; ``bench/reference.c``, compiled here and called in this
process, records neither. Times are processor time of the one thread; a ratio is the median of the
ratios of pairs. See ``bench/README.md``.
"""

from __future__ import annotations

import argparse
import array
import ctypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import psutil

from sim import Cascade, Compartments, Field, World, after, contact, register
from sim.arrays import I32
from sim.core import rng
from sim.jit.claims import gap
from sim.jit.jit import kernel
from sim.jit.mix import gate, word, word2

HERE = Path(__file__).parent
BETA, GAMMA = 0.05, 0.2
Timed = Callable[[I32], tuple[float, int]]
"""Runs one cascade: seconds, and how many agents it reached."""


@register("six-lines")
class SixLines(Compartments):
    """Susceptible-infected-recovered, as anybody would declare it."""

    beta: float = Field(BETA, ge=0, le=1, description="chance of infection per contact and tick")
    gamma: float = Field(GAMMA, ge=0, le=1, description="chance of recovery per tick")
    states: ClassVar[tuple[str, ...]] = ("susceptible", "infected", "recovered")
    seeded: ClassVar[str] = "infected"
    rules: ClassVar = (
        contact("susceptible", "infected", by="infected", chance="beta"),
        after("infected", "recovered", chance="gamma"),
    )


@kernel
def hand_written(
    rows: Any,
    targets: Any,
    seeds: Any,
    key: Any,
    scale: float,
    recovers: Any,
    state: Any,
    when: Any,
    source: Any,
    queue: Any,
) -> int:
    """SIR by skips as one would write it by hand: draws addressed, tick and source recorded."""
    state[:] = 0
    when[:] = -1
    tail = 0
    for i in range(seeds.size):
        if state[seeds[i]] == 0:
            state[seeds[i]] = 1
            when[seeds[i]] = 0
            queue[tail] = seeds[i]
            tail += 1
    reached = tail
    tick = 0
    while tail:
        tick += 1
        contacts, recoveries = word(key, 2 * tick), word(key, 2 * tick + 1)
        before = tail
        for i in range(before):
            u = queue[i]
            length = np.int64(rows[u, 1])
            key_u = word(contacts, u)
            k = 0
            e = gap(word2(key_u, 0), scale)
            while e < length:
                v = targets[np.int64(rows[u, 0]) + e]
                if state[v] == 0:
                    state[v] = 1
                    when[v] = tick
                    source[v] = u
                    queue[tail] = v
                    tail += 1
                k += 1
                e += 1 + gap(word2(key_u, k), scale)
        reached += tail - before
        kept = 0
        for i in range(tail):
            u = queue[i]
            if i < before and (word(recoveries, u) >> np.uint64(11)) < recovers:
                state[u] = 2
            else:
                queue[kept] = u
                kept += 1
        tail = kept
    return reached


class Reference:
    """``reference.c`` over a network, compiled into a folder that goes with the process."""

    def __init__(self, world: World, compiler: str, file: str = "reference.c") -> None:
        self._folder = tempfile.TemporaryDirectory()
        library = Path(self._folder.name) / "reference.so"
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        source = str(HERE / file)
        subprocess.run([compiler, *flags, "-o", str(library), source, "-lm"], check=True)
        self._calls = ctypes.CDLL(str(library))
        n = len(world.agents)
        kept: tuple[npt.NDArray[Any], ...] = (
            world.ties.indptr(), world.ties.targets.astype(np.int32), np.empty(n, np.int32),
            np.empty(n, np.uint8), np.empty(n, np.uint16), np.empty(n, np.float32),
        )  # fmt: skip
        self._arrays = kept
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in kept]
        self._world = (ctypes.c_void_p * 7)(n, *(p.value for p in pointers))

    def timed(self, name: str, *chances: float) -> Timed:
        """Return the C function of a model with its chances."""
        function = getattr(self._calls, name)
        function.restype = ctypes.c_int64
        more = [ctypes.c_double(chance) for chance in chances]

        def run(seeds: I32) -> tuple[float, int]:
            given = ctypes.c_void_p(seeds.ctypes.data), ctypes.c_int64(seeds.size)
            began = time.thread_time()
            reached = function(ctypes.byref(self._world), *given, *more)
            return time.thread_time() - began, int(reached)

        return run


@dataclass
class Row:
    """One line of the table: what is timed against what, and the bars."""

    title: str
    ours: Timed
    yard: Timed | None
    must: float | None = None
    aim: float | None = None


def ours(world: World, **options: Any) -> Timed:
    """Return a cascade through the public door."""

    def run(seeds: I32) -> tuple[float, int]:
        began = time.thread_time()
        story = world.inject("The bridge is closed.", seeds=seeds, **options)
        world.run_until_quiet(story)
        took = time.thread_time() - began
        world.cascades.remove(story)
        return took, story.size

    return run


def by_hand(world: World) -> Timed:
    """Return the hand-written kernel, with kept buffers."""
    n = len(world.agents)
    state, when = np.empty(n, np.uint8), np.empty(n, np.int32)
    source, queue = np.empty(n, np.uint32), np.empty(n, np.uint32)
    scale = float(1 / np.log1p(-BETA))

    def run(seeds: I32) -> tuple[float, int]:
        key = rng.key(world.seed, rng.Stream.CONTACTS, salt=int(seeds[0]))
        given = world.ties.rows, world.ties.targets, seeds.astype(np.uint32), key, scale
        began = time.thread_time()
        reached = hand_written(*given, gate(GAMMA), state, when, source, queue)
        return time.thread_time() - began, int(reached)

    return run


def peer(world: World) -> dict[str, Timed]:
    """Return the cascades of cynetdiff, empty when it is not installed."""
    try:
        from cynetdiff import models  # type: ignore[import-not-found]
    except ImportError:
        return {}
    starts = array.array("I", world.ties.indptr()[:-1].astype(np.uint32).tobytes())
    edges = array.array("I", world.ties.targets.tobytes())
    made = {
        "IC": models.IndependentCascadeModel(starts, edges, activation_prob=0.1),
        "LT": models.LinearThresholdModel(starts, edges),
    }

    def timed(model: Any) -> Timed:
        def run(seeds: I32) -> tuple[float, int]:
            given = np.unique(seeds).tolist()
            began = time.thread_time()
            model.set_seeds(given)
            model.advance_until_completion()
            return time.thread_time() - began, int(model.get_num_activated_nodes())

        return run

    return {name: timed(model) for name, model in made.items()}


def table(world: World) -> list[Row]:
    """Return what is compared with what."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("No C compiler (cc) is here: ours alone.")
    c = Reference(world, compiler) if compiler else None
    yard = c.timed if c else (lambda *_: None)
    ic, six = {"model": "independent-cascade"}, {"model": "six-lines"}
    coins, skips = {"draws": "coins"}, {"draws": "skips"}
    exact = {"model": "sir-continuous", "beta": BETA, "gamma": GAMMA}
    ic_coins, ic_skips = yard("cascade_coins", 0.1), yard("cascade_skips", 0.1)
    sir_coins, sir_skips = yard("sir_coins", BETA, GAMMA), yard("sir_skips", BETA, GAMMA)
    weighted = ours(world, **ic, weights="weighted-cascade")
    six_skips = ours(world, **six, **skips)
    lt = ours(world, model="linear-threshold")
    rows = [
        Row("IC p=.1, coins", ours(world, **ic, **coins), ic_coins, 2.0, 1.3),
        Row("IC p=.1, skips / C coins", ours(world, **ic, **skips), ic_coins, 1.2, 0.8),
        Row("IC p=.1, skips / C skips", ours(world, **ic, **skips), ic_skips),
        Row("IC weighted cascade", weighted, yard("cascade_weighted")),
        Row("LT", lt, yard("threshold"), 2.0, 1.3),
        Row("SIR six lines, coins", ours(world, **six, **coins), sir_coins),
        Row("SIR six lines, skips / C coins", six_skips, sir_coins, 1.5, 1.2),
        Row("SIR six lines, skips / C skips", six_skips, sir_skips),
        Row("SIR six lines, skips / by hand", six_skips, by_hand(world), 1.6),
        Row("SIR continuous / C coins", ours(world, **exact), sir_coins, 2.5),
    ]
    rivals = peer(world)
    if rivals:
        rows.append(Row("IC p=.1, skips / cynetdiff", ours(world, **ic, **skips), rivals["IC"]))
        rows.append(Row("LT / cynetdiff", lt, rivals["LT"]))
    return rows


def compare(rows: list[Row], agents: int, rounds: int) -> None:
    """Run every pair in turn, round after round, and print the medians."""
    draws = np.random.default_rng(1)
    seen: dict[str, list[tuple[float, int, float, int]]] = {row.title: [] for row in rows}
    for number in range(rounds + 1):
        for row in rows:
            seeds = draws.integers(0, agents, max(agents // 100, 1)).astype(np.int32)
            theirs = row.yard(seeds) if row.yard else (float("nan"), 0)
            mine = row.ours(seeds)
            if number:  # the first round compiles
                seen[row.title].append((*mine, *theirs))
    print(f"{'':32}{'ours s':>9}{'other s':>9}{'ratio':>8}{'must':>6}{'aim':>6}{'reached':>20}")
    for row in rows:
        mine, size, theirs, other = zip(*seen[row.title], strict=True)
        ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
        bars = "".join(f"{bar:6.1f}" if bar else f"{'':6}" for bar in (row.must, row.aim))
        sizes = f"{statistics.median(size):12,.0f} /{statistics.median(other):10,.0f}"
        times = f"{statistics.median(mine):9.4f}{statistics.median(theirs):9.4f}{ratio:7.2f}x"
        print(f"{row.title:32}{times}{bars}{sizes}")


SMALL: dict[str, dict[str, Any]] = {
    "independent-cascade": {"probability": 0.03},
    "linear-threshold": {},
    "si": {"beta": 0.005},
    "sis": {"beta": 0.01},
    "sir": {"beta": 0.01},
    "viral": {"base": 0.01, "attention": 3},
    "diffusion": {"rate": 0.01},
    "hybrid": {"base": 0.01, "rate": 0.01},
}
"""Parameters under which ten seeds reach some dozens or hundreds within ten ticks."""


def many_small(world: World, count: int, ticks: int = 10) -> None:
    """Run a thousand small cascades of each model at once; print their cost and memory."""
    draws = np.random.default_rng(2)
    print(f"\n{count:,} cascades of 10 seeds at once, {ticks} ticks")
    print(f"{'model':22}{'ms a tick':>11}{'us each':>9}{'KB each':>9}{'RSS MB':>9}{'reached':>9}")
    for model, options in SMALL.items():
        world.run_until_quiet(world.inject("warm", seeds=[0], model=model, **options), 3)
        world.cascades.clear()
        before = psutil.Process().memory_info().rss
        stories: list[Cascade] = [
            world.inject(
                "x", seeds=draws.integers(0, len(world.agents), 10), model=model, **options
            )
            for _ in range(count)
        ]
        began = time.thread_time()
        world.step(ticks)
        took = (time.thread_time() - began) / ticks
        grown = psutil.Process().memory_info().rss - before
        held = statistics.mean(story.nbytes for story in stories)
        reached = statistics.mean(story.size for story in stories)
        each = f"{1e6 * took / count:9.1f}{held / 1e3:9.1f}{grown / 1e6:9.0f}{reached:9.0f}"
        print(f"{model:22}{1e3 * took:11.1f}{each}")
        world.cascades.clear()


def exposures(world: World, rounds: int) -> None:
    """Print how many exposures a second the per-exposure form settles."""
    draws = np.random.default_rng(3)
    print()
    for attention in (1, 3):
        speeds = []
        for _ in range(rounds):
            seeds = draws.integers(0, len(world.agents), max(len(world.agents) // 100, 1))
            options: dict[str, Any] = {"base": 0.2, "reinforcement": 0.5, "attention": attention}
            story = world.inject("x", seeds=seeds, model="viral", tags=["music"], **options)
            began = time.thread_time()
            world.run_until_quiet(story)
            speeds.append(story.contacts_seen / (time.thread_time() - began) / 1e6)
            world.cascades.clear()
        speed = statistics.median(speeds)
        print(f"viral, attention {attention}: {speed:.1f} million exposures a second")


def world_of(agents: int, prefix: str | None) -> World:
    """Return the network that is measured."""
    if prefix is None:
        return World.create(agents=agents, mean_degree=20, seed=1)
    starts, targets = (np.load(f"{prefix}_{part}.npy") for part in ("indptr", "indices"))
    sources = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    return World.from_edges(sources, targets, starts.size - 1, seed=1)


def megabytes() -> str:
    """Return the memory of this process, in words."""
    return f"{psutil.Process().memory_info().rss / 1e6:,.0f} MB"


def main(words: list[str] | None = None) -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--graph", help="PREFIX of two .npy files")
    parser.add_argument("--only", default="", help="lines whose title contains this")
    parser.add_argument("--quick", action="store_true", help="100,000 agents, 2 rounds")
    parser.add_argument("--no-memory", action="store_true", help="leave out the small cascades")
    given = parser.parse_args(words)
    agents, rounds = (100_000, 2) if given.quick else (given.agents, given.rounds)
    bare = megabytes()
    world = world_of(agents, given.graph)
    agents = len(world.agents)
    print(f"{agents:,} agents, {world.ties.count:,} ties; Python {sys.version.split()[0]}")
    print(f"process: {bare} before, {megabytes()} with the world ({world.nbytes / 1e6:,.0f} MB)\n")
    rows = [row for row in table(world) if given.only in row.title]
    compare(rows, agents, rounds)
    exposures(world, rounds)
    if not given.no_memory:
        many_small(world, 100 if given.quick else 1_000)
    print(f"\nprocess at the end: {megabytes()}")


if __name__ == "__main__":
    main()

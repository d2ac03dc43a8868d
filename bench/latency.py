"""How fast a running world of a million agents answers: pauses, frames, and the event loop.

    python -m bench.latency [--agents 1000000] [--rounds 30]

Pause: from asking to the answer, with the tick that runs meanwhile. Frame: time to make one in the
engine's thread. Loop: how late a 5 ms timer of the event loop comes, which is what a key waits.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from sim import Simulation, World
from sim.runtime.engine.thread_client import ThreadEngine

MODELS = ("independent-cascade", "sir", "sis", "linear-threshold", "viral")


def shown(what: str, milliseconds: Sequence[float]) -> str:
    """Return median, 95th percentile and maximum in a line."""
    values = sorted(milliseconds) or [0.0]
    p95 = values[min(len(values) - 1, int(0.95 * len(values)))]
    median = statistics.median(values)
    return f"  {what:<34} median {median:8.2f}  p95 {p95:8.2f}  max {values[-1]:8.2f} ms"


def timed(function: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    """Return ``function``, noting the milliseconds of each call."""

    def call(*args: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args)
        finally:
            into.append(1000 * (time.perf_counter() - began))

    return call


async def probe(into: list[float], seconds: float = 0.005) -> None:
    """Note how late each timer of the loop comes, until cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        into.append(1000 * (time.perf_counter() - began - seconds))


async def measure(world: World, model: str, rounds: int) -> None:
    """Play a message at full speed; print how long pauses, frames and timers take."""
    pauses: list[float] = []
    frames: list[float] = []
    late: list[float] = []
    ticks: list[float] = []
    async with Simulation(world, frames_per_second=10) as simulation:
        client = simulation._client  # noqa: SLF001 - a bench looks inside
        assert isinstance(client, ThreadEngine)
        live = client.live
        live.frame = timed(live.frame, frames)  # type: ignore[method-assign]
        live.tick = timed(live.tick, ticks)  # type: ignore[method-assign]
        session = await simulation.inject("news", seeds="random:1000", model=model)
        probing = asyncio.create_task(probe(late))
        began = time.perf_counter()
        for turn in range(rounds):
            if session.status != "running":
                session = await simulation.inject("news", seeds="random:1000", model=model)
            await simulation.play()
            await asyncio.sleep(0.03 + 0.007 * (turn % 11))
            asked = time.perf_counter()
            await simulation.pause()
            pauses.append(1000 * (time.perf_counter() - asked))
        seconds = time.perf_counter() - began
        probing.cancel()
        for row in simulation.frame.sessions:
            await simulation.cancel(row.id)
        failed = [row.error for row in simulation.frame.sessions if row.status == "failed"]
        memory = simulation.frame.memory_bytes / 2**20
    print(f"{model}: {len(ticks)} ticks in {seconds:.1f} s, {memory:,.0f} MiB", *failed[:1])
    for what, values in (
        ("tick", ticks),
        ("pause (with the running tick)", pauses),
        ("frame", frames),
        ("timer of the loop late by", late),
    ):
        print(shown(what, values))


async def commands(world: World, count: int = 300) -> None:
    """Print how long commands take when the world stands still."""
    async with Simulation(world) as simulation:
        answers: list[float] = []
        for _ in range(count):
            began = time.perf_counter()
            await simulation.pause()
            answers.append(1000 * (time.perf_counter() - began))
        print("commands, world at rest")
        print(shown("answer", answers))


def main() -> None:
    """Run the bench from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--mean-degree", type=float, default=20)
    parser.add_argument("--network", default="preferential-attachment")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--models", nargs="*", default=MODELS)
    given = parser.parse_args()
    began = time.perf_counter()
    world = World.create(given.agents, given.network, given.mean_degree, seed=7)
    print(f"{given.agents:,} agents, {world.ties.count:,} ties, made in ", end="")
    print(f"{time.perf_counter() - began:.1f} s")
    for model in given.models:
        asyncio.run(measure(world, model, given.rounds))
        world.cascades.clear()
    asyncio.run(commands(world))


if __name__ == "__main__":
    main()

"""Time what goes back: 1, 10 and 100 ticks by memory and by journal; and questions about history.

``python -m bench.travel [--agents N] [--events N] [--folder DIR]``: a world with a journal runs 130
ticks of SIR, goes back and forward again, and every digest is compared with the one shown then.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from sim import Simulation, World, load, save
from sim.store.history.reading import WorldHistory, read_history
from sim.store.journal.journal import (
    Checkpoint,
    EntryAdoptions,
    EntryCounts,
    Journal,
    JournalEntry,
    folder_of,
)

TICKS = 130
MESSAGES = 5


async def travel(agents: int, folder: Path, undo_bytes: int) -> None:
    """Go back and forward, by memory or (with none) by the journal."""
    world = World.create(agents=agents, mean_degree=20, seed=7)
    path = folder / f"travel-{undo_bytes}.hub"
    async with Simulation(world, journal=True, path=path, undo_bytes=undo_bytes) as simulation:
        await simulation.inject("News", seeds="top:40:degree", model="sir", beta=0.02, gamma=0.02)
        shown, spent = {}, []
        for _ in range(TICKS):
            began = perf_counter()
            await simulation.step()
            spent.append(perf_counter() - began)
            if TICKS - world.tick in {0, 1, 10, 100}:
                shown[world.tick] = world.digest()
        print(f"{agents:,} agents, a step {1000 * median(spent):.1f} ms (median), acknowledged")
        for ticks in (1, 10, 100):
            began = perf_counter()
            went = await simulation.go_to(TICKS - ticks)
            took = 1000 * (perf_counter() - began)
            same = world.digest() == shown[TICKS - ticks]
            print(f"back {ticks:>3} by {went.way}: {took:7.1f} ms, digest equal: {same}")
            if undo_bytes:
                began = perf_counter()
                await simulation.forward()
                took = 1000 * (perf_counter() - began)
                print(f"  forward again: {took:7.1f} ms, equal: {world.digest() == shown[TICKS]}")
            else:
                await simulation.step(ticks)
                print(f"  the same future, run: {world.digest() == shown[TICKS]}")


def noted(folder: Path, events: int) -> Path:
    """Write a journal of so many adoptions, five messages, 2,000 entries."""
    path = folder / "history.hub"
    live = folder_of(path)
    live.mkdir()
    world = World.create(agents=100, mean_degree=4, seed=1)
    save(world, live / "checkpoint-0.hub")
    assert load(live / "checkpoint-0.hub").digest() == world.digest()
    journal = Journal(live, durable=_told, troubled=_told, ended=_told)
    count, draws, digest = events // MESSAGES // 2000, np.random.default_rng(1), bytes(16)
    people = [draws.permutation(events // MESSAGES).astype(np.uint32) for _ in range(MESSAGES)]
    from concurrent.futures import Future

    first: Future[Checkpoint] = Future()
    first.set_result(Checkpoint(0, 0, "checkpoint-0.hub", world.digest(), digest))
    journal.put(None, first)
    for number in range(1, 2001):
        packs = []
        for message, order in enumerate(people):
            agents = np.sort(order[(number - 1) * count : number * count])
            ticks = np.full(count, number, np.int32)
            sources = draws.integers(0, len(order), count).astype(np.uint32)
            data = agents.tobytes() + ticks.tobytes() + sources.tobytes()
            packs.append(EntryAdoptions(message, count, data))
        metrics = EntryCounts(MESSAGES, 0, number * count * MESSAGES, number * 1_000_000)
        journal.put(
            JournalEntry(number, number, 1, "step", "{}", "bench", tuple(packs), metrics, b"", b"")
        )
    journal.close()
    return path


def questions(path: Path) -> None:
    """Time each question, the median of five."""
    began = perf_counter()
    history: WorldHistory = read_history(path)
    print(f"history of {history.events:,} events: opened in {perf_counter() - began:.2f} s")
    asked: dict[str, Callable[[], object]] = {
        "one agent": lambda: history.agent(77),
        "one pair": lambda: history.pair(77, 78),
        "one message's adopters": lambda: history.message(2),
        "one agent, 100 ticks": lambda: history.agent(77, first=500, last=600),
        "counts over time": lambda: history.counts(points=400),
        "one message's counts with R": lambda: history.counts(2, points=400, r=True),
        "all counts with R": lambda: history.counts(points=400, r=True),
    }
    for name, question in asked.items():
        spent = []
        for _ in range(5):
            began = perf_counter()
            question()
            spent.append(perf_counter() - began)
        print(f"  {name}: {1000 * median(spent):.1f} ms")


def _told(_what: object) -> None:
    """Look at nothing."""


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=said.folder) as made:
        asyncio.run(travel(said.agents, Path(made), 128 << 20))
        asyncio.run(travel(said.agents, Path(made), 0))
        questions(noted(Path(made), said.events))


if __name__ == "__main__":
    main()

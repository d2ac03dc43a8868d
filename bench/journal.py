"""What a journal costs a large world, how long a checkpoint stops it, and how fast it comes back.

    python -m bench.journal [--agents 1000000] [--ticks 60] [--platform] [--folder DIR]

Journal: two equal worlds tick in turn, one of them with a journal; its time runs until the tick is
on the disk, which nobody else has to wait for. Checkpoint: how long the world stands still, how
late a 5 ms timer of the event loop comes meanwhile, and the time in the thread that writes against
the same bytes written raw. Recovery: of the world as it was left, the last checkpoint behind it.
Bars: journal at most 1.15 of a tick of 100 ms or more, checkpoint at most 4 raw writes and 150 ms
of the screen's time, recovery under 10 s.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.latency import probe, shown
from bench.store import raw_write
from sim import Simulation, World
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store.snapshot.snapshot import load, save

MODELS = ("sir", "sis", "independent-cascade", "viral", "linear-threshold")
MESSAGES = 10
NEVER = Pacing(None, None, None)


def made(agents: int, ticks: int, *, platform: bool = False) -> World:
    """Return a world with ten messages under way, or a platform."""
    world = World.create(agents, mean_degree=20, seed=7)
    if platform:
        world.open_platform()
        world.step(ticks)
        return world
    for number in range(MESSAGES):
        seeds = list(range(number * 100, number * 100 + 100))
        world.inject(f"News {number}", seeds=seeds, model=MODELS[number % len(MODELS)])
    world.step(ticks)
    return world


def twins(agents: int, folder: Path, *, platform: bool) -> tuple[World, World]:
    """Return one world twice."""
    world = made(agents, 4, platform=platform)
    save(world, folder / "twin.hub", relational=False)
    return world, load(folder / "twin.hub")


def took(work: Callable[[], object]) -> float:
    """Return the milliseconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def journal(agents: int, ticks: int, folder: Path, *, platform: bool) -> None:
    """Print what a tick costs with a journal and without, in turn."""
    kept, free = twins(agents, folder, platform=platform)
    keeper = JournalWriter(kept, folder / "kept.hub", pacing=NEVER)

    def with_journal() -> None:
        kept.step()
        keeper.ticked(kept)
        keeper.flush(kept)
        keeper.wait()

    pairs = []
    for turn in range(ticks):
        works = (free.step, with_journal) if turn % 2 else (with_journal, free.step)
        pairs.append([took(work) for work in works][:: 1 if turn % 2 else -1])
    keeper.close(kept)
    assert kept.digest() == free.digest()
    without, beside = zip(*pairs, strict=True)
    print(shown("tick", without), shown("tick, until it is on the disk", beside), sep="\n")
    slow = [one / other for other, one in pairs if other >= 100]
    whole = f"all ticks {sum(beside) / sum(without):.3f}"
    heavy = f", the {len(slow)} of 100 ms or more {statistics.median(slow):.3f}" if slow else ""
    print(f"  ratio: {whole}{heavy} (bar 1.15)")


async def play(world: World, path: Path, seconds: float) -> tuple[list[float], list[float]]:
    """Return (pauses of checkpoints, how late timers were), both in ms, of a world that plays."""
    late: list[float] = []
    pauses: list[float] = []
    pacing = Pacing(None, seconds / 8, None)
    async with Simulation(world, path=path, journal=pacing) as simulation:
        probing = asyncio.create_task(probe(late))
        began, seen = time.monotonic(), 1
        await simulation.play()
        client = simulation._client  # noqa: SLF001 - a bench looks inside
        assert isinstance(client, ThreadEngine)
        keeper = client.live.persistence.keeper
        assert keeper is not None
        while time.monotonic() - began < seconds:
            await asyncio.sleep(0.1)
            if keeper.taken > seen:
                seen = keeper.taken
                pauses.append(1000 * keeper.pause)
        await simulation.pause()
        probing.cancel()
    return pauses, late


def checkpoints(agents: int, folder: Path, *, platform: bool) -> None:
    """Print what checkpoints of a world with ten messages, or of a platform, cost."""
    world = made(agents, 4, platform=platform)
    pauses, late = asyncio.run(play(world, folder / "played.hub", 16.0))
    print(shown("world stands still", pauses))
    print(shown("timer of the loop late by", late), "(bar 150)")
    columns = world.dump()[1]
    keeper = JournalWriter(world, folder / "still.hub", pacing=NEVER)
    written: list[float] = []
    raw: list[float] = []
    for _ in range(7):
        raw.append(took(lambda: raw_write(columns, folder / "raw.bin")))
        world.step()
        keeper.ticked(world)
        written.append(took(lambda: keeper.checkpoint(world).result()))
    keeper.close(world)
    size = sum(column.nbytes for column in columns.values()) / 1e6
    print(shown(f"{size:.0f} MB raw, with fsync", raw), shown("checkpoint", written), sep="\n")
    ratio = statistics.median(one / other for one, other in zip(written, raw, strict=True))
    print(f"  ratio: {ratio:.2f} (bar 4)")


def recovery(agents: int, folder: Path, *, platform: bool) -> None:
    """Print how long a world takes to come back that ran as long as the pacing allows."""
    world = made(agents, 4, platform=platform)
    path = folder / "lost.hub"
    keeper = JournalWriter(world, path)
    before = keeper.taken
    while keeper.taken == before:  # until the second checkpoint
        world.step()
        keeper.ticked(world)
        if not platform and not any(cascade.alive for cascade in world.cascades):
            break
    keeper.close(world)
    checkpoint = max((path.with_name("lost.hub.live")).glob("checkpoint-*"), key=_number)
    if keeper.taken > before:
        checkpoint.unlink()  # as it was the moment before
    found = recover(path)
    assert found.world.digest() == world.digest()
    print(f"  {found.sentence} (bar 10 s)")


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=60)
    parser.add_argument("--platform", action="store_true", help="instead of messages")
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--parts", nargs="*", default=("journal", "checkpoints", "recovery"))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        if "journal" in given.parts:
            busy = "a platform" if given.platform else f"{MESSAGES} messages"
            print(f"journal, {given.agents:,} agents, {busy}")
            journal(given.agents, given.ticks, folder, platform=given.platform)
        if "checkpoints" in given.parts:
            print("checkpoints")
            checkpoints(given.agents, folder, platform=given.platform)
        if "recovery" in given.parts:
            print("recovery")
            recovery(given.agents, folder, platform=given.platform)


if __name__ == "__main__":
    main()

"""Kills worlds of any size while they play or are saved; prints what was wrong, and a summary.

python -m tests.faults.killing {play,save} --agents 100000 --kills 50 --seed 1
"""

import argparse
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sim import World
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import load, save
from tests.unit.runtime.journal_config import play, send, sends

PACING = Pacing(ticks=25, seconds=None, replay=None)
RESUMED = 8


class Unbroken:
    """A world that plays the script without a journal, as far as anybody asks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found = {(world.tick, world.made): world.digest()}

    def digest(self, tick: int, made: int) -> str:
        """Return the digest at a place of the script."""
        world = self._world
        while (tick, made) not in self._found:
            if world.tick > tick:
                return "the script never comes to such a place"
            if sends(world):
                send(world)
            else:
                world.step()
            self._found[world.tick, world.made] = world.digest()
        return self._found[tick, made]


def child(work: Callable[[Callable[[int], object]], object]) -> tuple[int, int]:
    """Do work in a process of its own; return it, and the pipe of what it acknowledges."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reads)
        try:
            work(lambda number: os.write(writes, b"%d\n" % number))
        finally:
            os._exit(1)
    os.close(writes)
    return process, reads


def killed(process: int, reads: int, least: int | None, delay: float) -> int:
    """Kill a process some time after so many acknowledgements; return the last one.

    Parameters
    ----------
    least
        None: the process ends by itself.
    """
    with os.fdopen(reads, "rb") as pipe:
        said = [pipe.readline() for _ in range(least or 0)]
        if least is not None:
            time.sleep(delay)
            os.kill(process, signal.SIGKILL)
        said += pipe.readlines()
    os.waitpid(process, 0)
    return int([line for line in said if line.endswith(b"\n")][-1])


def played(path: Path, acked: int, unbroken: Unbroken) -> list[str]:
    """Return what is wrong with what a killed player left, and with how it goes on."""
    found = recover(path)
    said = list(found.findings)
    if not acked <= found.number <= acked + 1:
        said.append(f"entry {acked} was acknowledged, {found.number} is the last")
    world = found.world
    if world.digest() != unbroken.digest(world.tick, world.made):
        said.append(f"tick {world.tick} is not that of an unbroken run")
    keeper = JournalWriter(world, path, pacing=PACING, recovered=found)
    play(world, keeper, RESUMED, lambda _: None)
    keeper.close(world)
    if world.digest() != unbroken.digest(world.tick, world.made):
        said.append(f"resumed, tick {world.tick} is not that of an unbroken run")
    return said


def saves(world: World, path: Path, done: Callable[[int], object]) -> None:
    """Step and save for ever."""
    while True:
        if sends(world):
            send(world)
        else:
            world.step()
            save(world, path, relational=False)
            done(world.tick)


def saved(path: Path, acked: int, unbroken: Unbroken) -> list[str]:
    """Return what is wrong with the file that a killed saver left."""
    world = load(path)
    said = []
    if not acked <= world.tick <= acked + 1:
        said.append(f"tick {acked} was saved, the file is of tick {world.tick}")
    if world.digest() != unbroken.digest(world.tick, world.made):
        said.append(f"the file of tick {world.tick} is not that of an unbroken run")
    save(world, path, relational=False)
    if left := [each.name for each in path.parent.iterdir() if each.suffix == ".partial"]:
        said.append(f"{left} were not swept")
    return said


def main() -> None:
    """Kill, look, tell."""
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=("play", "save"))
    options.add_argument("--agents", type=int, default=100_000)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path)
    asked = options.parse_args()
    origin = World.create(agents=asked.agents, mean_degree=20, seed=11)
    unbroken = Unbroken(World.restore(*origin.dump()))
    unbroken.digest(6, 1)  # every kernel is loaded before the first fork
    moments, wrong, acked = random.Random(asked.seed), 0, 0
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for number in range(asked.kills):
            path = Path(folder) / f"{number}.hub"
            work = _player(origin, path) if asked.what == "play" else _saver(origin, path)
            last = killed(*child(work), moments.randrange(1, 30), moments.random() * 0.3)
            look = played if asked.what == "play" else saved
            acked += last
            for said in look(path, last, unbroken):
                wrong += 1
                print(f"{number}: {said}", flush=True)  # noqa: T201 - who runs it reads it
    print(f"{asked.kills} kills, {acked} acknowledged, {wrong} faults")  # noqa: T201


def _player(world: World, path: Path) -> Callable[[Callable[[int], object]], object]:
    return lambda done: play(world, JournalWriter(world, path, pacing=PACING), 1_000_000, done)


def _saver(world: World, path: Path) -> Callable[[Callable[[int], object]], object]:
    return lambda done: saves(world, path, done)


if __name__ == "__main__":
    main()

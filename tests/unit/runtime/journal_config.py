"""A script that a kept world plays, and the check of what is left of it after a kill."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim import World
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover

EVERY = 7
PACING = Pacing(ticks=40, seconds=None)


def started() -> World:
    """Three hundred agents, six listeners each."""
    return World.create(agents=300, mean_degree=6, seed=11)


def sends(world: World) -> bool:
    """Whether the script sends a message now: once before every seventh tick."""
    return world.tick % EVERY == 3 and world.made <= world.tick // EVERY


def send(world: World, keeper: JournalWriter | None = None) -> None:
    """Send the script's next message."""
    said: dict[str, Any] = {
        "text": f"Story {world.made}",
        "seeds": [world.made % 300],
        "model": "sir",
    }
    said |= {"beta": 0.2, "gamma": 0.2}
    world.inject(**said)
    if keeper is not None:
        keeper.did(world, "inject", (), said)


def play(world: World, keeper: JournalWriter, ticks: int, done: Callable[[int], object]) -> None:
    """Play the script; ``done`` is told each entry that is acknowledged."""

    def wait() -> None:
        number = keeper.number
        keeper.when_durable(number, lambda error: error or done(number))

    for _ in range(ticks):
        if sends(world):
            keeper.flush(world)
            wait()
            send(world, keeper)
        else:
            world.step()
            keeper.ticked(world)
        wait()


def unbroken(tick: int, made: int) -> str:
    """Return the digest of a world that played the script without a journal to this place."""
    world = started()
    while (world.tick, world.made) != (tick, made):
        assert world.tick <= tick, "the script never comes to such a place"
        if sends(world):
            send(world)
        else:
            world.step()
    return world.digest()


def faults(path: Path, acked: int) -> list[str]:
    """Return everything that is wrong with what is left of a killed player."""
    found = recover(path)
    said = list(found.findings)
    if found.number < acked:
        said.append(f"entry {acked} was acknowledged, {found.number} is the last")
    if found.number > acked + 1:
        said.append(f"entry {found.number} is there, {acked} was the last acknowledged")
    if found.world.digest() != unbroken(found.tick, found.world.made):
        said.append(f"tick {found.tick} is not that of an unbroken run")
    return said

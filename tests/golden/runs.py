"""Seeded runs of every model, recommender, network and engine, and what each comes to.

Written for who moves or speeds up code: a digest that differs tells that a world's future does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sim import NETWORKS, Thinker, World, names, replay, spec
from sim.core.threads import allow
from sim.runtime import IsolatedSimulation, Simulation
from tests.unit.runtime.minds_world import Script, minded, run

FILE = Path(__file__).with_name("digests.json")
SEEDS = [0, 3, 50, 110, 299]

Run = Callable[[], World | str]


def built_in(kind: str = "propagation") -> list[str]:
    return [name for name in names(kind) if spec(name, kind).origin.startswith("plugins.")]


def crowd(**told: object) -> World:
    """Return a small world of four communities."""
    return World.create(300, "planted-communities", 8, seed=11, trust="uniform:0.2-0.9", **told)  # type: ignore[arg-type]


def spreads(model: str, channel: str | None) -> Run:
    def made() -> World:
        world = crowd(platform={"posting": 0.4} if channel == "feed" else None)
        world.inject("The bridge is closed.", seeds=SEEDS, model=model, channel=channel)
        world.step(8)
        return world

    return made


def drawn(network: str) -> Run:
    heard = np.arange(300) % 9
    pairs = np.stack([heard, np.roll(heard, 7)], axis=1)

    def made() -> World:
        degrees = pairs if network == "configuration" else None
        world = World.create(300, network, 8, seed=5, degrees=degrees)
        world.inject("Hello.", seeds=SEEDS, model="sir")
        world.step(6)
        return world

    return made


def feeds(threads: int = 1, **told: object) -> Run:
    def made() -> World:
        with working(threads):
            world = crowd(platform={"posting": 0.5, "rhythm": "flat"} | told)
            world.inject("The bridge is closed.", seeds=SEEDS, model="viral", channel="feed")
            world.step(10)
            return world

    return made


@contextmanager
def working(threads: int) -> Iterator[None]:
    allow(threads)
    try:
        yield
    finally:
        allow(None)


def restored() -> World:
    world = feeds()()
    assert isinstance(world, World)
    again = World.restore(*world.dump())
    again.step(5)
    return again


def steps_in() -> World:
    world = crowd(platform={"posting": 0.5})
    world.inject("The bridge is closed.", seeds=SEEDS, model="sir", channel="feed")
    world.at(3, "ban", agents=[3, 50])
    world.at("share > 0.02", "inject", text="It is open.", seeds=[7], model="diffusion")
    world.at(5, "newcomers", count=9)
    world.step(10)
    return world


def asks_minds() -> World:
    world = minded("model", members=12)
    thinker = Thinker(Script(lambda ask: '{"acts": [{"act": "do nothing"}]}'))
    run(world, thinker, 3)
    return world


def asks_no_minds_again() -> World:
    again = replay(asks_minds().trail.acts)
    assert not again.findings
    return again.world


def driven(kind: Callable[..., Simulation]) -> Run:
    async def drive() -> str:
        async with kind(crowd(platform={"posting": 0.3})) as simulation:
            await simulation.inject("Hello.", seeds="top:5:degree", model="sir", beta=0.3)
            await simulation.step(6)
            if simulation.is_isolated:
                return (await simulation.world()).digest()
            return await simulation.call(World.digest)

    return lambda: asyncio.run(drive())


def every() -> dict[str, Run]:
    """Return all runs by name."""
    runs: dict[str, Run] = {}
    for model in built_in():
        runs[f"model {model}"] = spreads(model, None)
    for model in ("sir", "seir", "viral", "hybrid", "diffusion", "watts", "maki-thompson"):
        runs[f"model {model} in feeds"] = spreads(model, "feed")
    for network in NETWORKS:
        runs[f"network {network}"] = drawn(network)
    for name in built_in("recommender"):
        runs[f"recommender {name}"] = feeds(recommender=name)
    for name in built_in("friend-recommender"):
        runs[f"friends {name}"] = feeds(friends=name)
    runs["platform with one thread"] = feeds(1)
    runs["platform with two threads"] = feeds(2)
    runs["platform after a save"] = restored
    runs["interventions"] = steps_in
    runs["minds"] = asks_minds
    runs["minds again"] = asks_no_minds_again
    runs["engine in a thread"] = driven(Simulation)
    runs["engine in a process"] = driven(IsolatedSimulation)
    return runs


def come_to(run: Run) -> str:
    """Return the digest of what a run comes to."""
    found = run()
    return found if isinstance(found, str) else found.digest()


def known() -> dict[str, str]:
    """Return the digests that are held."""
    found: dict[str, str] = json.loads(FILE.read_text())
    return found


def short(digest: str) -> str:
    return hashlib.blake2b(digest.encode(), digest_size=8).hexdigest()


def main() -> None:
    """Write the digests anew, and say which differ from those held before."""
    before = known() if FILE.exists() else {}
    now = {name: short(come_to(run)) for name, run in every().items()}
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            now_is = now.get(name, "no more")
            sys.stdout.write(f"{name}: {before.get(name, 'not held')} -> {now_is}\n")
    FILE.write_text(json.dumps(now, indent=1) + "\n")


if __name__ == "__main__":
    main()

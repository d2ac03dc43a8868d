"""How long questions of the Agents and Messages modes hold the engine: ``python -m bench.modes``.

A million agents, 20 million ties, a platform, and a message that spreads through its feeds; time
runs as fast as it can. Each question is put as the screen puts it, and the time is taken that the
engine's thread spends on it, by the clock on the wall and by the processor's, which a busy machine
does not lengthen: no tick runs meanwhile. What is made of the answer beside the engine counts as
the answer's time alone. ``python -m bench.keys --modes`` measures what a person sees of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sim import World, load, save
from sim.errors import InputError
from sim.runtime import Simulation
from sim.runtime.queries import feeds, members, pairs
from sim.runtime.queries import members as inspecting
from sim.runtime.queries import members as orders
from sim.runtime.queries import messages as stories

HOLD_MS = 50.0
EXPRESSIONS = ("activity>0.5 interest:music", "community:0,1,2 openness>0.4", "status:banned")


class Questions:
    """A simulation that is asked, and how long it was held.

    Parameters
    ----------
    simulation
        Open, and under way.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.held: dict[str, list[float]] = {}
        self.spent: dict[str, list[float]] = {}
        self.answered: dict[str, list[float]] = {}

    async def ask(self, name: str, function: Callable[..., Any], *args: Any, **said: Any) -> Any:
        """Ask, and note how long the engine was held and the answer took."""
        held = self.held.setdefault(name, [])
        spent = self.spent.setdefault(name, [])

        def timed(world: World, *given: Any) -> Any:
            began, worked = time.perf_counter(), time.thread_time()
            try:
                return function(world, *given)
            finally:
                spent.append(1000 * (time.thread_time() - worked))
                held.append(1000 * (time.perf_counter() - began))

        began = time.perf_counter()
        found = await self._simulation.query(timed, *args, **said)
        self.answered.setdefault(name, []).append(1000 * (time.perf_counter() - began))
        return found

    def report(self) -> list[dict[str, Any]]:
        """Return a row for each question, the longest hold first."""
        rows = [
            {
                "what": name,
                "held_median_ms": round(statistics.median(held), 1),
                "held_worst_ms": round(max(held), 1),
                "cpu_median_ms": round(statistics.median(self.spent[name]), 1),
                "cpu_worst_ms": round(max(self.spent[name]), 1),
                "answered_median_ms": round(statistics.median(self.answered[name]), 1),
                "times": len(held),
            }
            for name, held in self.held.items()
        ]
        return sorted(rows, key=lambda row: -float(str(row["cpu_worst_ms"])))


def why_somebody(world: World, agent: int) -> Any:
    """Explain the feed of a member who is online."""
    online = world.platform.online if world.platform is not None else ()
    return feeds.whys_of(world, int(online[agent % len(online)]) if len(online) else agent)


async def members_asked(ask: Questions, agent: int, message: int | None) -> None:
    """Put every question of the Agents mode."""
    await ask.ask("columns", members.taken, message, then=members.population_of)
    for title, (taken, order) in orders.ORDERS.items():
        await ask.ask(f"order by {title}", taken, then=order)
    for expression in EXPRESSIONS:
        await ask.ask(f"filter {expression}", members.found, expression)
    await ask.ask("names of a page", members.named, list(range(agent, agent + 46)))
    take, made = inspecting.inspected, inspecting.inspected_of
    await ask.ask("a member", take, agent, then=made)
    await ask.ask("a member, its ties drawn", take, agent, True, then=made)
    await ask.ask("why", why_somebody, agent)
    await ask.ask("a path", pairs.sought, str(agent), str(agent // 2), then=pairs.found)


async def stories_asked(ask: Questions, message: int | None) -> None:
    """Put every question of the Messages mode."""
    numbers = await ask.ask("what posts are worth", stories.worth, then=stories.best_of)
    await ask.ask("columns of the best", stories.organic, numbers)
    await ask.ask("texts of a page", stories.texts, numbers[:46])
    if message is not None:
        await ask.ask("a message sent", stories.cascade, message, then=stories.story_of)
    for number in numbers[1:4]:
        with suppress(InputError):  # it left the feeds meanwhile
            told = await ask.ask("replies", stories.replies, number, then=stories.replies_of)
            await ask.ask("a member's message", stories.post, number, told, then=stories.story_of)


async def measured(world: World, rounds: int) -> dict[str, Any]:
    """Let a world run, and ask."""
    agents = len(world.agents)
    async with Simulation(world) as simulation:
        session = await simulation.inject(
            "The bridge is closed.", seeds="random:1000", model="sis", beta=0.05, gamma=0.3
        )
        ask = Questions(simulation)
        await simulation.play(None)
        start = simulation.frame.tick
        async with simulation.watch() as frames:
            async for frame in frames:
                if frame.tick >= start + 3:  # what is compiled or read the first time is over
                    break
        first, began = simulation.frame.tick, time.perf_counter()
        for turn in range(rounds):
            agent = (turn * 7919 * 131) % (agents - 46)
            await members_asked(ask, agent, session.id)
            await stories_asked(ask, session.id)
            await asyncio.sleep(0.3)
        rate = (simulation.frame.tick - first) / (time.perf_counter() - began)
        await simulation.pause()
        posts = 0 if world.platform is None else len(world.platform.posts)
        return {
            "agents": agents, "ties": simulation.frame.ties, "posts": posts,
            "ticks_a_second": round(rate, 2), "questions": ask.report(),
        }  # fmt: skip


def made(agents: int, degree: float, ticks: int) -> World:
    """Make the world that is asked."""
    world = World.create(
        agents=agents, network="planted-communities", mean_degree=degree, seed=7, platform={}
    )
    world.step(ticks)
    return world


def main() -> int:
    """Run the measurement; 1 when a question holds the engine for longer than its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--degree", type=float, default=20.0)
    parser.add_argument("--ticks", type=int, default=72, help="run before anything is asked")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--world", type=Path, help="a saved world; written where there is none")
    asked = parser.parse_args()
    if asked.world is not None and asked.world.exists():
        world = load(asked.world)
    else:
        world = made(asked.agents, asked.degree, asked.ticks)
        if asked.world is not None:
            save(world, asked.world)
    report = asyncio.run(measured(world, asked.rounds))
    print(json.dumps({name: said for name, said in report.items() if name != "questions"}))
    for row in report["questions"]:
        print(json.dumps(row))
    return int(any(row["cpu_worst_ms"] > HOLD_MS for row in report["questions"]))


if __name__ == "__main__":
    sys.exit(main())

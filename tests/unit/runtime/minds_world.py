"""A small world with minded members, and models that answer as a function says."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sim import Answer, Ask, Platform, Thinker, World
from sim.minds.models.asks import Spend, Usage
from sim.runtime.journal.acts import perform

Row = dict[str, Any]


class Script:
    """Answers each question as a function says; a text, or a whole answer."""

    def __init__(self, say: Callable[[Ask], str | Answer]) -> None:
        self.say = say
        self.asks: list[Ask] = []

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        self.asks.append(ask)
        said = self.say(ask)
        future: Future[Answer] = Future()
        usage, spent = Usage(100, 10), Spend(1, 110, 1000)
        whole = Answer(said, model="m", usage=usage, spent=spent) if isinstance(said, str) else said
        future.set_result(whole)
        return future


def minded(mind: str, members: int = 20, agents: int = 120, goal: str = "") -> World:
    told = {"posting": 0.5, "rhythm": "flat"}
    world = World.create(agents=agents, mean_degree=8, seed=7, platform=told)
    perform(world, "step", (2,))
    perform(world, "give_minds", (list(range(members)), mind, goal))
    perform(world, "wake_minds", (True,))
    return world


def run(world: World, thinker: Thinker, ticks: int = 1) -> list[Row]:
    every: list[Row] = []
    for _ in range(ticks):
        perform(world, "step", (1,))
        rows = thinker.think(world)
        perform(world, "decide", (rows,))
        every += rows
    return every


def platform_of(world: World) -> Platform:
    assert world.platform is not None
    return world.platform


def faults_in(rows: list[Row]) -> list[str]:
    return [fault for row in rows for fault in row.get("faults", ())]

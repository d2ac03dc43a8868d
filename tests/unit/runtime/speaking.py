"""Models that answer at once, by a script, and are paid: no server, no thread."""

import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sim import Answer, Ask, Thinker, World
from sim.minds.deciding.estimate import likely
from sim.minds.models.asks import Spend, Usage, tokens_in
from sim.runtime.journal.acts import perform
from tests.unit.runtime.minds_world import platform_of, run

Row = dict[str, Any]


class Speaking:
    """Stands for a pool: answers as it is told, and keeps what it was asked."""

    def __init__(self, *said: str | Callable[[Ask], str | None]) -> None:
        self.said = list(said) or [likely]
        self.asks: list[Ask] = []
        self.most = 0

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        self.asks.append(ask)
        last = self.said[min(len(self.asks), len(self.said)) - 1]
        text = (last(ask) if callable(last) else last) or ""
        read = sum(tokens_in(turn.text) + 8 for turn in ask.turns)
        self.most = max(self.most, read)
        usage, future = Usage(read, tokens_in(text)), Future[Answer]()
        spent = Spend(1, usage.read + usage.written, 7 * usage.read)
        model = ask.model or "m"
        made = Answer(text, None, "model", "test", model, 0.1, usage, spent.nano, spent=spent)
        future.set_result(made)
        return future

    @property
    def prompts(self) -> list[str]:
        """Of each decision that was asked for."""
        return ["\n".join(turn.text for turn in ask.turns) for ask in self.asks if not _plans(ask)]

    @property
    def plans(self) -> list[str]:
        """Of each plan that was asked for."""
        return ["\n".join(turn.text for turn in ask.turns) for ask in self.asks if _plans(ask)]


def _plans(ask: Ask) -> bool:
    return "steps" in (ask.schema or {}).get("properties", {})


def decides(act: str, number: int = 0, text: str = "") -> str:
    return json.dumps({"act": act, "post": number, "text": text})


def number_of(kind: str, prompt: str) -> int:
    """The number of the first element of a kind."""
    found = re.search(rf'<{kind} number="(\d+)"', prompt)
    assert found is not None
    return int(found[1])


def living(agents: int = 40, **told: Any) -> World:
    """A small world whose members are all online in every tick."""
    world = World.create(
        agents=agents, mean_degree=6, seed=5,
        platform={"posting": 0.5, "rhythm": "flat", **told},
    )  # fmt: skip
    world.change_agents(list(range(agents)), activity=1.0)
    return world


def think(world: World, pool: Any, ticks: int = 1, **more: Any) -> list[Row]:
    """Let minds decide for so many ticks, as a run does."""
    thinker = Thinker(pool, **more)
    if not platform_of(world).minds.awake:
        perform(world, "wake_minds", (True, thinker.made))
    return run(world, thinker, ticks)

"""Laws of minds, checked with scripted members and a scripted model.

>>> from hubbub import make
>>> "own draws" in check_mind(type(make("model", "mind")))
True
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from sim.core.params import Parameters
from sim.errors import PluginError
from sim.minds.deciding.commands import decide, give_minds, wake_minds
from sim.minds.deciding.pending import Row
from sim.minds.deciding.round import Patience
from sim.minds.deciding.thinker import Thinker
from sim.minds.minds import Mind
from sim.minds.models.asks import Answer, Ask, Fault, Spend, Usage
from sim.testing.call_watch import (
    CallWatch,
    hold,
    refuse_clocks,
    refuse_output,
    refuse_randomness,
    source_of,
)
from sim.testing.recommender_laws import lively_world

_MEMBERS, _TICKS = 8, 2
_PATIENCE = Patience(mind=20.0, loop=10.0)
_SECONDS = 60.0
Law = Callable[[type[Any], dict[str, Any]], None]
Say = Callable[[Ask], Answer]


def check_mind(cls: type[Parameters], **parameters: Any) -> tuple[str, ...]:
    """Check a mind against the laws; return the names of those it satisfies."""
    return hold(cls, MINDS_LAWS, parameters)


def instance_of(schema: Mapping[str, Any] | None) -> Any:
    """Return the simplest value that a JSON Schema of answers allows; without one, a text."""
    if schema is None:
        return "Yes."
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        parts = schema.get("properties", {})
        found = {name: instance_of(part) for name, part in parts.items()}
        chances = [n for n, part in parts.items() if part.get("type") == "number"]
        return found | {name: 1.0 / len(chances) for name in chances}
    if kind == "array":
        return [instance_of(schema["items"])] * max(schema.get("minItems", 1), 1)
    if kind == "integer":
        return min(max(schema.get("minimum", 0), 1), schema.get("maximum", 1))
    return {"number": 1.0, "boolean": False}.get(str(kind), "Yes.")


def _well(ask: Ask) -> Answer:
    found = instance_of(ask.schema)
    text = found if isinstance(found, str) else json.dumps(found)
    return Answer(text, model="scripted", usage=Usage(1, 1), spent=Spend(1, 2, 0))


class _Scripted:
    def __init__(self, say: Say) -> None:
        self._say = say

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        future: Future[Answer] = Future()
        future.set_result(self._say(ask))
        return future


def _ran(cls: type[Mind], parameters: dict[str, Any], say: Say = _well) -> list[Row]:
    """Let members of a small world decide for some ticks; raise for faults of the mind."""
    name = cls.plugin_name
    world, made = lively_world(), cls(**parameters)
    made.check()
    give_minds(world, range(_MEMBERS), name, "to be kind")
    wake_minds(world, True)
    thinker = Thinker(_Scripted(say), minds={name: made}, patience=_PATIENCE, seconds=_SECONDS)
    every = []
    for _ in range(_TICKS):
        world.step()
        before = world.digest()
        rows = thinker.think(world)
        _refuse(name, thinker, world.digest() != before)
        decide(world, rows)
        every += rows
    return every


def _refuse(name: str, thinker: Thinker, changed: bool) -> None:
    for fault in thinker.faults:
        said = fault.partition("failed")[2].removeprefix(" three times, and is asked no more")
        said = said.removeprefix(": ").removesuffix(".").removesuffix("; the rules decide")
        raise PluginError(name, f"{said}; what cannot be decided, leave by raising ModelError")
    if changed:
        raise PluginError(name, "changed the world while it decided; it may only return decisions")


def runs(cls: type[Mind], parameters: dict[str, Any]) -> None:
    """Demand: it decides within seconds, and returns valid decisions."""
    _ran(cls, parameters)


def without_models(cls: type[Mind], parameters: dict[str, Any]) -> None:
    """Demand: if no model answers, or answers nonsense, it raises ``ModelError``."""
    faults = [Answer("", fault, "none") for fault in (Fault.TIMEOUT, Fault.REFUSED)]
    rubbish = [Answer(text, model="scripted") for text in ("no", "[]", '{"act": "fly"}')]
    for answer in (*faults, *rubbish):
        _ran(cls, parameters, lambda ask, said=answer: said)  # type: ignore[misc]


def draws_by_address(cls: type[Mind], parameters: dict[str, Any]) -> None:
    """Demand: no randomness but ``member.draw(number)``."""
    refuse_randomness(cls, lambda: _ran(cls, parameters), "use member.draw(0)")


def reads_no_clock(cls: type[Mind], parameters: dict[str, Any]) -> None:
    """Demand: no clock is read."""
    with CallWatch(source_of(cls)).on() as watch:
        _ran(cls, parameters)
    refuse_clocks(cls, watch, "member.tick and member.moment")


def speaks_not(cls: type[Mind], parameters: dict[str, Any]) -> None:
    """Demand: nothing is printed."""
    refuse_output(cls, lambda: _ran(cls, parameters))


def is_steady(cls: type[Mind], parameters: dict[str, Any]) -> None:
    """Demand: the same members, feeds and answers, the same decisions."""
    one, two = (_told(_ran(cls, parameters)) for _ in range(2))
    if one != two:
        raise PluginError(
            cls.plugin_name,
            "decided in two ways on the same; keep nothing between calls, and draw only by "
            "member.draw(number)",
        )


def _told(rows: list[Row]) -> list[Any]:
    return [(row["member"], row["source"], row["acts"]) for row in rows]


MINDS_LAWS: dict[str, Law] = {
    "runs": runs,
    "silent": speaks_not,
    "own draws": draws_by_address,
    "no clock": reads_no_clock,
    "without models": without_models,
    "deterministic": is_steady,
}
"""Laws by name."""

"""``hubbub plugin bench``: contacts a second against the built-in of the same form."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.cli.output import as_json, say, table, tell, watched
from sim.core.cards import form_of
from sim.errors import InputError, PluginError

if TYPE_CHECKING:
    from sim.core.registry import Spec
    from sim.world.world import World

__all__ = ["BESIDE", "Race", "show_bench"]

BESIDE = {
    "Compartments": "sir",
    "PerExposure": "viral",
    "Threshold": "linear-threshold",
    "PropagationModel": "independent-cascade",
}
"""The built-in model that each form is measured against; any other form has the last."""

_AUTHOR = ("step", "chance", "speaks_for", "level", "hear", "metrics", "panel", "count")
_SEEDS = 1000


@dataclass(frozen=True, slots=True)
class Race:
    """How to measure.

    Parameters
    ----------
    agents, mean_degree
        Of the world.
    ticks, rounds
        Ticks a run, and runs of each model.
    parameters
        Of the model that is measured.
    """

    agents: int = 100_000
    mean_degree: float = 20.0
    ticks: int = 20
    rounds: int = 3
    parameters: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot be measured with ``InputError``."""
        if self.agents < 1000 or self.ticks < 1 or self.rounds < 1:
            raise InputError("A race takes at least 1,000 agents, one tick and one round.")


@dataclass(slots=True)
class Lap:
    """What one run took: seconds in all, in the author's methods, and contacts weighed."""

    seconds: float = 0.0
    author: float = 0.0
    contacts: int = 0
    size: int = 0

    @property
    def rate(self) -> float:
        """Contacts a second."""
        return self.contacts / self.seconds if self.seconds > 0 else 0.0


def show_bench(what: str, race: Race, *, json: bool) -> None:
    """Measure a model and the built-in of its form in turns, and say where the time goes.

    Raises
    ------
    PluginError
        When it fails on the world.
    InputError
        When the race cannot be run.
    """
    from sim.core.registry import load_file, spec

    race.check()
    ours = load_file(what)[0] if what.endswith(".py") else spec(what)
    beside = spec(BESIDE.get(form_of(ours.cls), BESIDE["PropagationModel"]))
    laps: dict[str, list[Lap]] = {ours.name: [], beside.name: []}
    with watched() as report:
        world = _world(race, report)
        for number in range(race.rounds + 1):  # the first one compiles
            for model in (ours, beside):
                report(f"round {number} of {race.rounds}: {model.name}", number / race.rounds)
                lap = _lap(world, model, race, race.parameters if model is ours else {})
                if number:
                    laps[model.name].append(lap)
    _tell(ours, beside, laps, json=json)


def _world(race: Race, report: Any) -> World:
    from sim.world.world import World

    return World.create(race.agents, mean_degree=race.mean_degree, seed=1, report=report)


def _lap(world: World, model: Spec, race: Race, parameters: dict[str, Any]) -> Lap:
    """Run one message in the world as it is; the cascade is taken out again."""
    import numpy as np

    lap = Lap()
    world.tick = 0
    world.cascades.clear()
    seeds = np.arange(_SEEDS) * (len(world.agents) // _SEEDS)
    story = world.inject("Race.", seeds=seeds, model=model.name, **parameters)
    _clocked(story.model, lap)
    began = perf_counter()
    for _ in range(race.ticks):
        world.step()
    lap.seconds = perf_counter() - began
    if story.status == "failed":
        raise PluginError(model.name, f"failed in the race: {story.error}")
    lap.contacts, lap.size = story.contacts_seen, story.size
    world.cascades.clear()
    return lap


def _clocked(model: Any, lap: Lap) -> None:
    """Add up the time spent in the methods that an author writes, of this one instance."""
    for name in _AUTHOR:
        method = getattr(model, name, None)
        function = getattr(type(model), name, None)
        if method is None or str(getattr(function, "__module__", "")).startswith("sim."):
            continue

        def timed(*args: Any, _method: Any = method, **keywords: Any) -> Any:
            began = perf_counter()
            try:
                return _method(*args, **keywords)
            finally:
                lap.author += perf_counter() - began

        object.__setattr__(model, name, timed)


def _tell(ours: Spec, beside: Spec, laps: dict[str, list[Lap]], *, json: bool) -> None:
    facts = [_facts(model, laps[model.name]) for model in (ours, beside)]
    ratio = facts[0]["contacts_per_second"] / max(facts[1]["contacts_per_second"], 1e-9)
    if json:
        say(as_json({"models": facts, "ratio": ratio}))
        return
    heading = ("model", "form", "M contacts/s", "ms a run", "your methods", "form and kernels")
    say(table([heading, *(_row(each) for each in facts)]))
    say(f"{ours.name} weighs {ratio:.2f} times the contacts a second of {beside.name}.")
    if facts[0]["contacts"] == 0:
        tell("It weighed no contacts; name parameters under which it spreads, by -p.")
    elif facts[0]["author_share"] > 0.5:
        tell(
            "Most of the time is in your own methods: fewer passes over whole columns, "
            "and numpy.float64 throughout, help most."
        )


def _facts(model: Spec, laps: list[Lap]) -> dict[str, Any]:
    middle = sorted(laps, key=lambda lap: lap.seconds)[len(laps) // 2]
    return {
        "name": model.name,
        "form": form_of(model.cls),
        "contacts_per_second": median(lap.rate for lap in laps),
        "contacts": middle.contacts,
        "size": middle.size,
        "seconds": middle.seconds,
        "author_share": middle.author / middle.seconds if middle.seconds > 0 else 0.0,
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    share = facts["author_share"]
    return (
        facts["name"],
        facts["form"],
        f"{facts['contacts_per_second'] / 1e6:,.1f}",
        f"{1000 * facts['seconds']:,.1f}",
        f"{share:.0%}",
        f"{1 - share:.0%}",
    )

"""``hubbub plugin bench``: contacts per second, compared with the built-in of the same form."""

from __future__ import annotations

from cProfile import Profile
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.cli.output import as_json, say, table, tell
from sim.cli.watch import watched
from sim.core.cards import form_of
from sim.core.registry import load_file, spec
from sim.errors import InputError, PluginError
from sim.testing.call_watch import source_of
from sim.world.world import World

if TYPE_CHECKING:
    from sim.core.registry import Spec


BESIDE = {
    "Compartments": "sir",
    "PerExposure": "viral",
    "Threshold": "linear-threshold",
    "Heard": "watts",
    "OpinionModel": "degroot",
    "Meetings": "deffuant",
    "Gatherings": "majority-rule",
    "ContinuousTime": "sir-continuous",
    "Durations": "sir-durations",
    "Arrivals": "continuous-cascade",
    "PropagationModel": "independent-cascade",
}
"""The built-in model that each form is compared with; any other form gets the last one."""

_SEEDS = 1000
_MOST_OF_IT = 0.5


@dataclass(slots=True)
class Lap:
    """What one run took and did: seconds, contacts evaluated, agents that adopted."""

    seconds: float = 0.0
    contacts: int = 0
    size: int = 0

    @property
    def rate(self) -> float:
        """Contacts per second."""
        return self.contacts / self.seconds if self.seconds > 0 else 0.0


def show_bench(
    what: str, agents: int, mean_degree: float, ticks: int, replicates: int,
    parameters: dict[str, Any], *, json: bool,
) -> None:  # fmt: skip
    """Time a model and the built-in of its form in turns, and show where the time goes."""
    if agents < 1000 or ticks < 1 or replicates < 1:
        raise InputError("A race takes at least 1,000 agents, one tick and one replicate.")
    ours = load_file(what)[0] if what.endswith(".py") else spec(what)
    beside = spec(BESIDE.get(form_of(ours.cls), BESIDE["PropagationModel"]))
    laps: dict[str, list[Lap]] = {ours.name: [], beside.name: []}
    with watched() as report:
        world = World.create(agents, mean_degree=mean_degree, seed=1, report=report)
        for number in range(replicates + 1):  # the first one compiles
            for model in (ours, beside):
                stage = f"replicate {number} of {replicates}: {model.name}"
                report(stage, number / replicates)
                lap = _lap(world, model, ticks, parameters if model is ours else {})
                if number:
                    laps[model.name].append(lap)
        shares = _shares(world, ours, ticks, parameters)
    facts = [_facts(model, laps[model.name]) for model in (ours, beside)]
    ratio = facts[0]["contacts_per_second"] / max(facts[1]["contacts_per_second"], 1e-9)
    if json:
        say(as_json({"models": facts, "ratio": ratio, "shares": shares}))
        return
    heading = ("model", "form", "M contacts/s", "ms per run", "contacts", "adopters")
    say(table([heading, *(_row(each) for each in facts)]))
    say(f"{ours.name} weighs {ratio:.2f} times as many contacts per second as {beside.name}.")
    parts = ", ".join(f"{share:.0%} {part}" for part, share in shares.items())
    say(f"Where its time goes: {parts}.")
    if facts[0]["contacts"] == 0:
        tell("It weighed no contacts; set parameters with which it spreads, using -p.")
    elif shares[_PARTS[0]] > _MOST_OF_IT:
        tell("Most of it is in your own lines: make fewer passes over whole columns.")


def _lap(world: World, model: Spec, ticks: int, parameters: dict[str, Any]) -> Lap:
    """Run one message in the world, and then remove its cascade."""
    lap = Lap()
    world.tick = 0
    world.cascades.clear()
    seeds = np.arange(_SEEDS) * (len(world.agents) // _SEEDS)
    story = world.inject("Race.", seeds=seeds, model=model.name, **parameters)
    began = perf_counter()
    for _ in range(ticks):
        world.step()
    lap.seconds = perf_counter() - began
    if story.status == "failed":
        raise PluginError(model.name, f"failed in the race: {story.error}")
    lap.contacts, lap.size = story.contacts_seen, story.size
    world.cascades.clear()
    return lap


def _shares(world: World, model: Spec, ticks: int, parameters: dict[str, Any]) -> dict[str, float]:
    """Return shares of a run's time: the author's lines, the form and its kernels, the engine."""
    profile = Profile()
    profile.runcall(_lap, world, model, ticks, parameters)
    mine = source_of(model.cls)
    spent = dict.fromkeys(_PARTS, 0.0)
    profile.create_stats()
    stats: dict[Any, Any] = profile.stats  # set by create_stats
    for (file, _, _), (_, _, own, _, callers) in stats.items():
        if file == "~":  # compiled: its time counts for the caller
            for (caller, _, _), (_, _, there, _) in callers.items():
                spent[_part(caller, mine)] += there
        else:
            spent[_part(file, mine)] += own
    whole = sum(spent.values()) or 1.0
    return {part: seconds / whole for part, seconds in spent.items()}


_PARTS = ("your lines", "form and kernels", "engine")


def _part(file: str, mine: str) -> str:
    if file == mine:
        return _PARTS[0]
    return _PARTS[2] if "/sim/world/" in file or "/sim/cli/" in file else _PARTS[1]


def _facts(model: Spec, laps: list[Lap]) -> dict[str, Any]:
    middle = sorted(laps, key=lambda lap: lap.seconds)[len(laps) // 2]
    return {
        "name": model.name,
        "form": form_of(model.cls),
        "contacts_per_second": median(lap.rate for lap in laps),
        "contacts": middle.contacts,
        "size": middle.size,
        "seconds": middle.seconds,
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    speed, spent = facts["contacts_per_second"] / 1e6, 1000 * facts["seconds"]
    counts = f"{facts['contacts']:,}", f"{facts['size']:,}"
    return facts["name"], facts["form"], f"{speed:,.1f}", f"{spent:,.1f}", *counts

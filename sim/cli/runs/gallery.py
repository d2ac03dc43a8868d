"""Scenarios that come with the program; and any scenario's variants side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.cli.program.output import as_json, safe, say, table, watched
from sim.cli.runs.results import tell_failed
from sim.cli.runs.run import Outputs, Stop, most_running
from sim.cli.scenario.sections import expectation
from sim.cli.scenario.spec import Scenario, read_scenario
from sim.core.progress import Report, quiet
from sim.core.toml import from_toml
from sim.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["PREFIX", "Finding", "compare", "compared", "gallery_names", "opened", "show_gallery"]

PREFIX = "gallery:"
BASE = "base"
"""What the file as it stands is called beside its variants."""

_USUAL = ("attention_gini", "diversity", "strangers", "feed_ei")
_OF_OPINIONS = ("variance", "bimodality")


def gallery_names() -> tuple[str, ...]:
    """Return the names of the scenarios that come with the program."""
    found = files("sim.scenarios").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in found if f.name.endswith(".toml")))


def opened(where: str, variant: str = "", changes: Mapping[str, Any] | None = None) -> Scenario:
    """Read a scenario: a file, or ``gallery:NAME``.

    Raises
    ------
    FileError, UnknownNameError
        One sentence.
    """
    if not where.startswith(PREFIX):
        return read_scenario(Path(where), variant, changes=changes)
    name = where.removeprefix(PREFIX)
    if name not in gallery_names():
        raise UnknownNameError("scenario of the gallery", name, gallery_names())
    path = Path(str(files("sim.scenarios") / f"{name}.toml"))
    return read_scenario(path, variant, called=where, changes=changes)


def show_gallery(name: str | None, *, json: bool) -> None:
    """List the gallery, or tell what one of its scenarios asks, shows and rests on.

    Raises
    ------
    UnknownNameError
        For a scenario that there is not.
    """
    names = gallery_names() if name is None else (name.removeprefix(PREFIX),)
    found = {each: opened(PREFIX + each) for each in names}
    facts = [
        {"name": each, **scenario.about.model_dump(), "variants": list(scenario.variants)}
        for each, scenario in found.items()
    ]
    if json:
        say(as_json(facts if name is None else facts[0]))
    elif name is None:
        rows = [(each, s.about.title, ", ".join(s.variants)) for each, s in found.items()]
        say(table([("name", "what it shows", "variants"), *rows]))
        say("\nhubbub run gallery:NAME runs one; hubbub scenario variants gallery:NAME all of its.")
    else:
        say(_told(names[0], found[names[0]]))


def _told(name: str, scenario: Scenario) -> str:
    about = scenario.about
    lines = [about.title, "", f"asks      {about.question}", f"shows     {about.sees}"]
    lines += [f"expects   {line}" for line in about.expect]
    lines += [f"source    {about.source}", f"variants  {', '.join(scenario.variants) or 'none'}"]
    return "\n".join([*lines, "", f"hubbub scenario variants {PREFIX}{name}"])


# Side by side


@dataclass(frozen=True, slots=True)
class Finding:
    """What runs of a scenario came to.

    Attributes
    ----------
    measures
        The quantities.
    variants
        Each variant with its numbers in that order.
    seen
        Each expectation, and whether it was met.
    """

    measures: tuple[str, ...]
    variants: dict[str, tuple[float, ...]]
    seen: dict[str, bool]

    @property
    def is_as_expected(self) -> bool:
        """Whether everything that was expected was seen."""
        return all(self.seen.values())


def compared(
    where: str,
    *,
    vary: Sequence[str] = (),
    seed: int | None = None,
    ticks: int | None = None,
    agents: int | None = None,
    report: Report = quiet,
) -> Finding:
    """Run a scenario's variants from one seed, and measure each.

    Parameters
    ----------
    where
        A file, or ``gallery:NAME``.
    vary
        Variants instead of the file's, such as ``platform.recommender=blend,random``.
    seed, ticks, agents
        Instead of the file's.
    report
        Told of progress.

    Raises
    ------
    HubbubError
        One sentence.
    """
    scenarios = {
        name: opened(where, variant, changes)
        for name, (variant, changes) in _variants(where, vary).items()
    }
    first = next(iter(scenarios.values()))
    measures = _measures(first)
    found = {}
    for number, (name, scenario) in enumerate(scenarios.items()):
        report(f"running {name}", number / len(scenarios))
        chosen = scenario if agents is None else scenario.sized(agents)
        world = _run(chosen, seed, ticks)
        tell_failed(world)
        found[name] = tuple(measured(world, quantity) for quantity in measures)
    seen = {}
    for line in [] if vary else first.about.expect:
        wanted = expectation(line)
        if unknown := [name for name in wanted.rising if name not in found]:
            raise FileError(first.path, f"[about]: {line!r} names no variant {unknown[0]!r}")
        place = measures.index(wanted.quantity)
        values = [found[name][place] for name in wanted.rising]
        seen[line] = all(a < b for a, b in pairwise(values))
    return Finding(measures, found, seen)


def _variants(where: str, vary: Sequence[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return (variant of the file, changes) by the name of each run."""
    if not vary:
        scenario = opened(where)
        expected = {n for line in scenario.about.expect for n in expectation(line).rising}
        base = [BASE] if BASE in expected or not scenario.variants else []
        return {name: ("" if name == BASE else name, {}) for name in [*base, *scenario.variants]}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for words in vary:
        key, sign, values = words.partition("=")
        if not sign or "." not in key:
            raise InputError(f"--vary takes SECTION.KEY=VALUE,VALUE, got {words!r}.")
        section, _, name = key.partition(".")
        for value in values.split(","):
            found[f"{name}={value}"] = ("", {section: {name: _value(value)}})
    return found


def _value(text: str) -> Any:
    """Return what a word is in TOML, else the word."""
    try:
        return from_toml(f"value = {text}")["value"]
    except ValueError:
        return text


def _measures(scenario: Scenario) -> tuple[str, ...]:
    """Return the quantities to compare: those named, those expected, else the usual ones."""
    named = [*scenario.about.measures, *(expectation(e).quantity for e in scenario.about.expect)]
    if not named:
        named = [f"share#{k}" for k in range(len(scenario.messages))]
        named += [*_USUAL] if scenario.life.settings is not None else []
        named += [*_OF_OPINIONS]
    return tuple(dict.fromkeys(named))


def _run(scenario: Scenario, seed: int | None, ticks: int | None) -> World:
    from sim.cli.runs.thread import run_here
    from sim.platform.feed.waves import keep_feeds

    order = replace(scenario.order(seed=seed, stop=Stop(ticks)), outputs=Outputs())
    for saying in order.sayings:
        saying.check()
    world = order.make(quiet)
    keep_feeds(world)  # what they show is measured
    if world.metrics is None:
        world.open_metrics(every=1, structure=0)
    return run_here(world, order, most_running(order), None, quiet).world


def measured(world: World, quantity: str) -> float:
    """Return a quantity after a run: of a message as it is, of the world over the last quarter."""
    from sim.world.interventions.conditions import condition_of

    condition = condition_of(f"{quantity} > 0")
    if world.metrics is None or condition.quantity not in world.metrics.taken:
        return condition.value(world)
    series = world.metrics[condition.quantity][-max(1, len(world.metrics) // 4) :]
    known = series[~np.isnan(series)]
    return float(known.mean()) if known.size else condition.value(world)


def compare(
    where: str,
    *,
    vary: Sequence[str] = (),
    seed: int | None = None,
    ticks: int | None = None,
    agents: int | None = None,
    json: bool = False,
) -> int:
    """Show a scenario's variants side by side; returns 0."""
    with watched() as report:
        found = compared(where, vary=vary, seed=seed, ticks=ticks, agents=agents, report=report)
    if json:
        variants = {
            name: dict(zip(found.measures, values, strict=True))
            for name, values in found.variants.items()
        }
        say(as_json({"variants": variants, "expected": found.seen}))
        return 0
    rows = [
        (safe(name), *(f"{value:.4g}" for value in values))
        for name, values in found.variants.items()
    ]
    say(table([("variant", *found.measures), *rows]))
    for line, is_seen in found.seen.items():
        say(f"{'seen' if is_seen else 'NOT SEEN'}: {line}")
    return 0

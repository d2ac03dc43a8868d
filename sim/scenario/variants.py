"""Compare the variants of a scenario: run each from one seed, measure and judge it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.progress import Report, quiet
from sim.errors import FileError, InputError
from sim.platform.tick import keep_feeds
from sim.scenario.driver import run_plan
from sim.scenario.gallery import open_scenario
from sim.scenario.plan import RunPlan, Stop
from sim.scenario.sections import expectation, toml_word
from sim.world.interventions.plan import condition_of

if TYPE_CHECKING:
    from sim.scenario.spec import Scenario
    from sim.world.world import World


BASE = "base"
"""Name of the file without a variant, when shown beside its variants."""

_USUAL = ("attention_gini", "diversity", "strangers", "feed_ei")
_OF_OPINIONS = ("variance", "bimodality")


@dataclass(frozen=True, slots=True)
class VariantFindings:
    """The results of the variants of a scenario.

    Attributes
    ----------
    measures
        Names of the measures.
    variants
        The values of each variant, in that order.
    seen
        Each expectation, and whether it was met.
    """

    measures: tuple[str, ...]
    variants: dict[str, tuple[float, ...]]
    seen: dict[str, bool]

    @property
    def is_as_expected(self) -> bool:
        """Whether every expectation was met."""
        return all(self.seen.values())


def compare_variants(
    where: str,
    *,
    vary: Sequence[str] = (),
    seed: int | None = None,
    ticks: int | None = None,
    agents: int | None = None,
    report: Report = quiet,
    author: str = "scenario",
    run: Callable[[RunPlan, World], object] = run_plan,
    make: Callable[[Scenario, int | None], World] | None = None,
) -> VariantFindings:
    """Run a scenario's variants from one seed, and measure each.

    Parameters
    ----------
    where
        A file, or ``gallery:NAME``.
    vary
        Variants that replace the file's, such as ``platform.recommender=blend,random``.
    seed, ticks, agents
        Override the file's.
    report
        Called with the progress.
    author
        The author of the commands in the worlds' logs.
    run
        Function that sends a plan's messages in a world and steps it to its end.
    make
        Function that makes the base from a seed (None: its own); None: ``Scenario.world``.

    Raises
    ------
    HubbubError
        One sentence.
    """
    scenarios = {
        name: open_scenario(where, variant, changes)
        for name, (variant, changes) in _variants(where, vary).items()
    }
    first = next(iter(scenarios.values()))
    named = [*first.about.measures, *(expectation(e).quantity for e in first.about.expect)]
    if not named:
        named = [f"share#{k}" for k in range(len(first.messages))]
        named += [*_USUAL] if first.setup.settings is not None else []
        named += [*_OF_OPINIONS]
    measures = tuple(dict.fromkeys(named))
    found = {}
    for number, (name, scenario) in enumerate(scenarios.items()):
        report(f"running {name}", number / len(scenarios))
        chosen = scenario if agents is None else scenario.sized(agents)
        plan = chosen.plan(Stop(ticks), author=author)
        plan.check()
        world = chosen.world(quiet, seed) if make is None else make(chosen, seed)
        plan.prepare(world)
        keep_feeds(world)  # feeds are measured
        if world.metrics is None:
            world.open_metrics(every=1, structure=0)
        run(plan, world)
        found[name] = tuple(measured(world, quantity) for quantity in measures)
    seen = {}
    for line in [] if vary else first.about.expect:
        wanted = expectation(line)
        if unknown := [name for name in wanted.rising if name not in found]:
            raise FileError(first.path, f"[about]: {line!r} names no variant {unknown[0]!r}")
        place = measures.index(wanted.quantity)
        values = [found[name][place] for name in wanted.rising]
        seen[line] = all(a < b for a, b in pairwise(values))
    return VariantFindings(measures, found, seen)


def _variants(where: str, vary: Sequence[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    if not vary:
        scenario = open_scenario(where)
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
            found[f"{name}={value}"] = ("", {section: {name: toml_word(value)}})
    return found


def measured(world: World, quantity: str) -> float:
    """Return a measure after a run: of a message at the end, of the world over the last quarter."""
    condition = condition_of(f"{quantity} > 0")
    if world.metrics is None or condition.quantity not in world.metrics.taken:
        return condition.value(world)
    series = world.metrics[condition.quantity][-max(1, len(world.metrics) // 4) :]
    known = series[~np.isnan(series)]
    return float(known.mean()) if known.size else condition.value(world)

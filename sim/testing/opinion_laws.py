"""Laws of opinions: what models of opinions declare of themselves, and where opinions are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.errors import PluginError
from sim.spread.opinions.model import OpinionModel
from sim.testing.conduct_laws import Bench, Model
from sim.world.world import World

_SEEDS = [0, 5, 11, 17, 23, 29, 31, 37]
_TICKS = 8
_ROUNDING = 1e-9


def conserves(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand of models that declare it: along mutual ties the mean opinion never changes."""
    if not (issubclass(cls, OpinionModel) and cls.conserves):
        return
    seen = bench.world()
    sources = np.repeat(np.arange(len(seen.agents)), seen.ties.rows[:, 1])
    world = World.from_edges(sources, seen.ties.targets, len(seen.agents), False, seed=seen.seed)
    means = []
    for ticks in (0, _TICKS):
        story = bench.run(cls, parameters, world, _SEEDS, ticks)
        means.append(float(story.columns["opinion"].mean()))
        world = World.from_edges(
            sources, seen.ties.targets, len(seen.agents), False, seed=seen.seed
        )
    if abs(means[1] - means[0]) > _ROUNDING * (cls.span[1] - cls.span[0]):
        raise PluginError(
            cls.plugin_name,
            f"declares conserves = True, and the mean opinion went from {means[0]:.6g} to "
            f"{means[1]:.6g} along mutual ties; move both by as much, or leave the declaration out",
        )


def topical(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand of models of opinions: they are the same on a topic of their own and a shared one."""
    if not issubclass(cls, OpinionModel) or parameters.get("topic"):
        return
    alone = bench.run(cls, parameters, bench.world(), _SEEDS, _TICKS)
    world = bench.world()
    bench.run(cls, {**parameters, "topic": "the library"}, world, _SEEDS, _TICKS)
    if not np.array_equal(alone.columns["opinion"], world.opinions["the library"]):
        raise PluginError(
            cls.plugin_name,
            "came to other opinions once its topic had a name; read them by self.held(cascade), "
            "not from cascade.columns",
        )


MINDS: dict[str, Callable[[Bench, Model, dict[str, Any]], None]] = {
    "conserves": conserves,
    "topical": topical,
}
"""By name."""

"""Preview of a message: its estimated effect before it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from sim.errors import PluginError
from sim.network.analysis.groups_kernels import reach
from sim.spread.cascade.cascade import Cascade
from sim.world.seeding import FoundSeeds
from sim.world.world import World

PILOT_SECONDS = 0.15
MOST_TICKS = 10_000
_WARM_TICKS, _WARM_SECONDS = 8, 5.0
_met: WeakSet[type] = WeakSet()
"""Model types already previewed in this process."""

_SEARCHED_TIES = 2_000_000
"""Ties followed to count reachable agents: some 20 ms."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A message that was checked, and its estimated effect. Nothing was changed.

    Parameters
    ----------
    seeds
        uint32 (k,): the agents that would hold it first, ascending.
    audience
        Other agents that follow a seed.
    reach
        Agents that a chain of ties connects to the seeds, the seeds included; a lower bound if
        ``is_reach_least``: the search stops after two million ties.
    size
        Expected adopters; a lower bound if ``is_least``.
    ticks, seconds
        Expected ticks until it dies out, and seconds of computing for them.
    is_least
        The pilot did not die out: ``size``, ``ticks`` and ``seconds`` were reached, and more will
        follow.
    tags
        Interests found in the text, by name.
    is_without_feeds
        The message would travel in feeds; the pilot uses only ties, along which it travels faster
        and further.
    model, parameters
        The model and all of its parameters.
    best
        Expected reach of ``best:`` seeds, over all draws; None for other seeds.
    """

    seeds: npt.NDArray[np.uint32]
    audience: int
    reach: int
    is_reach_least: bool
    size: int
    ticks: int
    seconds: float
    is_least: bool
    tags: tuple[str, ...]
    model: str
    parameters: tuple[tuple[str, object], ...]
    is_without_feeds: bool = False
    best: FoundSeeds | None = None


def plan(
    world: World,
    message: Mapping[str, Any],
    *,
    budget: float = PILOT_SECONDS,
    now: Callable[[], float] = time.perf_counter,
) -> Plan:
    """Try a message in a copy of a world that shares its agents and ties.

    The pilot is exactly the run that would follow: draws have addresses, so the copy gets the same.
    It stops when it dies out or its time is up. Other messages under way do not affect it. It
    ignores a platform's feeds, and says so.
    """
    copy, cascade = _tried(world, message)
    if type(cascade.model) not in _met:
        began, first = now(), copy.tick  # not timed: they load a model's kernels
        while cascade.alive and copy.tick - first < _WARM_TICKS and now() - began < _WARM_SECONDS:
            copy.step()
        _met.add(type(cascade.model))
        copy, cascade = _tried(world, message)
    began = now()
    while cascade.alive and copy.tick - world.tick < MOST_TICKS and now() - began < budget:
        copy.step()
    seconds = now() - began
    if cascade.status == "failed":
        reason = str(cascade.error).removeprefix(f"{cascade.model_name}: ").rstrip(".")
        raise PluginError(cascade.model_name, reason)
    ticks = copy.tick - world.tick
    marks = np.zeros(len(copy.agents), np.uint8)
    ring = np.empty(len(copy.agents), np.uint32)
    ties = copy.ties
    found = reach(ties.rows, ties.targets, cascade.seeds, _SEARCHED_TIES, marks, ring)
    audience, within, searched = int(found[0]), int(found[1]), int(found[2])
    return Plan(
        seeds=cascade.seeds,
        audience=audience,
        reach=within,
        is_reach_least=searched > _SEARCHED_TIES,
        size=cascade.size,
        ticks=ticks,
        seconds=seconds,
        is_least=cascade.alive,
        tags=world.agents.vocabulary.names(cascade.message.tags),
        model=cascade.model_name,
        parameters=tuple(cascade.model.values().items()),
        is_without_feeds=world.platform is not None and message.get("channel") in {None, "feed"},
    )


def _tried(world: World, message: Mapping[str, Any]) -> tuple[World, Cascade]:
    """Return a copy of a world that shares its agents and ties, and the message in it."""
    copy = World(world.agents, world.ties, seed=world.seed, tick_minutes=world.tick_minutes)
    copy.tick = world.tick
    copy.opinions = world.opinions.copied()
    copy.interactions = world.interactions
    copy.tie_records = world.tie_records
    copy.made = world.made  # the same number, and so the same draws, as the real run
    return copy, copy.inject(**message)

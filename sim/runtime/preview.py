"""The preview of a message: what it would do, told before it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from sim.core.text import plural
from sim.errors import PluginError
from sim.network.analysis.groups_kernels import reach
from sim.spread.cascade.cascade import Cascade
from sim.world.seeding import FoundSeeds
from sim.world.world import World

PILOT_SECONDS = 0.15
MOST_TICKS = 10_000
_WARM_TICKS, _WARM_SECONDS = 8, 5.0
_met: WeakSet[type] = WeakSet()
"""Models that were planned in this process before."""

_SEARCHED_TIES = 2_000_000
"""Ties followed to find who is within reach: some 20 ms."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A message that was checked, and what is expected of it. Nothing was changed.

    Parameters
    ----------
    seeds
        uint32 (k,): the agents that would hold it first, ascending.
    audience
        Other agents that hear a seed directly.
    reach
        Agents that a chain of ties leads to from the seeds, the seeds included; at least so many
        when ``is_reach_least``: the search stops after two million ties.
    size
        Expected adopters; at least so many when ``is_least``.
    ticks, seconds
        Expected ticks until it comes to rest, and seconds of computing for them.
    is_least
        The pilot did not come to rest: ``size``, ``ticks`` and ``seconds`` were reached, and more
        will follow.
    tags
        Interests found in the text, by name.
    basis
        How the estimate was made, one sentence.
    is_without_feeds
        The message would travel in feeds; the pilot knows ties alone, where it goes faster and
        further.
    model, parameters
        The model and all of its parameters.
    best
        What is expected of seeds that were asked for as the best, over all draws; else None.
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
    basis: str
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

    The pilot is the very run that would follow: draws have addresses, so the copy meets the same.
    It stops when it comes to rest or its time is up. Other messages under way do not matter to it.
    Of a platform's feeds it knows nothing, and says so.
    """
    copy, cascade = _tried(world, message)
    if type(cascade.model) not in _met:
        began, first = now(), copy.tick  # no clock counts these: they load a model's kernels
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
        basis=_basis(cascade, ticks, seconds),
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
    copy.made = world.made  # the number, and so the draws, of the run that would follow
    return copy, copy.inject(**message)


def _basis(cascade: Cascade, ticks: int, seconds: float) -> str:
    if not cascade.alive:
        return f"a pilot of the same run died out after {plural(ticks, 'tick')}"
    return f"a pilot of the same run was not over after {plural(ticks, 'tick')} ({seconds:.1f} s)"

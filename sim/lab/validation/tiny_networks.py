"""Tiny networks with exactly known results (pairs, complete graphs...), copied many times over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import I64
from sim.core import rng
from sim.core.rng import Stream
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

Arcs = Sequence[tuple[int, int]]


def copies(arcs: Arcs, agents: int, count: int, seed: int, *, directed: bool = False) -> World:
    """Return ``count`` disjoint copies of a network of ``agents`` agents, side by side."""
    ends = np.array(arcs, np.int64).reshape(-1, 2)
    shift = np.arange(count)[:, None] * agents
    first, second = (shift + ends[:, side] for side in (0, 1))
    return World.from_edges(first.ravel(), second.ravel(), agents * count, directed, seed=seed)


def complete(agents: int) -> list[tuple[int, int]]:
    """Return the ties of a complete network."""
    return [(a, b) for a in range(agents) for b in range(a)]


@lru_cache(maxsize=1)
def karate() -> tuple[tuple[int, int], ...]:
    """Return the 78 ties of Zachary's karate club (1977), in the order of networkx."""
    import networkx as nx

    return tuple((int(a), int(b)) for a, b in nx.karate_club_graph().edges())


def pairs(count: int, seed: int, trust: float | None = None) -> World:
    """Return that many pairs of agents with one tie each: 0 -> 1, 2 -> 3, ..."""
    sources = np.arange(0, 2 * count, 2)
    given = None if trust is None else np.full(count, trust)
    return World.from_edges(sources, sources + 1, trust=given, seed=seed)


def lonely(agents: int, seed: int) -> World:
    """Return agents of whom only the first two have a tie."""
    return World.from_edges([0], [1], agents, seed=seed)


def run(world: World, seeds: npt.ArrayLike, model: str, **options: Any) -> Cascade:
    """Run one message until it rests."""
    chosen = np.asarray(seeds, np.int64).tolist()
    story = world.inject("The library opens at nine.", seeds=chosen, model=model, **options)
    world.run_until_quiet(story)
    return story


def seeds_of(world: World, agents: int, seeds: Iterable[int] = (0,)) -> npt.NDArray[np.int64]:
    """Return the same seeds in every copy of ``agents`` agents."""
    firsts = np.arange(0, len(world.agents), agents)
    return (firsts[:, None] + np.array(list(seeds), np.int64)).ravel()


def sizes_in(story: Cascade, agents: int) -> I64:
    """Return how many adopted in each copy of ``agents`` agents."""
    where = np.asarray(story.adopters, np.int64) // agents
    return np.bincount(where, minlength=story.agents // agents)


def outbreak(
    world: World, agents: int, model: str, seeds: Iterable[int] = (0,), **options: Any
) -> I64:
    """Run one cascade with the same seeds in every copy; return its size in each."""
    return sizes_in(run(world, seeds_of(world, agents, seeds), model, **options), agents)


def regular(agents: int, degree: int, seed: int) -> World:
    """Return a random network in which everybody has ``degree`` mutual ties.

    Stubs are matched at random; loops and twins, a few in all, are dropped.
    """
    order = np.argsort(rng.uniforms(rng.key(seed, Stream.TRYING), np.arange(agents * degree)))
    stubs = np.repeat(np.arange(agents), degree)[order]
    return World.from_edges(*without_twins(stubs), agents, False, seed=seed)


def without_twins(stubs: npt.NDArray[np.int64]) -> tuple[I64, I64]:
    """Return the ends of ties that stubs make two by two, without loops and twins."""
    ends = np.sort(stubs[: stubs.size // 2 * 2].reshape(-1, 2), axis=1)
    kept = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)
    return kept[:, 0], kept[:, 1]


def single_seeds(world: World, runs: int, model: str, **options: Any) -> I64:
    """Return the sizes of independent cascades, each from one random agent."""
    draws = rng.uniforms(rng.key(world.seed, Stream.TRYING), np.arange(runs))
    sizes = []
    for seed in (draws * len(world.agents)).astype(np.int64).tolist():
        sizes.append(run(world, [seed], model, **options).size)
        world.cascades.clear()
    return np.array(sizes)

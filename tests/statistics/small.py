"""Many copies of a small network in one world, and what is measured on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim import Cascade, World

Sizes = np.ndarray


def copies(arcs: Sequence[tuple[int, int]], agents: int, count: int, seed: int) -> World:
    """``count`` disjoint copies of an undirected network of ``agents`` agents."""
    ends = np.array(arcs)
    shift = np.arange(count)[:, None] * agents
    first, second = (shift + ends[:, side] for side in (0, 1))
    return World.from_edges(first.ravel(), second.ravel(), agents * count, False, seed=seed)


def complete(agents: int) -> list[tuple[int, int]]:
    """The ties of a complete network."""
    return [(a, b) for a in range(agents) for b in range(a)]


def sizes_in(story: Cascade, agents: int) -> Sizes:
    """How many adopted in each copy."""
    return np.bincount(story.adopters // agents, minlength=story.agents // agents)


def outbreak(
    world: World, agents: int, model: str, seeds: Sequence[int] = (0,), **options: Any
) -> Sizes:
    """Run one cascade with the same seeds in every copy; returns its size in each."""
    firsts = np.arange(0, len(world.agents), agents)
    everywhere = (firsts[:, None] + np.asarray(seeds)).ravel()
    story = world.inject("news", seeds=everywhere, model=model, **options)
    world.run_until_quiet(story)
    return sizes_in(story, agents)


def error_of(values: np.ndarray) -> float:
    """The standard error of the mean."""
    return float(values.std(ddof=1) / np.sqrt(values.size))


def regular(agents: int, degree: int, seed: int) -> World:
    """A random network in which everybody has ``degree`` mutual ties (a handful lose one or two).

    Stubs are matched at random; loops and duplicates, a few in all, are dropped.
    """
    stubs = np.random.default_rng(seed).permutation(np.repeat(np.arange(agents), degree))
    return World.from_edges(stubs[::2], stubs[1::2], agents, False, seed=seed)


def single_seeds(world: World, runs: int, model: str, **options: Any) -> Sizes:
    """Sizes of independent cascades, each from one random agent."""
    seeds = np.random.default_rng(world.seed).integers(0, len(world.agents), runs)
    sizes = []
    for seed in seeds.tolist():
        story = world.inject("news", seeds=[seed], model=model, **options)
        world.run_until_quiet(story)
        sizes.append(story.size)
        world.cascades.clear()
    return np.array(sizes)

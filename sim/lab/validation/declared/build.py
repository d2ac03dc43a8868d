"""Builders of claims: mean sizes on small networks, shares of pairs, exact laws on tiny ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import I64
from sim.core import rng
from sim.core.rng import Stream
from sim.lab.validation.chains import Law, Plain, counted, flowed, ticked
from sim.lab.validation.claim import (
    EXACT,
    Compared,
    Kind,
    ModelClaim,
    compared_mean,
    compared_share,
)
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
    """Return ``count`` pairs of agents with one tie each: 0 -> 1, 2 -> 3, ..."""
    sources = np.arange(0, 2 * count, 2)
    given = None if trust is None else np.full(count, trust)
    return World.from_edges(sources, sources + 1, trust=given, seed=seed)


def lonely(agents: int, seed: int) -> World:
    """Return a world in which only the first two agents have a tie."""
    return World.from_edges([0], [1], agents, seed=seed)


def run(world: World, seeds: npt.ArrayLike, model: str, **options: Any) -> Cascade:
    """Run one message until it dies out."""
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
    """Return a network of ``degree`` mutual ties each, by random stub matching without repeats."""
    order = np.argsort(rng.uniforms(rng.key(seed, Stream.TRYING), np.arange(agents * degree)))
    stubs = np.repeat(np.arange(agents), degree)[order]
    ends = np.sort(stubs[: stubs.size // 2 * 2].reshape(-1, 2), axis=1)
    kept = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)
    return World.from_edges(kept[:, 0], kept[:, 1], agents, False, seed=seed)


def single_seeds(world: World, runs: int, model: str, **options: Any) -> I64:
    """Return the sizes of independent cascades, each from one random agent."""
    draws = rng.uniforms(rng.key(world.seed, Stream.TRYING), np.arange(runs))
    sizes = []
    for seed in (draws * len(world.agents)).astype(np.int64).tolist():
        sizes.append(run(world, [seed], model, **options).size)
        world.cascades.clear()
    return np.array(sizes)


COPIES, THOROUGH = 20_000, 100_000
_TICKED, _FLOWED = (1, 3, 6), (1, 3)
_RARE = 10.0
"""Outcomes with a smaller expected count are pooled."""

Options = Mapping[str, Any]
Measure = Callable[[int], Sequence[Compared]]


def mean_size(
    model: str,
    what: str,
    exact: float,
    arcs: Arcs,
    agents: int,
    *,
    options: Options,
    seed: int,
    source: str,
    seeds: Iterable[int] = (0,),
    margin: float = EXACT,
    runs: int = COPIES,
    thorough: int = THOROUGH,
    left: bool = False,
    directed: bool = False,
) -> ModelClaim:
    """Claim the mean number of adopters of a small network."""
    chosen = tuple(seeds)

    def measure(count: int) -> Sequence[Compared]:
        world = copies(arcs, agents, count, seed, directed=directed)
        sizes = outbreak(world, agents, model, chosen, **options)
        return [compared_mean(agents - sizes if left else sizes, exact, margin)]

    return sampled(model, what, measure, seed, source, runs, thorough)


def size_shares(
    model: str,
    what: str,
    exact: Mapping[int, float],
    agents: int,
    *,
    options: Options,
    seed: int,
    source: str,
    margin: float = EXACT,
) -> ModelClaim:
    """Claim the probabilities of each number of adopters in a complete network, one seed."""

    def measure(count: int) -> Sequence[Compared]:
        world = copies(complete(agents), agents, count, seed)
        seen = np.bincount(outbreak(world, agents, model, **options), minlength=agents + 1)
        return [
            compared_share(float(seen[size]), count, share, margin, f"size {size}")
            for size, share in exact.items()
        ]

    return sampled(model, what, measure, seed, source)


def of_pairs(
    model: str,
    what: str,
    exact: Mapping[str, float],
    found: Callable[[Cascade], Mapping[str, npt.NDArray[np.bool_]]],
    *,
    options: Options,
    seed: int = 3,
    source: str = "the model's equations",
    trust: float | None = None,
    ticks: int = 0,
) -> ModelClaim:
    """Claim probabilities for the second agent of a pair whose first agent speaks."""

    def measure(count: int) -> Sequence[Compared]:
        world = pairs(count, seed, trust)
        if ticks:
            story = world.inject("x", seeds=range(0, 2 * count, 2), model=model, **options)
            world.step(ticks)
        else:
            story = run(world, np.arange(0, 2 * count, 2), model, **options)
        happened = found(story)
        return [
            compared_share(float(happened[label].sum()), count, chance, label=label)
            for label, chance in exact.items()
        ]

    how = f"{{runs}} pairs, seed {seed}"
    return sampled(model, what, measure, seed, source, how=how)


def sampled(
    model: str,
    what: str,
    measure: Measure,
    seed: int,
    source: str,
    runs: int = COPIES,
    thorough: int = THOROUGH,
    *,
    how: str = "",
    kind: Kind = "exact",
) -> ModelClaim:
    """Claim a property of many independent copies."""
    said = how or f"{{runs}} copies, seed {seed}"
    return ModelClaim(model, what, measure, kind, source, said, runs, thorough)


def check_exactly(
    model: str,
    what: str,
    found: Callable[[], Mapping[str, tuple[float, float]]],
    *,
    source: str,
    how: str,
    margin: float = EXACT,
    kind: Kind = "exact",
) -> ModelClaim:
    """Claim numbers that do not depend on chance."""

    def measure(_: int) -> Sequence[Compared]:
        return [
            Compared(float(seen), float(exact), 0.0, margin, margin, label)
            for label, (seen, exact) in found().items()
        ]

    return ModelClaim(model, what, measure, kind, source, how)


def exact_law(
    plain: Plain,
    agents: int = 3,
    *,
    is_flowing: bool = False,
    seed: int = 21,
    ticks: Sequence[int] = (),
    variant: str = "",
) -> ModelClaim:
    """Claim the probability of every outcome of a few agents, by the exact joint Markov chain."""
    times = tuple(ticks) or (_FLOWED if is_flowing else _TICKED)

    def measure(count: int) -> Sequence[Compared]:
        laws = (
            flowed(plain, agents, [float(t) for t in times])
            if is_flowing
            else [ticked(plain, agents, times[-1])[t] for t in times]
        )
        world = copies(complete(agents), agents, count, seed)
        seeds = seeds_of(world, agents).tolist()
        story = world.inject("x", seeds=seeds, model=plain.name, **plain.options)
        found: list[Compared] = []
        for tick, law in zip(times, laws, strict=True):
            world.step(tick - world.tick)
            found += _outcomes(story, agents, law, f"tick {tick}")
        return found

    which = ", ".join(f"{name} {value:g}" for name, value in plain.options.items() if name != "law")
    what = f"every outcome of {agents} agents ({which})"
    source = "the exact Markov chain over all joint states" + (f"; {variant}" if variant else "")
    return sampled(plain.name, what, measure, seed, source)


def _outcomes(story: Cascade, agents: int, law: Law, when: str) -> list[Compared]:
    """Return the share of copies in each outcome with its probability."""
    exact = counted(law, len(story.states))
    column = story.columns["state"]
    dense = column.dense() if hasattr(column, "dense") else np.asarray(column)
    held = (dense & 0x7F).reshape(-1, agents)
    runs, states = len(held), len(story.states)
    tallies = np.stack([(held == state).sum(axis=1) for state in range(states)], axis=1)
    seen, times = np.unique(tallies, axis=0, return_counts=True)
    found = dict(zip(map(tuple, seen.tolist()), times.tolist(), strict=True))
    rare = [outcome for outcome, p in exact.items() if p * runs < _RARE]
    shown = {outcome: (found.get(outcome, 0), p) for outcome, p in exact.items()}
    for outcome in rare:
        del shown[outcome]
    numbers = [
        compared_share(n, runs, p, 3 / runs, f"{when}, {_named(story.states, outcome)}")
        for outcome, (n, p) in shown.items()
    ]
    some, chance = sum(found.get(each, 0) for each in rare), sum(exact[each] for each in rare)
    numbers.append(compared_share(some, runs, chance, 3 / runs, f"{when}, the rare together"))
    never = sum(n for outcome, n in found.items() if exact.get(outcome, 0.0) <= 0)
    numbers.append(compared_share(never, runs, 0.0, label=f"{when}, what cannot be"))
    return numbers


def _named(states: Sequence[str], outcome: Sequence[int]) -> str:
    return ", ".join(f"{n} {states[s]}" for s, n in enumerate(outcome) if n)

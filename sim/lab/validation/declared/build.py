"""Builders of claims: mean sizes on small networks, shares of pairs, exact laws of tiny ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.lab.validation.chains import Law, Plain, counted, flowed, ticked
from sim.lab.validation.claim import (
    EXACT,
    Compared,
    Kind,
    ModelClaim,
    compared_mean,
    compared_share,
)
from sim.lab.validation.tiny_networks import (
    Arcs,
    complete,
    copies,
    outbreak,
    pairs,
    run,
    seeds_of,
)
from sim.spread.cascade.cascade import Cascade

COPIES, THOROUGH = 20_000, 100_000
_TICKED, _FLOWED = (1, 3, 6), (1, 3)
_RARE = 10.0
"""Outcomes of which fewer are expected are taken together."""

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
    """Claim how often each number of adopters comes about in a complete network, one seed."""

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
    """Claim chances of what happens to the second of two agents, the first of whom speaks."""

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
    """Claim something of many independent copies."""
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
    """Claim the share of every outcome of a few agents, by the exact chain over joint states."""
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
    """Return the share of copies in each outcome beside its chance."""
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

"""Copies of a few agents held to an exact law, and one tick of plain rules with the same coins."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream
from sim.lab.validation.chains import Plain


def copies_of(agents: int, count: int, seed: int) -> World:
    """``count`` complete networks side by side."""
    pairs = np.array([(a, b) for a in range(agents) for b in range(a)])
    shift = np.arange(count)[:, None] * agents
    first, second = ((shift + pairs[:, side]).ravel() for side in (0, 1))
    return World.from_edges(first, second, agents * count, False, seed=seed)


def states_of(story: Cascade) -> np.ndarray:
    """The state of every agent."""
    states: np.ndarray = story.columns["state"].dense() & 0x7F
    return states


def assert_law(story: Cascade, agents: int, exact: dict[tuple[int, ...], float]) -> None:
    """Every outcome is as frequent as the exact law says, within 4 standard errors.

    Outcomes of which fewer than ten are expected are taken together.
    """
    copies = states_of(story).reshape(-1, agents)
    runs, states = len(copies), len(story.states)
    tallies = np.stack([(copies == s).sum(axis=1) for s in range(states)], axis=1)
    seen, times = np.unique(tallies, axis=0, return_counts=True)
    found = dict(zip(map(tuple, seen.tolist()), times / runs, strict=True))
    assert set(found) <= {outcome for outcome, p in exact.items() if p > 0}
    rare = [outcome for outcome, p in exact.items() if p * runs < 10]
    pooled = {outcome: (p, found.get(outcome, 0.0)) for outcome, p in exact.items()}
    for outcome in rare:
        del pooled[outcome]
    pooled[()] = sum(exact[o] for o in rare), sum(found.get(o, 0.0) for o in rare)
    for outcome, (p, share) in pooled.items():
        assert abs(share - p) <= 4 * np.sqrt(p * (1 - p) / runs) + 3 / runs, (outcome, p)


def _word(key: int, i: int) -> int:
    return int(rng.words(np.uint64(key), i)[0])


def _draws(world: World, plain: Plain, key: Any, u: int) -> Iterator[tuple[int, int]]:
    """(listener, draw) of every contact of one speaker, as the kernel addresses them."""
    start, length = (int(x) for x in world.ties.rows[u])
    row = [int(v) for v in world.ties.targets[start : start + length]]
    if plain.calls and row:
        bits = int(rng.words(key, u, 0)[0])
        place = rng._mix((bits + 0x632BE59BD9B4E019) & (2**64 - 1))
        yield row[int((place >> 11) * 2.0**-53 * length)], bits
    elif not plain.calls:
        yield from ((v, int(rng.words(key, u, v)[0])) for v in row)


def naive_tick(world: World, plain: Plain, story: Cascade, state: list[int]) -> list[int]:
    """One tick by loops over agents and ties, with the draws of the kernel."""
    tick = world.tick + 1
    met, by_itself = (
        rng.key(world.seed, stream, tick, story.id + 1)
        for stream in (Stream.CONTACTS, Stream.SPONTANEOUS)
    )
    claims: dict[int, tuple[int, int, int]] = {}
    for u in range(len(state)):
        for v, bits in _draws(world, plain, met, u):
            share, low = (bits >> 11) * 2.0**-53, bits & 0xFFFFFF
            for p, new, turned in plain.meets.get((state[u], state[v]), []):
                if share < p:
                    for agent, becomes, other in ((v, new, u), (u, turned, v)):
                        if becomes is not None:
                            claim = (low, becomes, other)
                            claims[agent] = min(claims.get(agent, claim), claim)
                    break
                share -= p
    following = [claims[v][1] if v in claims else s for v, s in enumerate(state)]
    for v, s in enumerate(state):
        share = (_word(int(by_itself), v) >> 11) * 2.0**-53
        for p, new in plain.alone.get(s, []) if v not in claims else []:
            if share < p:
                following[v] = new
                break
            share -= p
    return following

"""Expected spreads by going through every live-edge graph, in plain Python."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np

from sim import LiveEdges, Ties
from sim.core import rng
from sim.core.rng import Stream

Pair = tuple[int, int]


def graphs(
    ties: Ties, edges: LiveEdges, seed: int = 0, labels: Sequence[int] = ()
) -> Iterator[tuple[float, list[Pair]]]:
    """Yield the chance of each live-edge graph, and its ties."""
    pairs = list(zip(ties.sources().tolist(), ties.targets.tolist(), strict=True))
    trust = (ties.trust / 65535 if ties.trust.size else np.ones(len(pairs))).tolist()
    heard = dict(zip(pairs, trust, strict=True))
    if edges.one_source:
        yield from _one_each(ties.agents, heard, by_trust=edges.one_source == "trust")
        return
    chances = [_chance(pair, heard, ties, edges, seed, labels) for pair in pairs]
    for fell in product((False, True), repeat=len(pairs)):
        share = 1.0
        for is_live, p in zip(fell, chances, strict=True):
            share *= p if is_live else 1 - p
        if share:
            yield share, [pair for pair, is_live in zip(pairs, fell, strict=True) if is_live]


def _one_each(
    agents: int, heard: dict[Pair, float], *, by_trust: bool
) -> Iterator[tuple[float, list[Pair]]]:
    choices: list[list[tuple[float, list[Pair]]]] = []
    for v in range(agents):
        own = {pair: w if by_trust else 1.0 for pair, w in heard.items() if pair[1] == v}
        total = sum(own.values())
        known = [(w / total, [pair]) for pair, w in own.items() if total]
        choices.append(known or [(1.0, [])])
    for picked in product(*choices):
        share = float(np.prod([p for p, _ in picked]))
        yield share, [pair for _, pairs in picked for pair in pairs]


def _chance(
    pair: Pair,
    heard: dict[Pair, float],
    ties: Ties,
    edges: LiveEdges,
    seed: int,
    labels: Sequence[int],
) -> float:
    u, v = pair
    if edges.scale == "degree":
        return 1 / int(ties.in_degree[v])
    if edges.levels:
        draw = rng.uniforms(rng.key(seed, Stream.LEVELS), u, v)[0]
        return edges.chance * edges.levels[int(draw * len(edges.levels))]
    share = heard[pair] if edges.scale == "trust" else 1.0
    if labels and (labels[u] < 0 or labels[u] != labels[v]):
        share *= edges.across
    return edges.chance * share


def reached(pairs: list[Pair], seeds: Sequence[int], closed: Sequence[int] = ()) -> set[int]:
    """Return who is reached from seeds along live ties."""
    found = set(seeds) - set(closed)
    waiting = list(found)
    while waiting:
        u = waiting.pop()
        new = {v for a, v in pairs if a == u} - found - set(closed)
        found |= new
        waiting += new
    return found


def spread(
    known: Sequence[tuple[float, list[Pair]]], seeds: Sequence[int], closed: Sequence[int] = ()
) -> float:
    return sum(share * len(reached(pairs, seeds, closed)) for share, pairs in known)


def optimum(known: Sequence[tuple[float, list[Pair]]], agents: int, k: int) -> float:
    """Return the largest expected spread of k seeds."""
    return max(spread(known, seeds) for seeds in combinations(range(agents), k))


def greedy(known: Sequence[tuple[float, list[Pair]]], agents: int, k: int) -> list[int]:
    """Return k seeds chosen one by one for the largest expected spread, the lowest of equals."""
    seeds: list[int] = []
    for _ in range(k):
        left = [v for v in range(agents) if v not in seeds]
        seeds.append(max(left, key=lambda v: (round(spread(known, [*seeds, v]), 12), -v)))
    return seeds

"""Spread over a real network equals a naive reference that shares nothing with it."""

import random
from pathlib import Path

import numpy as np
import pytest

from sim import World

RUNS = 400


def naive_sizes(heard_by: dict[int, list[int]], seed: int, p: float, runs: int) -> np.ndarray:
    """Sizes of independent cascades by sets and lists, with Python's own generator."""
    coins = random.Random(1)
    sizes = []
    for _ in range(runs):
        adopted, frontier = {seed}, [seed]
        while frontier:
            frontier = [
                v
                for u in frontier
                for v in heard_by.get(u, [])
                if v not in adopted and coins.random() < p and not adopted.add(v)  # type: ignore[func-returns-value]
            ]
        sizes.append(len(adopted))
    return np.array(sizes)


@pytest.mark.slow
def test_cascades_on_wiki_vote_have_the_size_of_a_naive_reference(shared_data: Path) -> None:
    # "A B" is a vote by A for B: A follows B, so B influences A.
    arcs = np.loadtxt(shared_data / "wiki-vote" / "edges.tsv.gz", np.int64)
    ids, codes = np.unique(arcs, return_inverse=True)
    codes = codes.reshape(arcs.shape)
    world = World.from_edges(codes[:, 1], codes[:, 0], ids.size, seed=3)
    world.max_running = 10**6
    start = int(np.argmax(world.ties.out_degree))
    stories = [
        world.inject("x", seeds=[start], model="independent-cascade", probability=0.05)
        for _ in range(RUNS)
    ]
    while any(story.alive for story in stories):
        world.step()
    heard_by: dict[int, list[int]] = {}
    for source, target in zip(codes[:, 1].tolist(), codes[:, 0].tolist(), strict=True):
        heard_by.setdefault(source, []).append(target)
    ours = np.mean([story.size for story in stories])
    assert abs(ours / naive_sizes(heard_by, start, 0.05, RUNS).mean() - 1) < 0.02

"""Models of single updates against loops over lists, with the same draws, to the last bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim import Cascade, World
from sim.core.rng import Stream, key, uniforms
from sim.testing import tiny_world
from tests.unit.plugins.naive_opinions import Meet, Turns, group_of, meetings, same, trust_in

TICKS = 3


def started(model: str, **options: Any) -> tuple[World, Cascade, list[float]]:
    world = tiny_world()
    story = world.inject("?", seeds=range(0, 60, 4), model=model, **options)
    return world, story, story.columns["opinion"].tolist()


def deffuant(x: float, y: float, *_: Any) -> float:
    return x + 0.3 * (y - x) if abs(y - x) < 0.4 else x


def voter(_: float, y: float, *__: Any) -> float:
    return y


def weighted_pair(x: float, y: float, _: float, trust: float, *__: Any) -> float:
    push = 0.5 * (x + 0.8 * trust * y) if abs(y - x) <= 0.5 else 0.0
    return x + push * (1.0 - abs(x))


def both_forces(x: float, y: float, _: float, trust: float, *__: Any) -> float:
    way = (y > x) - (y < x) if abs(y - x) < 0.5 else (y < x) - (y > x)
    return x + way * (abs(x + 0.8 * trust * y) / 2.0) * (1.0 - abs(x))


@pytest.mark.parametrize(
    ("model", "meet", "mutual", "options"),
    [
        ("deffuant", deffuant, True, {"mu": 0.3, "bound": 0.4}),
        ("voter", voter, False, {}),
        ("weighted-hk", weighted_pair, False, {"variant": "pair", "bound": 0.5, "weight": 0.8}),
        ("attraction-repulsion-hk", both_forces, False, {"bound": 0.5, "weight": 0.8}),
    ],
)
def test_pairs(model: str, meet: Meet, mutual: bool, options: Any) -> None:
    world, story, x = started(model, **options)
    for tick in range(1, TICKS + 1):
        world.step()
        meetings(world, story, x, tick, meet, mutual)
        assert same(story, x)


def test_all_within_the_bound_at_once() -> None:
    world, story, x = started("weighted-hk", bound=0.6, weight=0.7)
    turns = Turns(world, story)
    for tick in range(1, TICKS + 1):
        world.step()
        for i, _ in turns.of(tick):
            near = [j for j in turns.heard[i] if abs(x[j] - x[i]) <= 0.6]
            if near:
                total = 0.0
                for j in near:
                    total += trust_in(world, j, i) * x[j]
                x[i] += 0.7 * (total / len(near)) * (1.0 - abs(x[i]))
        np.testing.assert_allclose(story.columns["opinion"], x, rtol=0, atol=1e-14)


def test_cognitive_opinions() -> None:
    world, story, x = started("cognitive-opinion", institutions=0.3)
    ids = np.arange(60)
    once = key(world.seed, Stream.MODEL_ONCE, 0, story.id + 1)
    trust, talk, nerves = (uniforms(once, ids, k).tolist() for k in (1, 2, 3))

    def nerve(i: int, told: float) -> float:
        if nerves[i] >= 1 - 1 / 3:
            return 0.5 * (1.0 + told)
        return 0.5 * told if nerves[i] < 1 / 3 else told

    def meet(x: float, y: float, coin: float, _: float, i: int, j: int) -> float:
        if coin >= y ** (1.0 / talk[j]):
            return x
        return nerve(i, x + (1.0 - trust[i]) * (y - x))

    for tick in range(1, TICKS + 1):
        world.step()
        for i in range(60):
            x[i] = nerve(i, x[i] + trust[i] * (0.3 - x[i]))
        meetings(world, story, x, tick, meet, True)
        np.testing.assert_allclose(story.columns["opinion"], x, rtol=0, atol=1e-12)


def test_zealots_never_move() -> None:
    world, story, x = started("zealot-voter", zealots=0.5, opposing=0.2)
    once = key(world.seed, Stream.MODEL_ONCE, 0, story.id + 1)
    chance = np.full(60, 0.2)
    chance[story.seeds] = 0.5
    fixed = uniforms(once, np.arange(60)) < chance
    assert 5 < fixed.sum() < 40

    def meet(own: float, said: float, _: float, __: float, i: int, ___: int) -> float:
        return own if fixed[i] else said

    for tick in range(1, TICKS + 1):
        world.step()
        meetings(world, story, x, tick, meet, False)
        assert same(story, x)


Decide = Callable[[float, list[float], float], float]


def q_voter(own: float, said: list[float], coin: float) -> float:
    if len(set(said)) == 1:
        return said[0]
    return 1.0 - own if coin < 0.4 else own


def majority(own: float, said: list[float], _: float) -> float:
    return float(2 * (own + sum(said)) > len(said) + 1)


@pytest.mark.parametrize(
    ("model", "decide", "size", "all_move", "distinct", "options"),
    [
        ("q-voter", q_voter, 3, False, False, {"q": 3, "noise": 0.4}),
        ("majority-rule", majority, 2, True, True, {"among": "ties"}),
        ("majority-rule", majority, 4, True, True, {"group": 5, "among": "everybody"}),
    ],
)
def test_groups(
    model: str, decide: Decide, size: int, all_move: bool, distinct: bool, options: Any
) -> None:
    world, story, x = started(model, **options)
    everybody = options.get("among") == "everybody"
    turns = Turns(world, story, everybody)
    for tick in range(1, TICKS + 1):
        world.step()
        for i, draw in turns.of(tick):
            among = [j for j in range(60) if j != i] if everybody else turns.heard[i]
            group = group_of(draw, among, size, distinct=distinct)
            if not group:
                continue
            new = decide(x[i], [x[j] for j in group], draw(2))
            for j in [i, *(group if all_move else [])]:
                x[j] = new
        assert same(story, x)


@pytest.mark.parametrize("discord", ["nothing", "cross"])
def test_outflow(discord: str) -> None:
    world, story, x = started("sznajd", discord=discord)
    turns = Turns(world, story)
    for tick in range(1, 2):
        world.step()
        for i, draw in turns.of(tick):
            j = turns.heard[i][int(draw(1) * len(turns.heard[i]))]
            one, two = x[i], x[j]
            if one == two or discord == "cross":
                for speaker, told in ((i, two), (j, one)):
                    for v in world.ties.listeners(speaker).tolist():
                        x[v] = told
        assert same(story, x)
        assert story.counts["for"] == sum(x)


def test_social_impact() -> None:
    import networkx as nx

    world, story, x = started("social-impact", noise=0.3, itself=0.4)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(60))
    graph.add_edges_from((u, v) for u in range(60) for v in world.ties.listeners(u).tolist())
    apart = dict(nx.all_pairs_shortest_path_length(graph))
    once = key(world.seed, Stream.MODEL_ONCE, 0, story.id + 1)
    p, s = uniforms(once, np.arange(60), 1), uniforms(once, np.arange(60), 2)
    for tick in range(1, TICKS + 1):
        world.step()
        shaken = 0.3 * (2 * uniforms(key(world.seed, Stream.MODEL, tick, 1), np.arange(60), 3) - 1)
        new = list(x)
        for i in range(60):
            force = -0.4 * s[i]
            for j in range(60):
                if j != i and i in apart[j]:
                    near = float(apart[j][i]) ** -2
                    force += near * (p[j] if x[j] != x[i] else -s[j])
            if force > shaken[i]:
                new[i] = 1.0 - x[i]
        x = new
        assert same(story, x)

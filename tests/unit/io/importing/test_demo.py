import gzip
from pathlib import Path
from time import perf_counter

import igraph
import numpy as np
import pytest

from sim import World
from sim.io import demo


@pytest.fixture(scope="module")
def world() -> World:
    return demo()


def test_demo_has_18_countries_with_letters(world: World) -> None:
    agents = world.agents
    assert len(agents) == 7_624
    assert agents.communities == [f"Country {letter}" for letter in "ABCDEFGHIJKLMNOPQR"]
    assert np.bincount(agents.community).tolist()[:3] == [1098, 54, 73]
    assert agents.community.min() == 0


def test_demo_ties_are_mutual_and_have_the_known_shape(world: World) -> None:
    sources = np.repeat(np.arange(7_624), world.ties.out_degree)
    graph = igraph.Graph(7_624)
    graph.add_edges(np.column_stack([sources, world.ties.targets])[sources < world.ties.targets])
    assert world.ties.count == 2 * graph.ecount() == 50_052
    assert world.ties.is_symmetric
    assert len(graph.connected_components().giant().vs) == 7_577
    assert max(graph.degree()) == 192
    assert graph.transitivity_undirected() == pytest.approx(0.1577, abs=5e-5)


def test_demo_members_of_a_country_share_interests(world: World) -> None:
    agents = world.agents
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 7_624, (2, 100_000))
    common = np.bitwise_count(agents.interests[a] & agents.interests[b])
    same = agents.community[a] == agents.community[b]
    assert common[same].mean() > 1.3 * common[~same].mean()


def test_demo_is_always_the_same(world: World) -> None:
    again = demo()
    assert again.digest() == world.digest()
    assert demo(seed=8).digest() != world.digest()
    assert world.agents.name(0) == again.agents.name(0) != ""


@pytest.mark.bench
def test_demo_opens_in_three_tenths_of_a_second() -> None:
    began = perf_counter()
    demo()
    assert perf_counter() - began < 0.3


def test_demo_is_the_published_training_part(world: World, shared_data: Path) -> None:
    folder = shared_data / "lastfm-asia"
    with gzip.open(folder / "train_edges.csv.gz", "rt") as lines:
        published = {tuple(sorted(map(int, line.split(",")))) for line in list(lines)[1:]}
    with gzip.open(folder / "country.csv.gz", "rt") as lines:
        rows = [line.strip().split(",") for line in list(lines)[1:]]
    countries = {int(member): int(country) for member, country in rows}
    sources = np.repeat(np.arange(7_624), world.ties.out_degree).tolist()
    ties = zip(sources, world.ties.targets.tolist(), strict=True)
    assert {pair for pair in ties if pair[0] < pair[1]} == published
    assert world.agents.community.tolist() == [countries[i] for i in range(7_624)]

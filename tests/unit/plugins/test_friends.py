"""Every formula of friend recommenders by hand, and against networkx."""

from math import log
from typing import Any

import networkx as nx
import numpy as np
import pytest

from sim import Prospects, TwoHop, World, make, register
from sim.errors import PluginError
from sim.platform import pairs_near
from tests.unit.plugins.acquainted import OURS, Bare, mutual

#     0 - 1 - 3    4 hangs on 3;  0 and 3 have 1 and 2 in common, 0 and 5 have 2
#     0 - 2 - 3
#         2 - 5
KITE = [(0, 1), (0, 2), (1, 3), (2, 3), (2, 5), (3, 4)]


def score(name: str, viewer: int, other: int, around: Bare, **parameters: Any) -> float:
    found = make(name, "friend-recommender", **parameters)
    return float(found.of_pairs(np.array([viewer]), np.array([other]), around)[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("common-neighbours", 2.0),  # 1 and 2
        ("jaccard", 2 / 3),  # {1, 2} of {1, 2, 4}
        ("adamic-adar", 1 / log(2) + 1 / log(3)),  # 1 has two friends, 2 has three
        ("preferential-attachment", 6.0),  # 2 x 3
        ("two-hop-walk", 0.5 * (1 / 2 + 1 / 3)),
    ],
)
def test_formulas_by_hand(name: str, expected: float) -> None:
    assert score(name, 0, 3, mutual(KITE, 6)) == pytest.approx(expected, rel=1e-6)


def test_a_walk_is_where_powers_of_the_step_lead() -> None:
    step = nx.to_numpy_array(nx.Graph(KITE), nodelist=range(6))
    step /= step.sum(axis=1, keepdims=True)
    for steps in (2, 3, 4):
        powers = [np.linalg.matrix_power(step, t) for t in range(2, steps + 1)]
        found = score("random-walk", 0, 3, mutual(KITE, 6), steps=steps)
        assert found == pytest.approx(sum(power[0, 3] for power in powers), rel=1e-6)


def chances(graph: nx.DiGraph, viewer: int) -> np.ndarray[Any, Any]:
    """Where one walks to somebody heard, back to another who hears that one, and on from there."""
    hears = nx.to_numpy_array(graph, nodelist=range(len(graph)))  # row v: whom v hears
    to = hears / np.maximum(hears.sum(axis=1, keepdims=True), 1)
    back = hears.T / np.maximum(hears.sum(axis=0)[:, np.newaxis], 1)
    others = to[viewer] @ back
    others[viewer] = 0.0
    found: np.ndarray[Any, Any] = others @ to
    return found


@pytest.mark.parametrize("damping", [0.0, 0.5, 1.0])
def test_who_follows_the_same_is_followed_further(damping: float) -> None:
    graph = nx.gnp_random_graph(25, 0.15, seed=5, directed=True)
    arcs = np.array(list(graph.edges))
    around = Bare(World.from_edges(arcs[:, 1], arcs[:, 0], 25, seed=3))  # v hears w: w -> v
    found = make("collaborative-follows", "friend-recommender", damping=damping)
    fans = np.array([graph.in_degree(k) for k in range(25)])
    for viewer in range(25):
        new = [k for k in range(25) if k != viewer and not graph.has_edge(viewer, k)]
        expected = chances(graph, viewer)[new] / np.maximum(fans[new], 1.0) ** damping
        given = found.of_pairs(np.full(len(new), viewer), np.array(new), around)
        assert np.where(np.isfinite(given), given, 0) == pytest.approx(expected, abs=1e-6)


def test_members_of_one_taste_are_proposed_what_it_follows() -> None:
    """Two camps, each with stars of its own, of which everybody follows five of eight."""
    camps = np.arange(16, 216) % 2
    random = np.random.default_rng(3)
    stars = np.array([random.choice(8, 5, replace=False) * 2 + camp for camp in camps])
    viewers = np.repeat(np.arange(16, 216), 5)
    world = World.from_edges(stars.ravel(), viewers, 216, seed=1)
    found = make("collaborative-follows", "friend-recommender")
    who, whom, _ = found.suggest(np.arange(16, 216), Bare(world), 3)
    assert who.size == 600
    assert (whom % 2 == who % 2).all()  # the other three of its camp


def test_compatibility_is_the_sum_of_its_terms() -> None:
    around = mutual(KITE, 6)
    agents = around.world.agents
    agents.set_community(np.array([1, 0, 0, 1, 0, 0]), ["a", "b"])
    mine, theirs = int(agents.interests[0]), int(agents.interests[3])
    share = (mine & theirs).bit_count() / max((mine | theirs).bit_count(), 1)
    traits = agents.personality[[0, 3]].astype(float) / 255
    like = 1 - np.abs(traits[0] - traits[1]).mean()
    expected = 0.4 * share + 0.3 * like + 0.2 * 2 / 5 + 0.1
    assert score("compatibility", 0, 3, around) == pytest.approx(expected, abs=1e-6)
    assert score("compatibility", 0, 5, around, interests=0, traits=0, community=0) == (
        pytest.approx(0.2 * 1 / 4)
    )


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("jaccard", nx.jaccard_coefficient),
        ("adamic-adar", nx.adamic_adar_index),
        ("preferential-attachment", nx.preferential_attachment),
    ],
)
def test_formulas_agree_with_networkx(name: str, reference: Any) -> None:
    graph = nx.gnm_random_graph(40, 120, seed=5)
    around = mutual(list(graph.edges), 40)
    found = make(name, "friend-recommender")
    near = [(u, v) for u, v in nx.non_edges(graph) if set(graph[u]) & set(graph[v])]
    expected = [p for _, _, p in reference(graph, near)]
    u, v = np.array(near).T
    assert found.of_pairs(u, v, around) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", OURS)
def test_nobody_is_suggested_to_itself_or_whom_it_follows(name: str) -> None:
    world = World.create(agents=300, mean_degree=6, seed=4)
    viewers = np.arange(0, 300, 7, dtype=np.uint32)
    who, others, scores = make(name, "friend-recommender").suggest(viewers, Bare(world), 5)
    assert others.size > 100
    assert np.bincount(who, minlength=300).max() <= 5
    for viewer, other in zip(who.tolist(), others.tolist(), strict=True):
        assert other != viewer
        assert viewer not in world.ties.listeners(other)
    same = who[1:] == who[:-1]
    assert (scores[1:][same] <= scores[:-1][same]).all()
    again = make(name, "friend-recommender").suggest(viewers[::-1].copy(), Bare(world), 5)
    assert set(zip(who.tolist(), others.tolist(), strict=True)) == set(
        zip(again[0].tolist(), again[1].tolist(), strict=True)
    )


def test_the_best_are_suggested_first() -> None:
    around = mutual(KITE, 6)
    found = make("adamic-adar", "friend-recommender").suggest(np.array([0, 4]), around, 1)
    assert found[0].tolist() == [0, 4]
    assert found[1][0] == 3
    assert found[1][1] in {1, 2}
    both = make("adamic-adar", "friend-recommender").suggest(np.array([0]), around, 9)
    assert both[1].tolist() == [3, 5]


def test_those_too_far_away_have_the_lowest_score() -> None:
    around = mutual(KITE, 6)
    assert score("common-neighbours", 0, 4, around) == -np.inf  # three steps away
    assert score("common-neighbours", 0, 1, around) == -np.inf  # friends already
    assert score("random-walk", 0, 4, around) > 0
    lonely = mutual([(0, 1)], 4)
    assert score("common-neighbours", 2, 3, lonely) == -np.inf
    assert make("jaccard", "friend-recommender").suggest(np.array([2]), lonely, 3)[1].size == 0


def test_long_rows_are_looked_at_in_some_places() -> None:
    star = mutual([(0, k) for k in range(1, 200)], 200)
    found = list(pairs_near(star, np.arange(1, 5, dtype=np.uint32), cap=8, room=64))
    assert all(len(pairs) in {7, 8} for pairs in found)
    assert sum(pairs.viewers.size for pairs in found) == 4
    narrow = make("random-walk", "friend-recommender", cap=8, most=2)
    _, others, _ = narrow.suggest(np.array([1]), star, 50)
    assert 0 < others.size < 20
    assert 0 not in others


def test_columns_of_prospects() -> None:
    pairs = next(pairs_near(mutual(KITE, 6), np.array([0], np.uint32)))
    assert len(pairs) == 2
    assert pairs.viewer.tolist() == [0, 0]
    assert pairs.viewer_openness.shape == pairs.other_openness.shape == (2,)
    assert "adamic_adar" in Prospects.names()
    with pytest.raises(AttributeError, match="adamic_adar"):
        _ = pairs.adamic
    with pytest.raises(AttributeError):
        _ = pairs._nothing
    with pytest.raises(ValueError, match="read-only"):
        pairs.hears[0] = 1


@pytest.mark.parametrize(
    ("returned", "sentence"), [(np.zeros(1), "one number a pair"), (np.nan, "NaN")]
)
def test_scores_that_are_none_are_refused(returned: Any, sentence: str) -> None:
    @register("odd-friends")
    class Odd(TwoHop):
        def score(self, pairs: Prospects) -> Any:
            return returned

    with pytest.raises(PluginError, match=sentence):
        make("odd-friends", "friend-recommender").suggest(np.array([0]), mutual(KITE, 6), 3)

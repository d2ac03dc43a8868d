"""Kernels of components, cores, ranks, triangles and paths, slice by slice, against networkx."""

from itertools import pairwise, permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Ties
from sim.core.rng import Stream, key
from sim.network.analysis import analysis
from sim.network.analysis import reputation_kernels as kernels
from sim.network.analysis.clustering_kernels import closed_wedges
from sim.network.analysis.pagerank_kernels import sweep
from sim.world.metrics.sums_kernels import mixed, variety
from tests.unit.kernels.graphs import MOST, Small, drawn
from tests.unit.kernels.networks import coin, lent

KEY = key(4, Stream.SAMPLE)
NETS = {
    "empty": Small([]),
    "chain told backwards": Small([(v + 1, v) for v in range(59)], 60),
    "clique with a tail": Small([(a, b) for a in range(5) for b in range(a)] + [(4, 5), (5, 6)], 8),
    "sparse": drawn(70, 80),
    "even": drawn(60, 130),
    "dense": drawn(40, 400),
}


@pytest.fixture(params=NETS)
def net(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Small:
    monkeypatch.setattr(analysis, "_BUDGET", 16)
    monkeypatch.setattr(analysis, "_SLICE", 7)
    return NETS[request.param]


def tied(net: Small, *, mutual: bool = False) -> Ties:
    sources, targets = np.array(net.arcs, np.uint32).reshape(-1, 2).T
    ends = (sources, targets)
    if mutual:
        ends = np.concatenate((sources, targets)), np.concatenate((targets, sources))
    return Ties.from_arcs(*ends, net.agents)


def by_agent(found: dict[int, float]) -> list[float]:
    return [found[v] for v in sorted(found)]


def lowest(labels: np.ndarray) -> list[int]:
    """The lowest agent of each one's group."""
    return [int(np.flatnonzero(labels == label)[0]) for label in labels]


def test_components_are_those_of_networkx(net: Small) -> None:
    for found, groups in (
        (analysis.components(tied(net)), nx.weakly_connected_components(net.directed)),
        (analysis.strong_components(tied(net)), nx.strongly_connected_components(net.directed)),
    ):
        expected = sorted((v, min(group)) for group in map(set, groups) for v in group)
        assert lowest(found) == [low for _, low in expected]


@pytest.mark.parametrize("mutual", [False, True])
def test_measures_of_neighbours_are_those_of_networkx(net: Small, mutual: bool) -> None:
    ties = tied(net, mutual=mutual)
    assert analysis.core_numbers(ties).tolist() == by_agent(nx.core_number(net.graph))
    assert analysis.triangles(ties).tolist() == by_agent(nx.triangles(net.graph))
    assert analysis.clustering(ties).value == pytest.approx(nx.average_clustering(net.graph))


@pytest.mark.parametrize("damping", [0.0, 0.5, 0.85])
def test_ranks_are_those_of_networkx(net: Small, damping: float) -> None:
    expected = nx.pagerank(net.directed, alpha=damping, tol=1e-14, max_iter=1000)
    found = analysis.pagerank(tied(net.reverse), damping=damping)
    assert found == pytest.approx(by_agent(expected), rel=1e-6)


def test_a_sweep_takes_what_earlier_agents_pass_on_and_tells_the_change() -> None:
    net = Small([(0, 1), (1, 2), (0, 2)], 3)
    passed, rank = np.array([0.25, 0.5, 0.0]), np.ones(3)
    share = passed.copy()
    change = sweep(*net.reverse.place, passed, 0.5, 0, 3, rank, share)
    assert rank.tolist() == [0.5, 0.625, 0.9375]
    assert share.tolist() == [0.125, 0.3125, 0.0]
    assert change == pytest.approx(0.5 + 0.375 + 0.0625)
    assert sweep(*net.reverse.place, passed, 0.5, 0, 3, rank, share) == 0.0


def test_ways_are_shortest(net: Small) -> None:
    ties = tied(net)
    for start, goal in permutations(range(0, net.agents, 4), 2):
        far = nx.single_source_shortest_path_length(net.directed, start)
        assert analysis.distances(ties, start).tolist() == [
            far.get(v, -1) for v in range(net.agents)
        ]
        way = analysis.shortest_path(ties, start, goal)
        if way is None:
            assert goal not in far
        else:
            assert (way[0], way[-1], len(way) - 1) == (start, goal, far[goal])
            assert {*pairwise(way)} <= {*net.arcs}
    lengths = [d for _, far in nx.shortest_path_length(net.directed) for d in far.values() if d]
    mean = analysis.path_length(ties, None).value
    assert mean == pytest.approx(np.mean(lengths) if lengths else 0.0)


def naive_closed(net: Small, agents: list[int]) -> int:
    """Draw two different neighbours of each agent by the documented addresses."""
    closed = 0
    for i, u in enumerate(agents):
        near = net.row(u)
        if len(near) < 2:
            continue
        a = coin(KEY, i, 1) % len(near)
        b = coin(KEY, i, 2) % (len(near) - 1)
        closed += (near[a], near[b + (b >= a)]) in net.arcs
    return closed


def test_wedges_are_drawn_by_their_addresses_and_closed_in_cliques() -> None:
    net = drawn(40, 45, mutual=True)
    agents = np.random.default_rng(1).integers(0, 30, 400)
    assert (net.degree < 2).any()
    found = closed_wedges(*net.place, agents.astype(np.uint32), KEY)
    assert found == naive_closed(net, agents.tolist())
    assert 0 < found < 400
    clique = Small([(a, b) for a in range(6) for b in range(a)], mutual=True)
    star = Small([(0, v) for v in range(1, MOST)], mutual=True)
    everybody = np.arange(MOST, dtype=np.uint32)
    assert closed_wedges(*clique.place, everybody, KEY) == 6  # the rest know nobody
    assert closed_wedges(*star.place, everybody, KEY) == 0


@pytest.mark.parametrize("ties", [0, 30, 200])
def test_assortativity_is_that_of_networkx(ties: int) -> None:
    net = drawn(25, ties)
    expected = nx.degree_assortativity_coefficient(net.graph) if ties else 0.0
    assert analysis.assortativity(tied(net)) == pytest.approx(expected)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40),
    st.lists(st.integers(-1, 2), min_size=10, max_size=10),
)
def test_ties_within_labels_are_counted(pairs: list[tuple[int, int]], labels: list[int]) -> None:
    arcs = np.array(pairs, np.uint32).reshape(-1, 2)
    ties = Ties.from_arcs(arcs[:, 0], arcs[:, 1], 10)
    total, within = np.full((2, 10), 99, np.int64)
    who = np.arange(10, dtype=np.uint32)
    mixed(ties.live.rows, ties.live.ids, np.array(labels, np.int32), who, total, within)
    known = [(u, v) for u, v in {*pairs} if u != v and labels[u] >= 0 and labels[v] >= 0]
    assert total.tolist() == [sum(u == k for u, _ in known) for k in range(10)]
    same = [u for u, v in known if labels[u] == labels[v]]
    assert within.tolist() == [same.count(k) for k in range(10)]


def test_a_feed_is_as_varied_as_two_of_its_messages_differ() -> None:
    counts = np.array([4, 1, 0, 2, 3], np.uint8)
    topic = np.array([1, 1, 2, 2, 7, 5, 255, 3, 3, 3], np.uint8)
    tally, out = np.zeros(256, np.int64), np.empty(5)
    variety(counts, topic, tally, out)
    # of the six pairs of (1, 1, 2, 2) two are alike
    assert np.allclose(out, [4 / 6, np.nan, np.nan, 1.0, 0.0], equal_nan=True)
    assert not tally.any()


ROWS = lent(np.array([[0, 2], [2, 1], [3, 0]], np.uint32))
IDS = lent(np.array([1, 2, 0], np.uint32))
NO_SIGN = np.empty(0, np.int8)


def moved(trust: int, outcomes: list[int], gain: int = 6554, loss: int = 13107) -> int:
    column = np.array([0, trust, 0], np.uint16)
    k = len(outcomes)
    pairs = np.zeros(k, np.uint32), np.full(k, 2, np.uint32)
    found = np.zeros(k, np.uint8)
    kernels.learn(ROWS, IDS, column, *pairs, np.array(outcomes, np.uint8), gain, loss, found)
    assert found.all()
    assert column[0] == column[2] == 0
    return int(column[1])


@pytest.mark.parametrize(
    ("trust", "outcomes", "left"),
    [(0, [1], 6554), (65535, [0], 52428), (65535, [1], 65535), (0, [0], 0), (30000, [1, 0], 26843)],
)
def test_an_outcome_moves_trust_a_share_of_the_way(
    trust: int, outcomes: list[int], left: int
) -> None:
    assert moved(trust, outcomes) == left


def test_trust_never_leaves_its_range_and_what_is_no_tie_is_left_out() -> None:
    assert moved(65500, [1] * 40, gain=1) == 65535
    assert moved(40, [0] * 50, loss=1) == 0
    assert moved(0, [1], gain=65535) == 65535
    found, column = np.ones(1, np.uint8), np.zeros(3, np.uint16)
    pair = np.array([2], np.uint32), np.array([1], np.uint32)
    kernels.learn(ROWS, IDS, column, *pair, np.ones(1, np.uint8), 9, 9, found)
    assert (found.tolist(), column.tolist()) == ([0], [0, 0, 0])


def test_trust_given_is_counted_by_listener_and_none_against_a_source() -> None:
    trust, sign = np.array([5, 7, 9], np.uint16), np.array([1, -1, 1], np.int8)
    total = np.zeros(3, np.int64)
    kernels.given_trust(ROWS, IDS, trust, sign, total)
    assert total.tolist() == [9, 5, 0]
    total[:] = 0
    kernels.given_trust(ROWS, IDS, trust[:0], NO_SIGN, total)
    assert total.tolist() == [65535, 65535, 65535]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_reputation_comes_from_what_listeners_passed_on_before(kind: Any) -> None:
    base, passed = np.array([0.5, 0.0, 0.0]), np.array([0.1, 0.2, 0.4])
    rank, share = base.copy(), np.array([0.5, 1.0, 2.0], kind)
    after = np.zeros_like(share)
    trust, sign = np.array([2, 3, 1], np.uint16), np.array([1, 1, 1], np.int8)
    change = kernels.flow(ROWS, IDS, trust, sign, base, passed, 0, 3, rank, share, after)
    assert rank.tolist() == [8.5, 0.5, 0.0]
    assert after.tolist() == pytest.approx([0.85, 0.1, 0.0])
    assert share.tolist() == [0.5, 1.0, 2.0]
    assert change == pytest.approx(8.5)
    kernels.flow(ROWS, IDS, trust, -sign, base, passed, 0, 3, rank, share, after)
    assert rank.tolist() == base.tolist()


def test_outcomes_are_foretold_from_those_before() -> None:
    raters, rated = np.array([0, 0, 1, 0], np.uint32), np.array([2, 2, 2, 1], np.uint32)
    good, out = np.array([1, 0, 1, 1], np.uint8), np.zeros(4)
    received, given = np.zeros((3, 2)), np.zeros((3, 2))
    kernels.foretell(raters, rated, good, received, given, out)
    assert out.tolist() == [0.5, 0.8, 0.5, 0.5]
    assert received.tolist() == [[0, 0], [0, 1], [1, 2]]
    assert given.tolist() == [[1, 2], [0, 1], [0, 0]]

"""CELF, discounts, forecasts and blocking against plain Python on the very same live ties."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import LiveEdges, Ties
from sim.core import rng
from sim.core.rng import Stream
from sim.spread.influence import blocking, live_edges
from sim.spread.influence.blocking import block
from sim.spread.influence.celf import celf, degree_discount
from sim.spread.influence.live_edges import LiveNetwork, sizes_of, spread_of
from tests.unit.spread.influence.exact import Pair, reached

RUNS = 12


@st.composite
def networks(draw: st.DrawFn) -> LiveNetwork:
    agents = draw(st.integers(2, 9))
    ids = st.integers(0, agents - 1)
    arcs = draw(st.lists(st.tuples(ids, ids), max_size=25))
    ties = Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], agents)
    chance = draw(st.sampled_from([0.0, 0.4, 0.7, 1.0]))
    return LiveNetwork(ties, LiveEdges(chance), draw(st.integers(0, 99)))


def pairs_of(network: LiveNetwork) -> list[Pair]:
    ties = network.ties
    return list(zip(ties.sources().tolist(), ties.targets.tolist(), strict=True))


def live(network: LiveNetwork, runs: int = RUNS) -> list[list[Pair]]:
    """Return the live ties of rehearsals, by the coins of each tie."""
    keys = rng.words(rng.key(network.seed, Stream.REHEARSALS), np.arange(runs))
    return [
        [
            (u, v)
            for u, v in pairs_of(network)
            if rng.uniforms(np.uint64(key), u, v)[0] < network.edges.chance
        ]
        for key in keys
    ]


def lots(network: LiveNetwork, size: int) -> list[int]:
    key = rng.key(network.seed, Stream.EQUALS)
    return [int(lot) for lot in rng.words(key, np.arange(size))]


@given(networks(), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_celf_is_exact_greedy_in_its_runs(network: LiveNetwork, k: int) -> None:
    graphs, draws, chosen = live(network), lots(network, network.agents), list[int]()
    for _ in range(min(k, network.agents)):
        left = [v for v in range(network.agents) if v not in chosen]
        sums = {v: sum(len(reached(g, [*chosen, v])) for g in graphs) for v in left}
        chosen.append(max(left, key=lambda v: (sums[v], -draws[v])))
    assert celf(network, k, runs=RUNS).tolist() == chosen


@given(networks(), st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=9, max_size=9))
@settings(max_examples=15, deadline=None)
def test_celf_within_a_budget_is_at_least_any_single_agent(
    network: LiveNetwork, costs: list[float]
) -> None:
    prices = np.array(costs[: network.agents])
    graphs = live(network)

    def total(seeds: list[int]) -> int:
        return sum(len(reached(g, seeds)) for g in graphs)

    found = celf(network, network.agents, runs=RUNS, costs=prices, budget=3.0).tolist()
    assert prices[found].sum() <= 3.0
    within = [v for v in range(len(prices)) if prices[v] <= 3.0]
    assert total(found) >= max(total([v]) for v in within)


@given(networks(), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_blocked_agents_are_those_whose_loss_is_largest_in_its_runs(
    network: LiveNetwork, k: int
) -> None:
    graphs, draws, blocked = live(network), lots(network, network.agents), list[int]()
    for _ in range(k):
        left = [v for v in range(1, network.agents) if v not in blocked]

        def size(closed: list[int]) -> int:
            return sum(len(reached(g, [0], closed)) for g in graphs)

        losses = {v: size(blocked) - size([*blocked, v]) for v in left}
        if not losses or not max(losses.values()):
            break
        blocked.append(max(left, key=lambda v: (losses[v], -draws[v])))
    assert block(network, np.array([0], np.uint32), k, runs=RUNS).tolist() == blocked


@given(networks(), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_blocked_ties_are_those_whose_loss_is_largest_in_its_runs(
    network: LiveNetwork, k: int
) -> None:
    known, seeds = pairs_of(network), [0, 1]
    graphs, draws, blocked = live(network), lots(network, len(known)), list[int]()
    for _ in range(k):
        dead = {known[place] for place in blocked}

        def size(without: set[Pair]) -> int:
            return sum(len(reached([p for p in g if p not in without], seeds)) for g in graphs)

        before = size(dead)
        losses = {
            i: before - size({*dead, pair}) for i, pair in enumerate(known) if i not in blocked
        }
        if not losses or not max(losses.values()):
            break
        blocked.append(max(losses, key=lambda i: (losses[i], -draws[i])))
    assert block(network, np.array(seeds, np.uint32), k, "ties", runs=RUNS).tolist() == blocked


def test_more_live_ties_than_there_is_room_for_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    ties = Ties.from_arcs(generator.integers(0, 60, 400), generator.integers(0, 60, 400), 60)
    network, rumour = LiveNetwork(ties, LiveEdges(0.5), 3), np.array([4], np.uint32)
    usual = block(network, rumour, 3).tolist()
    monkeypatch.setattr(blocking, "_ROOM", 2)
    assert block(network, rumour, 3).tolist() == usual


def naive_discount(network: LiveNetwork, k: int) -> list[int]:
    chosen: list[int] = []
    draws, p = lots(network, network.agents), network.edges.chance
    hears = pairs_of(network)

    def worth(v: int) -> float:
        d = sum(a == v for a, _ in hears)
        t = sum(b == v and a in chosen for a, b in hears)
        if network.edges.scale == "degree":
            return d - t
        return d - 2 * t - (d - t) * t * p

    for _ in range(k):
        left = [v for v in range(network.agents) if v not in chosen]
        chosen.append(max(left, key=lambda v: (worth(v), -draws[v])))
    return chosen


@given(networks(), st.sampled_from([LiveEdges(0.3), LiveEdges(scale="degree")]))
@settings(max_examples=25)
def test_degree_discount_is_that_of_its_formula(network: LiveNetwork, edges: LiveEdges) -> None:
    own = LiveNetwork(network.ties, edges, network.seed)
    k = min(4, own.agents)
    assert degree_discount(own, k).tolist() == naive_discount(own, k)


def some() -> LiveNetwork:
    generator = np.random.default_rng(2)
    ties = Ties.from_arcs(generator.integers(0, 60, 200), generator.integers(0, 60, 200), 60)
    return LiveNetwork(ties, LiveEdges(0.3), 3)


def test_runs_are_the_same_in_any_portions_and_a_forecast_may_be_cancelled() -> None:
    network = some()
    whole = sizes_of(network, [3, 8], 50)
    assert whole.tolist() == network.sizes([3, 8], 50).tolist()
    assert sizes_of(network, [3, 8], 20, first=30).tolist() == whole[30:].tolist()

    def refuse(stage: str, share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        spread_of(some(), [3], report=refuse)


def test_a_forecast_has_as_many_runs_as_its_interval_needs() -> None:
    network = some()
    found = spread_of(network, [3, 8])
    first = network.sizes([3, 8], live_edges.FIRST_RUNS)
    wanted = int(np.ceil((1.96 * first.std(ddof=1) / (0.01 * first.mean())) ** 2))
    assert found.runs == min(wanted, live_edges.MOST_RUNS)
    assert found.mean == network.sizes([3, 8], found.runs).mean()
    path = LiveNetwork(Ties.from_arcs([0, 1], [1, 2]), LiveEdges(1.0), 3)
    assert spread_of(path, [0]) == (3.0, 3.0, 3.0, live_edges.FIRST_RUNS)


@pytest.mark.parametrize("edges", [LiveEdges(0.4), LiveEdges(one_source="uniform")], ids=str)
def test_dead_ties_carry_nothing(edges: LiveEdges) -> None:
    network = LiveNetwork(Ties.from_arcs([0, 0, 1], [1, 2, 3]), edges, 3)
    dead: npt.NDArray[np.uint8] = np.array([1, 1, 0], np.uint8)
    assert set(network.sizes([0], 40, dead=dead).tolist()) == {1}
    assert set(network.sizes([0], 40, coins=True, dead=dead).tolist()) == {1}

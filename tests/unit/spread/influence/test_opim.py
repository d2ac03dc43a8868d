"""Seeds against every choice there is: greedy, optimum, guarantee, budgets."""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sim import LiveEdges, Ties
from sim.core import rng
from sim.core.rng import Stream
from sim.core.threads import allow, workers
from sim.errors import CapacityError
from sim.spread.influence import opim
from sim.spread.influence import opim as reverse_sets
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.opim import Choice, ReverseSets, best_seeds, covering, covering_within
from tests.unit.spread.influence.exact import graphs, greedy, optimum, spread

KEY = rng.key(1, Stream.EQUALS)
RULES = (LiveEdges(0.3), LiveEdges(scale="degree"), LiveEdges(one_source="uniform"))


@st.composite
def small(draw: st.DrawFn) -> LiveNetwork:
    agents = draw(st.integers(3, 6))
    ids = st.integers(0, agents - 1)
    arcs = draw(st.lists(st.tuples(ids, ids), min_size=1, max_size=8))
    ties = Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], agents)
    return LiveNetwork(ties, draw(st.sampled_from(RULES)), draw(st.integers(0, 99)))


def everybody(network: LiveNetwork) -> npt.NDArray[np.uint32]:
    return np.arange(network.agents, dtype=np.uint32)


def sets_of(network: LiveNetwork, count: int, large: int | None = None) -> ReverseSets:
    sets = ReverseSets(network, Stream.CHOOSING, large=large)
    sets.grow(count)
    return sets


def naive(sets: ReverseSets) -> list[set[int]]:
    parts = np.split(sets.members, sets.ends[:-1].astype(np.int64))
    return [set(part.tolist()) for part in parts]


@given(small(), st.integers(1, 3), st.sampled_from([None, 1]))
@settings(max_examples=40)
def test_coverage_is_greedy_and_bounded_by_what_no_choice_exceeds(
    network: LiveNetwork, k: int, large: int | None
) -> None:
    known = naive(sets_of(network, 60))
    choice = covering(sets_of(network, 60, large), k, everybody(network), KEY)
    lots = rng.words(KEY, everybody(network)).tolist()
    open_sets, chosen = list(known), list[int]()
    for seed in choice.seeds.tolist():
        left = [v for v in range(network.agents) if v not in chosen]
        gains = {v: sum(v in one for one in open_sets) for v in left}
        if not max(gains.values()):
            gains = {v: sum(v in one for one in known) for v in left}
        assert seed == max(left, key=lambda v: (gains[v], -lots[v]))
        chosen.append(seed)
        open_sets = [one for one in open_sets if seed not in one]
    best = max(
        sum(bool(one & set(some)) for one in known)
        for some in combinations(range(network.agents), k)
    )
    assert choice.covered == len(known) - len(open_sets)
    assert (1 - 1 / np.e) * best <= choice.covered <= best <= choice.most


@given(small(), st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.5]), min_size=6, max_size=6))
@settings(max_examples=40)
def test_coverage_within_a_budget_is_bounded_by_what_no_choice_exceeds(
    network: LiveNetwork, costs: list[float]
) -> None:
    prices, budget = np.array(costs[: network.agents]), 4.0
    known = naive(sets_of(network, 60))
    choice = covering_within(sets_of(network, 60), prices, budget, everybody(network), KEY)
    best = max(
        sum(bool(one & set(some)) for one in known)
        for k in range(1, network.agents + 1)
        for some in combinations(range(network.agents), k)
        if prices[list(some)].sum() <= budget
    )
    assert prices[choice.seeds].sum() <= budget
    assert choice.covered == sum(bool(one & set(choice.seeds.tolist())) for one in known)
    assert 0.5 * (1 - 1 / np.e) * best <= choice.covered <= best <= choice.most + 1e-9


@given(small(), st.integers(1, 2))
@settings(max_examples=12, deadline=None)
def test_the_guarantee_holds_against_the_optimum(network: LiveNetwork, k: int) -> None:
    known = list(graphs(network.ties, network.edges, network.seed))
    found = best_seeds(network, k)
    reached = spread(known, found.seeds.tolist())
    best = optimum(known, network.agents, k)
    assert found.guarantee.probability == 0.999
    assert found.guarantee.ratio >= found.guarantee.wanted
    assert reached >= found.guarantee.ratio * best
    assert reached >= (1 - 1 / np.e - 0.1) * best
    error = (reached * (network.agents - reached) / (found.guarantee.sets / 2)) ** 0.5
    assert abs(found.spread - reached) <= 5 * error + 1e-9


@given(small())
@settings(max_examples=12, deadline=None)
def test_seeds_are_as_good_as_those_of_exact_greedy(network: LiveNetwork) -> None:
    known = list(graphs(network.ties, network.edges, network.seed))
    exact = spread(known, greedy(known, network.agents, 2))
    assert spread(known, best_seeds(network, 2).seeds.tolist()) >= 0.97 * exact


@given(small())
@settings(max_examples=10, deadline=None)
def test_the_guarantee_holds_under_costs(network: LiveNetwork) -> None:
    costs = np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])[: network.agents]
    known = list(graphs(network.ties, network.edges, network.seed))
    found = best_seeds(network, 3, costs=costs, budget=3.0)
    best = max(
        spread(known, some)
        for k in (1, 2, 3)
        for some in combinations(range(network.agents), k)
        if costs[list(some)].sum() <= 3.0
    )
    assert costs[found.seeds].sum() <= 3.0
    assert spread(known, found.seeds.tolist()) >= found.guarantee.ratio * best


def star(leaves: int = 40) -> LiveNetwork:
    ties = Ties.from_arcs([0] * leaves, range(1, leaves + 1))
    return LiveNetwork(ties, LiveEdges(1.0), 7)


def test_the_ratio_is_that_of_exact_binomial_bounds() -> None:
    seeds = np.array([3], np.uint32)
    ratio = opim._ratio(Choice(seeds, 70, 80.0), 60, 100, 50, surely=5.0)
    low = opim._ratio(Choice(seeds, 70, 100.0), 60, 100, 50, surely=5.0)
    high = low / ratio
    assert binom.sf(59, 100, low) == pytest.approx(np.exp(-5.0))
    assert binom.cdf(80, 100, high) == pytest.approx(np.exp(-5.0))
    nothing = Choice(np.array([3, 4], np.uint32), 0, 100.0)  # leaves the seeds themselves
    assert opim._ratio(nothing, 0, 100, 50, surely=5.0) == 2 / 50


def test_all_who_are_wanted_are_found_when_nobody_is_left_to_reach() -> None:
    found = best_seeds(star(), 41)
    assert sorted(found.seeds.tolist()) == list(range(41))
    assert found.seeds[0] == 0
    assert found.guarantee.ratio == 1.0


def test_only_those_who_may_be_chosen_are() -> None:
    found = best_seeds(star(), 2, among=np.array([3, 5, 8], np.uint32))
    assert set(found.seeds.tolist()) < {3, 5, 8}


def test_more_agents_than_the_order_is_kept_for_are_chosen() -> None:
    ties = Ties.from_arcs(range(0, 300, 2), range(1, 300, 2), 300)
    network = LiveNetwork(ties, LiveEdges(1.0), 7)
    assert sorted(best_seeds(network, 150).seeds.tolist()) == list(range(0, 300, 2))


def test_seeds_are_the_same_on_any_number_of_threads() -> None:
    generator = np.random.default_rng(3)
    ties = Ties.from_arcs(generator.integers(0, 400, 3000), generator.integers(0, 400, 3000), 400)
    network, before = LiveNetwork(ties, LiveEdges(0.1), 7), workers()
    try:
        found = []
        for threads in (1, 2):
            allow(threads)
            found.append(best_seeds(network, 5))
    finally:
        allow(before)
    assert found[0].seeds.tolist() == found[1].seeds.tolist()
    assert found[0][1:] == found[1][1:]


def test_little_memory_is_told_in_the_guarantee() -> None:
    generator = np.random.default_rng(3)
    ties = Ties.from_arcs(generator.integers(0, 400, 3000), generator.integers(0, 400, 3000), 400)
    network = LiveNetwork(ties, LiveEdges(0.02), 7)
    found = best_seeds(network, 5, memory=1000)
    assert found.guarantee.sets == 2 * opim.FIRST_SETS
    assert found.guarantee.ratio < found.guarantee.wanted
    assert "memory ended it" in str(found.guarantee)
    assert "memory" not in str(best_seeds(network, 5).guarantee)


def test_progress_rises_to_the_end() -> None:
    told: list[float] = []
    best_seeds(star(), 1, report=lambda stage, share: told.append(share))
    assert told == sorted(told)
    assert 0.0 <= told[0] <= told[-1] <= 1.0


def test_more_than_can_be_counted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_sets, "_MOST", 100)
    with pytest.raises(CapacityError, match="larger epsilon"):
        best_seeds(star(), 1)

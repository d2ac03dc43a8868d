"""Sets and runs have the law of live-edge graphs, all of which are gone through here."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import LiveEdges, Ties, make
from sim.core.rng import Stream
from sim.core.threads import allow, workers
from sim.errors import InputError
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.opim import ReverseSets
from tests.unit.spread.influence.exact import graphs, reached, spread

RULES = (
    LiveEdges(0.35),
    LiveEdges(1.0),
    LiveEdges(scale="degree"),
    LiveEdges(0.8, scale="trust"),
    LiveEdges(0.9, levels=(0.8, 0.4, 0.1)),
    LiveEdges(0.7, across=0.3),
    LiveEdges(one_source="uniform"),
    LiveEdges(one_source="trust"),
)
LABELS = (0, 0, 1, -1, 1)
SETS, RUNS = 20_000, 5_000


def of_five(edges: LiveEdges, active: npt.NDArray[np.bool_] | None = None) -> LiveNetwork:
    ties = Ties.from_arcs(
        [0, 0, 1, 2, 3, 3, 4, 1],
        [1, 2, 3, 3, 4, 0, 1, 2],
        5,
        trust=[0.9, 0.2, 0.5, 1.0, 0.7, 0.0, 0.4, 0.6],
    )
    return LiveNetwork(ties, edges, 7, active=active, labels=np.array(LABELS, np.int32))


def known(network: LiveNetwork) -> list[tuple[float, list[tuple[int, int]]]]:
    labels = LABELS if network.edges.across != 1.0 else ()
    return list(graphs(network.ties, network.edges, network.seed, labels))


@pytest.mark.parametrize("edges", RULES, ids=str)
def test_the_share_of_sets_that_hold_an_agent_is_its_expected_spread(edges: LiveEdges) -> None:
    network = of_five(edges)
    sets = ReverseSets(network, Stream.CHOOSING)
    sets.grow(SETS)
    for agent in range(5):
        share = spread(known(network), [agent]) / 5
        error = (share * (1 - share) / SETS) ** 0.5
        assert abs(int(sets.counts[agent]) / SETS - share) <= 4.5 * error + 1e-12


@pytest.mark.parametrize("edges", RULES, ids=str)
@pytest.mark.parametrize("coins", [True, False])
def test_the_mean_size_of_runs_is_the_expected_spread(edges: LiveEdges, coins: bool) -> None:
    network = of_five(edges)
    for seeds in ([0], [1, 4]):
        sizes = network.sizes(seeds, RUNS, coins=coins)
        error = float(sizes.std()) / RUNS**0.5
        assert abs(sizes.mean() - spread(known(network), seeds)) <= 4.5 * error + 1e-9


@pytest.mark.parametrize("edges", RULES, ids=str)
def test_who_takes_no_part_neither_adopts_nor_passes_on(edges: LiveEdges) -> None:
    active = np.array([True, True, False, True, True])
    network = of_five(edges, active)
    sets = ReverseSets(network, Stream.CHOOSING)
    sets.grow(SETS)
    assert sets.counts[2] == 0
    for agent in (0, 1, 3, 4):
        share = spread(known(network), [agent], closed=[2]) / 4
        error = (share * (1 - share) / SETS) ** 0.5
        assert abs(int(sets.counts[agent]) / SETS - share) <= 4.5 * error + 1e-12
        sizes = network.sizes([agent, 2], RUNS)
        error = float(sizes.std()) / RUNS**0.5
        assert abs(sizes.mean() - 4 * share) <= 4.5 * error + 1e-9


@st.composite
def networks(draw: st.DrawFn) -> Ties:
    agents = draw(st.integers(2, 12))
    arcs = draw(
        st.lists(st.tuples(st.integers(0, agents - 1), st.integers(0, agents - 1)), max_size=30)
    )
    return Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], agents)


@given(networks())
@settings(max_examples=30)
def test_at_chance_one_a_set_is_all_who_reach_its_root_and_at_chance_zero_its_root(
    ties: Ties,
) -> None:
    pairs = list(zip(ties.sources().tolist(), ties.targets.tolist(), strict=True))
    for chance in (0.0, 1.0):
        sets = ReverseSets(LiveNetwork(ties, LiveEdges(chance), 3), Stream.CHOOSING)
        sets.grow(40)
        begin = 0
        for end in sets.ends.tolist():
            root, *_ = found = sets.members[begin:end].tolist()
            turned = [(b, a) for a, b in pairs] if chance else []
            assert len(found) == len(set(found))
            assert set(found) == reached(turned, [root])
            begin = end


@given(networks(), st.sampled_from(RULES[:3] + RULES[6:]), st.integers(0, 99))
@settings(max_examples=30)
def test_with_a_coin_a_tie_gains_are_submodular_in_every_run(
    ties: Ties, edges: LiveEdges, seed: int
) -> None:
    network = LiveNetwork(ties, edges, seed)
    few, many, new = [0], sorted({0, ties.agents - 1}), ties.agents // 2

    def sizes(seeds: list[int]) -> npt.NDArray[np.int64]:
        return network.sizes(sorted(set(seeds)), 20, coins=True)

    assert (sizes(many) >= sizes(few)).all()
    assert (sizes([*few, new]) - sizes(few) >= sizes([*many, new]) - sizes(many)).all()


@given(networks(), st.sampled_from(RULES[:3] + RULES[6:]))
@settings(max_examples=20)
def test_bitmaps_say_what_lists_say(ties: Ties, edges: LiveEdges) -> None:
    network = LiveNetwork(ties, edges, 5)
    lists, maps = (ReverseSets(network, Stream.CHOOSING, large=large) for large in (1000, 1))
    lists.grow(200)
    maps.grow(200)
    single = int((np.diff(lists.ends, prepend=0) == 1).sum())
    assert (len(lists.maps), len(maps.maps)) == (0, 200 - single)
    assert (lists.counts == maps.counts).all()
    assert lists.agents == maps.agents == int(lists.counts.sum())
    for seeds in ([0], [0, ties.agents - 1]):
        assert lists.covered(np.array(seeds)) == maps.covered(np.array(seeds))


@pytest.mark.parametrize("edges", [RULES[0], RULES[2], RULES[6]], ids=str)
def test_sets_are_the_same_on_any_number_of_threads_and_in_any_portions(edges: LiveEdges) -> None:
    network, before = of_five(edges), workers()
    found = []
    try:
        for threads, portions in ((1, (3000,)), (3, (3000,)), (2, (7, 900, 3000))):
            allow(threads)
            sets = ReverseSets(network, Stream.CHECKING, large=3)
            for count in portions:
                sets.grow(count)
            found.append((sets.members.tolist(), sets.ends.tolist(), sets.maps.tolist()))
    finally:
        allow(before)
    assert found[0] == found[1] == found[2]


def test_a_reader_may_cancel_and_what_was_drawn_stays() -> None:
    sets = ReverseSets(of_five(RULES[0]), Stream.CHOOSING)

    def refuse(stage: str, share: float) -> None:
        if share > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sets.grow(4000, refuse)
    assert 0 < sets.drawn < 4000
    assert sets.ends.size == sets.drawn
    sets.grow(4000)
    other = ReverseSets(of_five(RULES[0]), Stream.CHOOSING)
    other.grow(4000)
    assert (sets.members == other.members).all()


def test_nobody_active_is_refused() -> None:
    with pytest.raises(InputError, match="No member is active"):
        of_five(RULES[0], np.zeros(5, np.bool_))


@pytest.mark.parametrize(
    ("model", "options", "edges"),
    [
        ("independent-cascade", {"probability": 0.3}, LiveEdges(0.3)),
        (
            "independent-cascade",
            {"probability": 0.3, "weights": "trust"},
            LiveEdges(0.3, scale="trust"),
        ),
        ("independent-cascade", {"weights": "weighted-cascade"}, LiveEdges(scale="degree")),
        ("independent-cascade", {"weights": "trivalency"}, LiveEdges(levels=(0.1, 0.01, 0.001))),
        ("linear-threshold", {}, LiveEdges(one_source="uniform")),
        ("linear-threshold", {"weights": "trust"}, LiveEdges(one_source="trust")),
        ("icp", {"probability": 0.2, "permeability": 0.5}, LiveEdges(0.2, across=0.5)),
        ("continuous-cascade", {"probability": 0.2}, LiveEdges(0.2)),
        ("continuous-cascade", {"span": 3.0}, None),
        ("time-decay", {"since": "message"}, None),
        ("sir", {}, None),
    ],
)
def test_a_model_says_which_ties_are_live(
    model: str, options: dict[str, object], edges: LiveEdges | None
) -> None:
    assert make(model, "propagation", **options).live_edges() == edges


def test_attempts_that_weaken_with_time_sum_up_to_one_chance() -> None:
    model = make("time-decay", "propagation", probability=0.5, tau=1.0, attempts=2)
    edges = model.live_edges()
    first, second = 0.5 * np.exp(-1), 0.5 * np.exp(-2)
    assert edges.chance == pytest.approx(first + second - first * second)


@pytest.mark.parametrize("edges", RULES, ids=str)
def test_a_rule_is_said_in_words(edges: LiveEdges) -> None:
    assert str(edges)


def test_stated_interval_is_the_normal_one() -> None:
    network = of_five(RULES[0])
    sizes, found = network.sizes([0], 100), network.spread([0], 100)
    assert found.mean == sizes.mean()
    assert found.half == pytest.approx(1.959964 * sizes.std(ddof=1) / 10)
    assert str(found).startswith(f"{found.mean:,.1f} (95 %")

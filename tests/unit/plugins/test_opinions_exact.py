"""Numbers that opinion models must give: fixed points, steps and conserved means."""

from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from sim import Cascade, Setting, World, make
from sim.errors import CapacityError, ParameterError
from sim.testing import Given, tiny_world
from sim.testing.model_laws import relabelled

KARATE = np.array(nx.karate_club_graph().edges())


def model_of(story: Cascade) -> Any:
    return story.model


def karate() -> World:
    return World.from_edges(KARATE[:, 0], KARATE[:, 1], 34, False)


def complete(agents: int, seed: int = 0) -> World:
    return World.from_edges(*np.triu_indices(agents, 1), agents, False, seed=seed)


def discussed(world: World, model: str, **options: Any) -> Cascade:
    story = world.inject("Should the bridge be closed?", seeds=[0], model=model, **options)
    world.run_until_quiet(story, limit=2000)
    assert story.status == "quiet", story.error
    return story


def opinions(story: Cascade) -> Any:
    return np.asarray(story.columns["opinion"])


def test_degroot_and_friedkin_johnsen_on_the_karate_club() -> None:
    story = discussed(karate(), "degroot", initial="even", tolerance=1e-14)
    np.testing.assert_allclose(opinions(story), 0.4924242424242424, rtol=0, atol=1e-9)
    story = discussed(karate(), "friedkin-johnsen", anchor=0.1, initial="even", tolerance=1e-14)
    found = opinions(story)[[0, 16, 33]]
    expected = [0.3489184376, 0.3255266052, 0.6264473851]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert opinions(story).mean() == pytest.approx(0.4920182686, abs=1e-9)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("degroot", {"weights": "trust", "stay": 0.3}), ("friedkin-johnsen", {}),
        ("hegselmann-krause", {"bound": 0.4}), ("altafini", {"negative": 0}),
    ],
)  # fmt: skip
def test_other_numbers_of_agents_give_the_same_opinions(model: str, options: Any) -> None:
    label = np.random.default_rng(8).permutation(60)
    one = tiny_world()
    two = relabelled(one, label, one.seed)
    start = np.random.default_rng(9).random(60)
    for world, held in ((one, start), (two, start[np.argsort(label)])):
        world.opinions.hold("t", held, span=make(model).span)
        world.inject("?", seeds=[0], model=model, topic="t", **options)
        world.step(6)
    np.testing.assert_allclose(two.opinions["t"][label], one.opinions["t"], rtol=0, atol=1e-12)
    assert np.abs(one.opinions["t"] - start).max() > 0.1


def test_degroot_converges_by_the_second_eigenvalue() -> None:
    world = karate()
    story = world.inject("?", seeds=[0], model="degroot", initial="even", tolerance=0)
    world.step(80)
    before = np.abs(opinions(story) - 0.4924242424242424).max()
    world.step(10)
    after = np.abs(opinions(story) - 0.4924242424242424).max()
    assert (after / before) ** 0.1 == pytest.approx(0.8677277, abs=1e-6)


def test_degroot_by_trust_is_a_product_of_matrices() -> None:
    world = tiny_world()
    story = world.inject("?", seeds=[0], model="degroot", weights="trust", stay=0.25)
    weights = np.zeros((60, 60))
    sources = np.repeat(np.arange(60), world.ties.rows[:, 1])
    weights[world.ties.targets, sources] = world.ties.trust
    rows = weights.sum(axis=1, keepdims=True)
    weights = np.where(rows > 0, weights / np.maximum(rows, 1), np.eye(60))
    expected = np.linalg.matrix_power(0.25 * np.eye(60) + 0.75 * weights, 7) @ opinions(story)
    world.step(7)
    np.testing.assert_allclose(opinions(story), expected, rtol=0, atol=1e-12)


def test_hegselmann_krause_of_eleven_agrees_and_of_21_parts_into_three() -> None:
    world = complete(11)
    story = world.inject("?", seeds=[0], model="hegselmann-krause", initial="even", bound=0.25)
    world.step(7)
    assert np.ptp(opinions(story)) > 1e-9
    world.step()
    np.testing.assert_allclose(opinions(story), 0.5, rtol=0, atol=1e-12)
    world = complete(21)
    story = world.inject("?", seeds=[0], model="hegselmann-krause", initial="even", bound=0.15)
    world.step(5)
    assert np.unique(opinions(story).round(9)).size > 3
    world.step()
    places, members = np.unique(opinions(story).round(9), return_counts=True)
    np.testing.assert_allclose(places, [0.204187, 0.5, 0.795813], rtol=0, atol=5e-7)
    assert members.tolist() == [7, 7, 7]
    assert model_of(story).metrics(story)["clusters"] == 3


@pytest.mark.parametrize("model", ["deffuant", "algorithmic-bias"])
def test_the_mean_opinion_is_conserved(model: str) -> None:
    world = karate()
    story = world.inject("?", seeds=[0], model=model, bound=0.5)
    assert model_of(story).conserves
    mean, spread = opinions(story).mean(), opinions(story).std()
    world.step(200)
    assert opinions(story).mean() == pytest.approx(mean, abs=1e-12)
    assert opinions(story).std() < 0.9 * spread


@pytest.mark.parametrize("model", ["deffuant", "algorithmic-bias", "hegselmann-krause"])
def test_a_bound_beyond_the_range_of_opinions_lets_the_farthest_agree(model: str) -> None:
    world = World.from_edges([0, 1], [1, 0], 2)
    story = world.inject("?", seeds=[0], model=model, initial="even", bound=2)
    assert opinions(story).tolist() == [0.0, 1.0]
    world.step()
    assert opinions(story).tolist() == [0.5, 0.5]


def test_along_one_sided_ties_the_listener_alone_moves() -> None:
    world = World.from_edges([0], [1], 2)
    story = world.inject("?", seeds=[0], model="deffuant", initial="even", bound=1)
    world.opinions.hold("t", [0.2, 0.6], span=(0, 1))
    other = world.inject("?", seeds=[0], model="deffuant", topic="t", bound=1, mu=0.25)
    world.step()
    assert opinions(story).tolist() == [0.0, 1.0]  # a gap of 1 is not < 1
    assert world.opinions["t"].tolist() == [0.2, 0.5]
    assert other.counts["undecided"] == 1


def test_hostile_camps_end_apart() -> None:
    clubs = nx.karate_club_graph().nodes(data="club")
    camp = np.array([1.0 if club == "Officer" else -1.0 for _, club in clubs])
    signs = (camp[KARATE[:, 0]] * camp[KARATE[:, 1]]).astype(int)
    world = World.from_edges(KARATE[:, 0], KARATE[:, 1], 34, False, sign=signs)
    story = discussed(world, "altafini", initial="even", tolerance=1e-14)
    start, degree = np.linspace(-1, 1, 34), world.ties.in_degree
    distance = float(degree @ (camp * start) / degree.sum())  # of the consensus, camps mirrored
    np.testing.assert_allclose(opinions(story), camp * distance, rtol=0, atol=1e-9)
    assert distance == pytest.approx(0.6612276612, abs=1e-10)


def test_signs_are_the_same_in_both_directions_and_all_negative_swings() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 0], 3, False)
    world.opinions.hold("t", [0.9, -0.5, 0.3])
    story = world.inject("?", seeds=[0], model="altafini", topic="t", negative=1, tolerance=1e-12)
    world.run_until_quiet(story)
    np.testing.assert_allclose(world.opinions["t"], 0, atol=1e-9)  # no two camps fit a triangle


def test_signs_of_ties_are_taken_where_there_are_some() -> None:
    # 1 hears friend 0 and foe 2; 3 hears foe 0
    world = World.from_edges([0, 2, 0], [1, 1, 3], 4, sign=[1, -1, -1])
    options: Any = {"model": "altafini", "pace": 1, "negative": 0}
    world.opinions.hold("t", [0.8, 0.0, 0.4, 0.0])
    world.inject("?", seeds=[0], topic="t", **options)
    world.step()
    np.testing.assert_allclose(world.opinions["t"], [0.8, 0.2, 0.4, -0.8])
    world.opinions.hold("u", [0.8, 0.0, 0.4, 0.0])
    world.inject("?", seeds=[0], topic="u", channel=Given([3, 1], [0, 3]), **options)
    world.step()
    np.testing.assert_allclose(world.opinions["u"], [0.8, 0.0, 0.4, -0.8])  # 3 is no tie of 1's


def test_partners_are_drawn_by_distance() -> None:
    # one listener at 0.5 hears ten, 300,000 times; the exact law, chi-square
    places = 0.5 + np.array([-0.2, -0.24, -0.28, -0.33, -0.37, 0.21, 0.25, 0.31, 0.34, 0.41])
    world = World.from_edges(np.arange(1, 11), np.zeros(10, int), 11)
    drawn = heard_places(world, places, gamma=3.0, rounds=300_000)
    weights = np.abs(places - 0.5) ** -3.0
    expected = 300_000 * weights / weights.sum()
    assert stats.chisquare(drawn, expected).pvalue > 1e-4


def heard_places(world: World, places: Any, gamma: float, rounds: int) -> Any:
    """How often each of ten is heard, told by a kernel that is stopped from moving anybody."""
    from sim.core import rng
    from sim.spread.opinions.meetings import _preference
    from sim.spread.opinions.pairs_kernels import prefer, weigh
    from sim.spread.opinions.voices import HeardRows

    rows, sources, trust = world.ties.reverse.parts
    heard = HeardRows(rows, sources, trust, np.empty(0, np.int8), False, world.network())
    near = _preference(gamma, (0.0, 1.0), heard)
    x = np.concatenate([[0.5], places])
    seen, key = np.zeros(10, np.int64), rng.key(5, rng.Stream.MEETINGS)
    none = np.empty(0, np.uint64)
    total = weigh(rows, sources, none, 0, x, near)
    for k in range(rounds):
        seen[prefer(10, total, key, k, near)] += 1
    return seen


@pytest.mark.parametrize(
    ("plain", "biased", "near"),
    [
        ({"model": "deffuant", "bound": 0.4},
         {"model": "algorithmic-bias", "bound": 0.4, "gamma": 0}, 1e-12),
        ({"model": "algorithmic-bias"},
         {"model": "algorithmic-bias-media", "media_chance": 0}, 0),
    ],
)  # fmt: skip
def test_no_bias_is_deffuant_and_media_never_heard_change_nothing(
    plain: Any, biased: Any, near: float
) -> None:
    found = []
    for options in (plain, biased):
        world = karate()
        found.append(world.inject("?", seeds=[0], **options))
        world.step(5)
    np.testing.assert_allclose(opinions(found[0]), opinions(found[1]), rtol=0, atol=near)


def test_media_win_over_those_present_and_leave_nobody_within_reach_at_rest() -> None:
    world = karate()
    options: Any = {"media_opinions": "0.9", "media_chance": 0.5, "bound": 1, "tolerance": 1e-12}
    story = world.inject("?", seeds=[0], model="algorithmic-bias-media", **options)
    world.run_until_quiet(story, limit=1000)
    np.testing.assert_allclose(opinions(story), 0.9, atol=1e-9)
    assert story.status == "quiet"
    world = complete(4)
    options = {"initial": "uniform:0.6:0.6", "media_chance": 1e-9, "bound": 0.2}
    story = world.inject("?", seeds=[0], model="algorithmic-bias-media", **options)
    world.step(3)
    before = story.status
    story.revise(media_opinions="0.1")
    world.step(2)
    assert (before, story.status) == ("running", "quiet")
    world = complete(4)
    options = {"initial": "first", "media_opinions": "0.9", "bound": 1}
    story = world.inject("?", seeds=[0], model="algorithmic-bias-media", **options)
    world.step()
    world.agents.set_status([0, 1, 2, 3], "paused")
    world.run_until_quiet(story, limit=9)
    assert story.status == "quiet"


@pytest.mark.parametrize(
    ("model", "ties", "options"),
    [
        ("sznajd", ([0], [1]), {}),
        ("sznajd", ([0], [1]), {"discord": "cross"}),
        ("majority-rule", ([0, 1], [1, 2]), {"among": "ties", "group": 5}),
        ("majority-rule", ([0, 1], [1, 2]), {"group": 5}),
    ],
)
def test_where_no_pair_or_group_can_move_anybody_it_rests(
    model: str, ties: Any, options: Any
) -> None:
    sources, targets = ties
    world = World.from_edges(sources, targets, directed=False)
    story = world.inject("?", seeds=[0], model=model, **options)
    world.run_until_quiet(story, limit=5)
    assert story.counts["for"] == 1


def test_a_pair_that_has_somebody_to_persuade_does_not_rest() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3], directed=False)
    story = world.inject("?", seeds=[0, 1], model="sznajd", updates=1)
    world.run_until_quiet(story, limit=500)
    assert max(story.counts.values()) == 4


def test_noise_that_could_shake_somebody_keeps_a_discussion_going() -> None:
    for seed in range(8):
        world = World.from_edges([0, 1, 2, 3], [1, 2, 3, 0], directed=False, seed=seed)
        options: Any = {"strengths": "equal", "threshold": 1.2499, "noise": 1.0}
        story = world.inject("?", seeds=[0, 1], model="social-impact", **options)
        world.step(3)
        assert story.status == "running"


@pytest.mark.parametrize(
    ("own", "said", "attracted"),
    [
        (0.6, 0.2, 0.6 - 0.4 * 0.4), (0.2, 0.6, 0.2 + 0.4 * 0.8),
        (-0.2, -0.6, -0.2 - 0.4 * 0.8), (-0.6, -0.2, -0.6 + 0.4 * 0.4),
        (0.6, -0.2, 0.6 - 0.2 * 0.4), (0.2, -0.6, 0.2 - 0.2 * 0.8),
        (-0.2, 0.6, -0.2 + 0.2 * 0.8), (-0.6, 0.2, -0.6 + 0.2 * 0.4),
    ],
)  # fmt: skip
def test_the_eight_cases_of_attraction_and_repulsion(
    own: float, said: float, attracted: float
) -> None:
    def met(heard: float, **options: Any) -> Any:
        return make("attraction-repulsion-hk", **options).meet(own, heard, 0.5, 1.0)

    assert met(said, bound=2) == pytest.approx(attracted)
    assert met(said, bound=0) == pytest.approx(2 * own - attracted)
    assert met(said, bound=0, variant="attraction") == own
    assert met(said, bound=2, variant="repulsion") == own == met(own, bound=2)


def test_institutions_alone_are_approached_by_trust() -> None:
    world = World.from_edges([0], [1], 40)
    options: Any = {"careless": 0, "alarmed": 0, "trust_low": 0.2, "trust_high": 0.2}
    story = world.inject("?", seeds=[0], model="cognitive-opinion", **options, institutions=0.7)
    gap = np.abs(opinions(story) - 0.7)[2:]
    world.step(5)
    np.testing.assert_allclose(np.abs(opinions(story) - 0.7)[2:], gap * 0.8**5, atol=1e-12)


def test_stubborn_agents_never_move() -> None:
    world = tiny_world()
    story = world.inject("?", seeds=[0], model="weighted-hk", stubborn_share=0.5)
    fixed = model_of(story).stubborn(story) > 0
    before = opinions(story).copy()
    world.step(5)
    assert np.array_equal(opinions(story)[fixed], before[fixed])
    assert (opinions(story)[~fixed] != before[~fixed]).any()


def test_all_pairs_are_refused_in_a_large_world() -> None:
    world = World.from_edges([0], [1], 5001)
    with pytest.raises(CapacityError, match="at most 5,000; this one has 5,001"):
        world.inject("?", seeds=[0], model="social-impact")
    assert not world.cascades


def test_impact_by_root_and_equal_strengths() -> None:
    world = complete(7)
    story = world.inject("?", seeds=[0, 1, 2], model="social-impact", strengths="equal", law="root")
    world.step()  # of 7, those 3 feel 4 / 2 against 2 / sqrt(2): they change; the 4 stay
    assert story.counts == {"against": 7, "for": 0}
    assert story.status == "quiet"


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        ("majority-rule", {"group": 4}, "group must be odd, got 4"),
        ("algorithmic-bias-media", {"media_opinions": "0.1,x"}, "numbers in"),
        ("algorithmic-bias-media", {"media_opinions": "1.5"}, "numbers in"),
        ("cognitive-opinion", {"trust_low": 0.9, "trust_high": 0.1}, "must not exceed"),
        ("cognitive-opinion", {"careless": 0.7, "alarmed": 0.7}, "sum to at most 1"),
    ],
)
def test_parameters_that_do_not_go_together(model: str, options: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        karate().inject("?", seeds=[0], model=model, **options)


def test_mean_fields() -> None:
    setting = Setting(agents=1000, seeds=600, degrees=np.array([0.0, 1.0]))
    options: Any = {"zealot-voter": {"zealots": 0.1, "opposing": 0.05}}
    share = {
        name: make(name, **options.get(name, {})).theory(setting, 30)[0].expected[:, 1] / 1000
        for name in ("voter", "zealot-voter", "q-voter", "majority-rule")
    }
    assert share["voter"].tolist() == [0.6] * 31
    assert share["zealot-voter"][30] == pytest.approx(60 / (60 + 20), abs=0.05)
    assert share["q-voter"][30] > 0.999
    assert (np.diff(share["majority-rule"]) >= 0).all()
    assert share["majority-rule"][0] == 0.6


@pytest.mark.parametrize("name", ["voter", "zealot-voter", "q-voter", "majority-rule"])
def test_mean_fields_know_where_they_begin_and_how_long_a_tick_is(name: str) -> None:
    setting = Setting(agents=1000, seeds=600, degrees=np.array([0.0, 1.0]))
    assert make(name, initial="uniform").theory(setting, 3) == ()
    assert make(name, seed_opinion=0.0).theory(setting, 3) == ()
    (ticks,) = make(name).theory(setting, 4)
    (short,) = make(name, updates=500).theory(setting, 8)
    np.testing.assert_allclose(short.expected[::2], ticks.expected, rtol=1e-3)
    assert name == "voter" or make(name, updates=10**9).theory(setting, 3) == ()


def test_formulas_are_plain_python_too() -> None:
    assert make("deffuant", bound=0.5, mu=0.25).meet(0.2, 0.6) == pytest.approx(0.3)
    assert make("deffuant", bound=0.4).meet(0.25, 0.75) == 0.25
    assert make("algorithmic-bias", bound=0.5).meet(0.2, 0.6) == pytest.approx(0.4)
    assert make("algorithmic-bias", bound=0.1).meet(0.2, 0.6) == 0.2
    assert make("voter").meet(0.0, 1.0) == 1.0
    heard = np.array([1.0, 0.0])
    assert [make("q-voter", noise=0.5).decide(1.0, heard, coin) for coin in (0.4, 0.6)] == [0, 1]
    assert make("q-voter").decide(0.0, np.ones(3), 0.0) == 1.0
    assert [make("majority-rule").decide(own, heard) for own in (0.0, 1.0)] == [0.0, 1.0]
    whole, pair = make("weighted-hk", weight=0.5), make("weighted-hk", weight=0.5, variant="pair")
    assert whole.meet(-0.5, 0.4, 0.0, 1.0) == pytest.approx(-0.5 + 0.2 * 0.5)
    assert pair.meet(0.5, 0.4, 0.0, 0.5) == pytest.approx(0.5 + 0.3 * 0.5)
    assert pair.meet(0.5, 0.1, 0.0, 0.5) == 0.5


@pytest.mark.parametrize(("sense", "expected"), [(0.0, 0.55), (1.0, 0.775), (-1.0, 0.275)])
def test_a_peer_is_heard_by_nerves(sense: float, expected: float) -> None:
    meet = make("cognitive-opinion").meet
    mine, theirs = np.array([0.5, 9.0, sense]), np.array([9.0, 2.0, 9.0])
    assert meet(0.3, 0.8, 0.6, 1.0, mine, theirs) == pytest.approx(expected)
    assert meet(0.3, 0.8, 0.65, 1.0, mine, theirs) == 0.3  # talks with chance 0.64

"""Bass, Wu-Huberman and Hawkes against their closed forms."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from plugins.popularity import Bass, Hawkes, NoveltyGrowth, _poisson
from sim import Draws, Setting, World, make
from sim.spread import fresh_minutes

P, Q = 0.03, 0.38


def ring(agents: int, *, tick_minutes: float = 60.0) -> World:
    """Everybody is heard by the next two: equal audiences."""
    ids = np.arange(agents)
    sources = np.concatenate([ids, ids])
    targets = np.concatenate([(ids + 1) % agents, (ids + 2) % agents])
    return World.from_edges(sources, targets, agents=agents, tick_minutes=tick_minutes)


def grown(world: World, ticks: int, model: str, **parameters: Any) -> Any:
    story = world.inject("A new kettle.", seeds=[0], model=model, **parameters)
    world.step(ticks)
    assert story.error is None
    return story


# Bass


def test_bass_follows_its_closed_form_and_peaks_where_the_paper_says() -> None:
    bass = Bass(innovation=P, imitation=Q)
    assert bass.after(0.0, 10.0) == pytest.approx(0.812803, abs=5e-7)
    stepped = 0.0
    for _ in range(10):
        stepped = bass.after(stepped)
    assert stepped == pytest.approx(bass.after(0.0, 10.0), abs=1e-12)
    bass = Bass(innovation=P, imitation=Q)
    peak = math.log(Q / P) / (P + Q)
    assert peak == pytest.approx(6.192619, abs=5e-7)
    assert bass.after(0.0, peak) == pytest.approx(0.460526, abs=5e-7)


def test_bass_among_agents_is_its_curve_within_four_standard_errors() -> None:
    agents = 100_000
    story = grown(ring(agents), 10, "bass", innovation=P, imitation=Q)
    share = story.size / agents
    # The variance of the share is that of the linearised equation; early chance is amplified.
    assert share == pytest.approx(0.812803, abs=4 * 5 * math.sqrt(0.25 / agents))
    assert int(np.argmax(story.new_adopters[1:])) == 6  # the tick from 6 to 7 holds the peak


def test_bass_theory_is_the_closed_form_and_it_rests_when_nobody_will_adopt() -> None:
    (curve,) = Bass().theory(Setting(1000, 10, np.array([0.0, 1.0])), 5)
    assert curve.expected[0] == pytest.approx([990.0, 10.0])
    assert curve.expected.sum(axis=1) == pytest.approx(np.full(6, 1000.0))
    assert curve.expected[5, 1] == pytest.approx(1000 * Bass().after(0.01, 5.0))
    assert grown(ring(50), 1, "bass", innovation=0.0, imitation=0.0).status == "quiet"
    assert grown(ring(50), 40, "bass", innovation=10.0).counts == {"inactive": 0, "active": 50}
    assert Bass().after(1.0) == 1.0


# Wu-Huberman


def test_the_integral_of_novelty_is_what_a_sum_gives() -> None:
    assert fresh_minutes(30.0, 0.0) == 30.0
    assert fresh_minutes(0.0) == 0.0
    near = [fresh_minutes(1.0, fading) for fading in (0.00099, 0.00101)]  # both sides of a switch
    assert near == pytest.approx([0.9992931293, 0.9992788546], abs=1e-8)
    assert fresh_minutes(69.0, 0.4) / fresh_minutes(1e9, 0.4) == pytest.approx(0.5, abs=0.001)
    times = np.linspace(0.0, 100.0, 2_000_001)
    middle = (times[1:] + times[:-1]) / 2
    summed = np.exp(-0.4 * middle**0.4).sum() * (times[1] - times[0])
    assert fresh_minutes(100.0, 0.4) == pytest.approx(summed, rel=1e-7)


def test_without_noise_novelty_grows_by_its_integral() -> None:
    story = grown(ring(100_000), 12, "novelty", mean=0.25, noise=0.0)
    want = 1.0
    for start, stop in pairwise(range(0, 721, 60)):
        growth = 0.25 * (fresh_minutes(stop, 0.4) - fresh_minutes(start, 0.4))
        want *= math.exp(growth)
    # Rounding to whole agents is fair; what the first ticks gain or lose is multiplied later on.
    assert story.size == pytest.approx(want, rel=0.1)


def test_totals_of_novelty_are_log_normal() -> None:
    mean, noise, runs = 0.15, 0.1, 400
    grows = mean * fresh_minutes(60.0, 0.4)
    spread = noise * math.sqrt(fresh_minutes(60.0, 0.8))
    model = NoveltyGrowth(mean=mean, noise=noise)
    logs = np.array([model._growth(0.0, 60.0, Draws(seed, 0, 1, "coins")) for seed in range(runs)])
    assert logs.mean() == pytest.approx(grows, abs=4 * spread / math.sqrt(runs))
    assert logs.std() == pytest.approx(spread, rel=4 / math.sqrt(2 * runs))


def test_novelty_ends_with_everybody_or_with_its_fading() -> None:
    assert grown(ring(40), 30, "novelty", mean=5.0).size == 40
    assert grown(ring(40), 30, "novelty", mean=0.0, noise=0.0).status == "quiet"
    story = grown(ring(2000, tick_minutes=1.0), 2, "novelty", mean=0.0, noise=3.0)
    assert story.status == "running"
    assert grown(ring(50), 1, "novelty", fading=1e-6).size == 50
    assert grown(ring(50, tick_minutes=1440.0), 1, "novelty", mean=10, fading=0.1).size == 50


# Hawkes


def test_a_large_story_rests_once_its_novelty_has_faded() -> None:
    world = World.from_edges([0], [1], agents=200_000, tick_minutes=600.0)
    story = world.inject("x", seeds=range(6000), model="novelty", mean=0.02)
    world.run_until_quiet(story, limit=200)
    assert 6000 < story.size < 200_000


def test_memory_is_the_papers() -> None:
    hawkes = Hawkes()
    c, flat, theta = 6.265e-4 * 60, 5.0, 0.242
    whole = c * flat * (1 + 1 / theta)
    assert whole == pytest.approx(0.9646, abs=1e-3)
    assert hawkes.memory(5.0) == pytest.approx(c * flat / whole)
    tail = c * flat / theta * (1 - (60 / flat) ** -theta)
    assert hawkes.memory([0.0, 60.0]) == pytest.approx([0.0, (c * flat + tail) / whole])
    assert hawkes.memory(1e30) == pytest.approx(1.0)


@pytest.mark.parametrize("expected", [0.0, 0.3, 4.0, 300.0])
def test_arrivals_are_poisson(expected: float) -> None:
    runs = 400
    counts = [_poisson(Draws(7, 0, t, "coins"), expected, 10**6).size for t in range(runs)]
    error = math.sqrt(max(expected, 1e-12) / runs)
    assert np.mean(counts) == pytest.approx(expected, abs=4 * error)
    assert np.var(counts) == pytest.approx(expected, abs=4 * expected * math.sqrt(2 / runs) + 0.1)


def test_sizes_of_one_seed_are_borel() -> None:
    """One world holds 1,000 independent one-seed processes: they hardly ever meet."""
    runs, agents = 1000, 1_000_000
    world = ring(agents, tick_minutes=1e5)
    sizes = []
    for run in range(runs):
        story = world.inject("x", seeds=[run], model="hawkes", branching=0.5, audience="everybody",
                             weights="equal", theta=2.0)  # fmt: skip
        sizes.append(story)
    world.step(16)
    found = np.array([story.size for story in sizes])
    for size, chance in ((1, 0.606531), (2, 0.183940), (3, 0.083674)):
        error = math.sqrt(chance * (1 - chance) / runs)
        assert np.mean(found == size) == pytest.approx(chance, abs=4 * error)
    assert found.mean() == pytest.approx(2.0, abs=4 * 2.0 / math.sqrt(runs))


@pytest.mark.parametrize(
    ("audience", "weights", "factor"),
    [("listeners", "listeners", 1.64), ("listeners", "equal", 1.0), ("everybody", "equal", 1.0)],
)
def test_further_shares_of_one_are_what_the_card_says(
    audience: str, weights: str, factor: float
) -> None:
    """Half of the members have 2 listeners, half 18: <n^2> / <n>^2 = 164 / 100."""
    agents, runs, branching = 20_000, 100, 0.5
    rng = np.random.default_rng(5)
    stubs = rng.permutation(np.repeat(np.arange(agents), np.tile([2, 18], agents // 2)))
    one, two = stubs.reshape(2, -1)
    near = World.from_edges(
        np.concatenate([one, two]), np.concatenate([two, one]), agents=agents, tick_minutes=5e5
    )
    seeds = rng.permutation(agents)[: runs * 10].reshape(runs, 10)
    stories = [
        near.inject("x", seeds=each, model="hawkes", branching=branching, audience=audience,
                    weights=weights, flat=1.0, theta=5.0)
        for each in seeds.tolist()
    ]  # fmt: skip
    near.step(2)  # in a tick everything happens that one generation of shares excites
    found = [[*story.new_adopters.tolist(), 0, 0][1:3] for story in stories]
    first, second = np.sum(found, axis=0).tolist()
    listeners = near.ties.rows[:, 1]
    uneven = (listeners.astype(float) ** 2).mean() / listeners.mean() ** 2
    assert uneven == pytest.approx(1.64, abs=0.01)
    of_seeds = branching * seeds.size
    if weights == "listeners":
        of_seeds *= listeners[seeds].mean() / listeners.mean()
    assert first == pytest.approx(of_seeds, abs=4 * math.sqrt(of_seeds))
    of_first = branching * factor * first  # each of the first has 2 or 18 listeners: 18 of 20 many
    spread = of_first + first * branching**2 * (0.9 * 1.8**2 + 0.1 * 0.2**2 - 1.64**2)
    assert second == pytest.approx(of_first, abs=4 * math.sqrt(spread))


def test_shares_come_from_those_who_are_heard() -> None:
    story = grown(ring(500), 40, "hawkes", branching=9.0)
    agents, sources = (a[1:].astype(np.int64) for a in (story.log.agents, story.log.sources))
    assert set(((agents - sources) % 500).tolist()) == {1, 2}
    assert story.size > 20


def test_prediction_nears_the_final_size() -> None:
    world = ring(200_000)
    story = world.inject("x", seeds=range(400), model="hawkes", branching=0.6, audience="everybody")
    world.step(30)
    assert make("hawkes").metrics(story)["predicted size"] == pytest.approx(400 / 0.4, rel=0.25)
    assert 0.4 < make("hawkes").metrics(story)["branching seen"] < 0.8


def test_before_its_first_tick_or_without_ties_hawkes_predicts_and_shares_nothing() -> None:
    world = ring(20)
    assert make("hawkes").metrics(world.inject("x", seeds=[0], model="hawkes")) == {}
    world = World.from_edges([], [], agents=5)
    story = world.inject("x", seeds=[0], model="hawkes", weights="equal", branching=5)
    world.step(5)
    assert story.error is None
    assert story.size == 1


@pytest.mark.parametrize(("model", "agents"), [("hawkes", 3), ("limited-attention", 2)])
def test_newcomers_do_not_lengthen_what_is_no_column_of_agents(model: str, agents: int) -> None:
    world = ring(agents) if agents > 2 else World.from_edges([0, 1], [1, 0])
    story = grown(world, 1, model)
    before = story.model.metrics(story)
    world.create_agents(1)
    assert story.model.metrics(story) == before
    world.step()
    assert story.error is None


def test_what_nobody_reposts_rests_though_it_stays_on_screens() -> None:
    story = grown(ring(9), 2, "limited-attention", repost=0, originality=0)
    assert (story.status, story.size) == ("quiet", 1)

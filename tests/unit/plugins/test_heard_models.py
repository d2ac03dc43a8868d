"""Models of what is heard in sum, against loops over lists with the same draws."""

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Cascade, World
from sim.testing import tiny_world
from tests.unit.plugins.naive_heard import Crowd, Heard, assert_same

SEED = st.integers(0, 2**64 - 1)
CHANCE = st.floats(0, 1)
SEEDS = [0, 5, 9, 20, 33, 41]
TWO, THREE = ("inactive", "active"), ("susceptible", "adopted", "blocked")


def inject(seed: int, model: str, **options: Any) -> tuple[World, Cascade]:
    world = tiny_world(seed=seed)
    return world, world.inject("x", seeds=SEEDS, model=model, **options)


@settings(max_examples=8, deadline=None)
@given(seed=SEED, phi=CHANCE)
def test_watts(seed: int, phi: float) -> None:
    world, story = inject(seed, "watts", phi=phi)
    answer = lambda h: {"active": float(h.share("active") >= phi)}  # noqa: E731
    assert_same(story, world, Crowd(story, world, TWO, ("active",), answer))


@settings(max_examples=5, deadline=None)
@given(seed=SEED, needed=st.integers(1, 4))
def test_centola_macy(seed: int, needed: int) -> None:
    world, story = inject(seed, "centola-macy", needed=needed)
    answer = lambda h: {"active": float(h.count["active"] >= needed)}  # noqa: E731
    assert_same(story, world, Crowd(story, world, TWO, ("active",), answer))


@settings(max_examples=8, deadline=None)
@given(seed=SEED, power=st.floats(0.1, 3), weights=st.sampled_from(["uniform", "trust"]))
def test_general_threshold(seed: int, power: float, weights: str) -> None:
    world, story = inject(seed, "general-threshold", power=power, weights=weights)

    def answer(h: Heard) -> dict[str, float]:
        weight = h.trust["active"] if weights == "trust" else h.share("active")
        return {"active": float(weight**power >= h.threshold)}

    assert_same(story, world, Crowd(story, world, TWO, ("active",), answer))


@pytest.mark.parametrize("weights", ["uniform", "trust"])
def test_general_threshold_of_power_one_is_linear_threshold(weights: str) -> None:
    reached = []
    for model in ("general-threshold", "linear-threshold"):
        world = tiny_world()
        options: Any = {"power": 1.0} if model == "general-threshold" else {}
        story = world.inject("x", seeds=SEEDS, model=model, weights=weights, **options)
        story.given_thresholds = np.random.default_rng(3).random(60) * 0.7
        world.step(12)
        reached.append(story.adopted_at)
    assert (reached[0] > 0).sum() > 10
    np.testing.assert_array_equal(reached[0], reached[1])


@settings(max_examples=8, deadline=None)
@given(seed=SEED, phi=CHANCE, rate=st.floats(0, 0.2), blocked=CHANCE)
def test_kertesz(seed: int, phi: float, rate: float, blocked: float) -> None:
    world, story = inject(seed, "kertesz", threshold=phi, rate=rate, blocked=blocked)
    answer = lambda h: {"adopted": float(h.share("adopted") >= phi)}  # noqa: E731
    alone = lambda s, _: [("adopted", rate)] if s == "susceptible" else []  # noqa: E731
    assert_same(story, world, Crowd(story, world, THREE, ("adopted",), answer, alone))


@settings(max_examples=8, deadline=None)
@given(
    seed=SEED, q=CHANCE, blocked=CHANCE, rate=st.floats(0, 0.1), openness=st.booleans(),
    threshold=st.none() | CHANCE,
)  # fmt: skip
def test_profiles(
    seed: int, q: float, blocked: float, rate: float, openness: bool, threshold: float | None
) -> None:
    options: dict[str, Any] = {"profile": q, "blocked": blocked, "rate": rate, "openness": openness}
    model = "profile" if threshold is None else "profile-threshold"
    options |= {} if threshold is None else {"threshold": threshold}
    world, story = inject(seed, model, **options)
    tastes = world.agents.personality[:, 0] / 255

    def answer(h: Heard) -> dict[str, float]:
        likes = q * float(tastes[h.agent]) if openness else q
        if h.share("adopted") < (threshold or 0.0):
            return {}
        return {"adopted": likes, "blocked": (1 - likes) * blocked}

    alone = lambda s, _: [("adopted", rate)] if s == "susceptible" else []  # noqa: E731
    assert_same(story, world, Crowd(story, world, THREE, ("adopted",), answer, alone))


@settings(max_examples=8, deadline=None)
@given(
    seed=SEED, threshold=st.floats(0, 0.5), tau=st.floats(1, 6), mu=st.floats(0, 0.1),
    window=st.integers(0, 4),
)  # fmt: skip
def test_generalised_threshold(seed: int, **p: Any) -> None:
    world, story = inject(seed, "generalised-threshold", **p)
    states = ("susceptible", "waiting", "adopted", "silent")

    def alone(state: str, age: int) -> list[tuple[str, float]]:
        if state == "waiting":
            return [("adopted", 1 / p["tau"])]
        return [("adopted", p["mu"] * age / p["tau"])] if state == "susceptible" else []

    def forced(crowd: Crowd, tick: int) -> dict[str, set[int]]:
        since = tick - p["window"]
        old = [v for v, s in enumerate(crowd.state) if s == "adopted" and crowd.entered[v] == since]
        return {"silent": set(old)} if p["window"] else {}

    answer = lambda h: {"waiting": float(h.share("adopted") >= p["threshold"])}  # noqa: E731
    crowd = Crowd(story, world, states, ("adopted",), answer, alone, forced)
    assert_same(story, world, crowd)


@settings(max_examples=8, deadline=None)
@given(
    seed=SEED, beta=CHANCE, credibility=st.floats(0, 0.95), verify=st.floats(0, 0.5),
    forget=st.floats(0, 0.5),
)  # fmt: skip
def test_hoax(seed: int, **p: Any) -> None:
    world, story = inject(seed, "hoax", **p)
    states = ("susceptible", "believer", "fact-checker")

    def answer(h: Heard) -> dict[str, float]:
        hoax = h.count["believer"] * (1 + p["credibility"])
        truth = h.count["fact-checker"] * (1 - p["credibility"])
        pull = p["beta"] / (hoax + truth)
        return {"believer": pull * hoax, "fact-checker": pull * truth}

    def alone(state: str, _: int) -> list[tuple[str, float]]:
        forgets = ("susceptible", p["forget"])
        return {"believer": [("fact-checker", p["verify"]), forgets],
                "fact-checker": [forgets]}.get(state, [])  # fmt: skip

    assert_same(story, world, Crowd(story, world, states, states[1:], answer, alone), ticks=25)


def test_two_neighbours_convince_the_next_on_a_ring() -> None:
    ring, step = np.meshgrid(np.arange(40), [-2, -1, 1, 2])
    for needed, reached in ((2, [2, 4, 6, 8, 10]), (3, [2, 2, 2, 2, 2])):
        world = World.from_edges(ring.ravel(), (ring + step).ravel() % 40, 40)
        story = world.inject("x", seeds=[10, 11], model="centola-macy", needed=needed)
        sizes = [story.size]
        for _ in range(4):
            world.step()
            sizes.append(story.size)
        assert sizes == reached
    assert story.status == "quiet"


@pytest.mark.parametrize(("z", "cascades"), [(0.8, False), (3, True), (5, True), (8, False)])
def test_the_window_of_global_cascades(z: float, cascades: bool) -> None:
    # phi = .18: z in (1.0207, 5.7647); 40 single seeds each on 10,000 agents, seed 4
    graph = nx.fast_gnp_random_graph(10_000, z / 9_999, seed=4)
    sources, targets = np.array(graph.edges()).T
    world = World.from_edges(sources, targets, 10_000, directed=False, seed=4)
    stories = [world.inject("x", seeds=[v], model="watts") for v in range(0, 10_000, 250)]
    world.step(200)
    assert (max(story.size for story in stories) > 1000) is cascades


def test_unprompted_adoption_is_geometric_and_blocking_binomial() -> None:
    # 20,000 agents without ties, p = .1, r = .3, seed 5, 4 standard errors
    n, p, r = 20_000, 0.1, 0.3
    world = World.from_edges([0], [1], n, seed=5)
    story = world.inject("x", seeds=[0], model="kertesz", rate=p, blocked=r, threshold=1.0)
    blocked = story.counts["blocked"]
    assert abs(blocked / n - r) < 4 * math.sqrt(r * (1 - r) / n)
    free = n - 1 - blocked
    world.step(3)
    share = 1 - (1 - p) ** 3
    assert abs((story.size - 1) / free - share) < 4 * math.sqrt(share * (1 - share) / free)
    assert (story.source[story.adopters] == -1).sum() >= story.size - 1
    world.run_until_quiet(story)
    assert story.counts == {"susceptible": 0, "adopted": n - blocked, "blocked": blocked}


def pairs(count: int) -> World:
    sources = np.arange(0, 2 * count, 2)
    return World.from_edges(sources, sources + 1, seed=3)


def test_a_refusal_may_be_final() -> None:
    # 20,000 pairs, seed 3: q / (q + (1 - q) b), within 4 standard errors
    n, q, b = 20_000, 0.2, 0.3
    world = pairs(n)
    story = world.inject("x", seeds=range(0, 2 * n, 2), model="profile", profile=q, blocked=b)
    world.run_until_quiet(story)
    chance = q / (q + (1 - q) * b)
    assert story.counts["susceptible"] == 0
    assert abs(story.counts["adopted"] / n - 1 - chance) < 4 * math.sqrt(chance * (1 - chance) / n)


def test_waiting_takes_tau_on_average() -> None:
    # 4,000 pairs, seed 3: one tick to hear, then geometric with mean tau
    n, tau = 4000, 3.0
    world = pairs(n)
    story = world.inject("x", seeds=range(0, 2 * n, 2), model="generalised-threshold", tau=tau)
    world.run_until_quiet(story)
    delays = story.adopted_at[1::2]
    assert story.size == 2 * n
    assert (story.source[1::2] == np.arange(0, 2 * n, 2)).all()
    assert abs(delays.mean() - 1 - tau) < 4 * math.sqrt(tau * (tau - 1) / n)


def test_who_is_away_when_its_window_ends_falls_silent_on_its_return() -> None:
    world = World.from_edges([0, 1], [1, 2], agents=3)
    story = world.inject("x", seeds=[0], model="generalised-threshold", window=2, tau=1, mu=0)
    world.step()
    world.agents.set_status([0], "paused")
    world.step(4)
    assert story.counts["adopted"] > 0
    world.agents.set_status([0], "active")
    world.run_until_quiet(story, limit=50)
    assert story.counts["silent"] == 3


def test_a_shorter_window_silences_those_that_are_beyond_it() -> None:
    world = World.from_edges([0, 1], [1, 2], agents=3)
    story = world.inject("x", seeds=[0], model="generalised-threshold", window=40, tau=1, mu=0)
    world.step(10)
    story.revise(window=3)
    world.run_until_quiet(story, limit=50)
    assert story.counts["silent"] == 3

"""The epidemic models and ``diffusion`` against plain Python, tick by tick, with the same coins."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Cascade, Setting, World, make
from sim.core import rng
from sim.core.rng import Stream
from sim.lab.validation.chains import MODELS, Plain, counted, ticked
from sim.testing import tiny_world
from tests.unit.plugins.chains import assert_law, copies_of, naive_tick, states_of
from tests.unit.plugins.naive import audience_of, coin, share

CHANCES = st.floats(0, 1)


def naive(
    world: World, story: Cascade, ticks: int, hit: Any, leave: float, then: int
) -> list[list[int]]:
    """States (0, 1 infected, 2 gone) after each tick; ``hit`` is the chance over a tie.

    Where audiences are spread, ``hit`` is asked with the factor of who speaks too.
    """
    spread = getattr(story.model, "audience_spread", None)
    reached = () if spread is None else (audience_of(world, story, spread),)
    seeds = set(story.seeds.tolist())
    ties, state = world.ties, [0] * len(world.agents)
    trust = ties.trust / 65535
    for v in story.seeds:
        state[v] = 1
    out = []
    for tick in range(1, ticks + 1):
        met = rng.key(world.seed, Stream.CONTACTS, tick, story.id + 1)
        alone = rng.key(world.seed, Stream.SPONTANEOUS, tick, story.id + 1)
        new = list(state)
        for u in (u for u, s in enumerate(state) if s == 1):
            start, length = (int(x) for x in ties.rows[u])
            for e in range(start, start + length):
                v = int(ties.targets[e])
                told = reached if u in seeds else (1.0,) * len(reached)
                if state[v] == 0 and share(coin(met, u, v)) < hit(trust[e], *told):
                    new[v] = 1
            if rng.uniforms(alone, u)[0] < leave:
                new[u] = then
        state = new
        out.append(list(state))
    return out


def check(model: str, hit: Any, leave: float, then: int, seed: int, **options: Any) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=[0, 5, 9], model=model, draws="coins", **options)
    for expected in naive(world, story, 10, hit, leave, then):
        world.step()
        if story.status == "running":
            assert (story.columns["state"].dense() & 0x7F).tolist() == expected
        counts = np.bincount(expected, minlength=3)[: len(story.states)]
        assert list(story.counts.values()) == counts.tolist()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), beta=CHANCES, gamma=CHANCES)
def test_sir_sis_and_si_equal_plain_python(seed: int, beta: float, gamma: float) -> None:
    check("sir", lambda _: beta, gamma, 2, seed, beta=beta, gamma=gamma)
    check("sis", lambda _: beta, gamma, 0, seed, beta=beta, gamma=gamma)
    check("si", lambda _: beta, 0.0, 1, seed, beta=beta)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1), rate=st.floats(0, 5), span=st.floats(0.1, 50),
    spread=st.sampled_from([0.0, 0.9, 3.0]),
)  # fmt: skip
def test_diffusion_equals_plain_python(seed: int, rate: float, span: float, spread: float) -> None:
    def hit(trust: float, audience: float) -> float:
        return -math.expm1(-rate * audience) * trust

    options = {"rate": rate, "span": span, "audience_spread": spread}
    check("diffusion", hit, -math.expm1(-1 / span), 2, seed, **options)


def pairs(count: int, trust: float, seed: int) -> World:
    """That many pairs of agents: 0 -> 1, 2 -> 3, ..."""
    sources = np.arange(0, 2 * count, 2)
    return World.from_edges(sources, sources + 1, trust=np.full(count, trust), seed=seed)


@pytest.mark.parametrize("draws", ["coins", "skips"])
@pytest.mark.parametrize(("rate", "trust"), [(0.05, 1.0), (0.5, 1.0), (0.5, 0.4), (3.0, 1.0)])
def test_the_delay_over_a_tie_is_geometric(rate: float, trust: float, draws: Any) -> None:
    # 4,000 pairs, seed 3: the mean within 4 standard errors, the law by chi-square
    n, h = 4000, -math.expm1(-rate) * trust
    world = pairs(n, trust, 3)
    story = world.inject("x", seeds=range(0, 2 * n, 2), model="diffusion", rate=rate, span=1e6,
                         draws=draws)  # fmt: skip
    world.step(math.ceil(math.log(1e-9) / math.log1p(-h)))
    delays = story.adopted_at[1::2]
    assert (delays > 0).all()
    assert abs(delays.mean() - 1 / h) < 4 * (math.sqrt(1 - h) / h) / math.sqrt(n)
    assert abs((delays == 1).mean() - h) < 4 * math.sqrt(h * (1 - h) / n)
    assert abs((delays <= 3).mean() - (1 - (1 - h) ** 3)) < 4 * math.sqrt(0.25 / n)


@pytest.mark.parametrize("draws", ["coins", "skips"])
def test_who_falls_silent_attempts_once_more_before(draws: Any) -> None:
    # a tie passes on with chance h / (1 - (1 - h)(1 - f)); 6,000 pairs, seed 4, 4 standard errors
    n, h, f = 6000, -math.expm1(-0.2), -math.expm1(-1 / 3)
    world = pairs(n, 1.0, 4)
    story = world.inject("x", seeds=range(0, 2 * n, 2), model="diffusion", rate=0.2, span=3.0,
                         draws=draws)  # fmt: skip
    world.run_until_quiet(story)
    chance = h / (1 - (1 - h) * (1 - f))
    assert abs((story.size / n - 1) - chance) < 4 * math.sqrt(chance * (1 - chance) / n)


each = pytest.mark.parametrize("plain", MODELS, ids=lambda plain: plain.name)


@each
def test_models_have_the_exact_law_of_three_agents(plain: Plain) -> None:
    # 20,000 copies of 3 agents with mutual ties, seed 21: every outcome within 4 standard errors
    world = copies_of(3, 20_000, seed=21)
    story = world.inject(
        "x", seeds=np.arange(0, 60_000, 3), model=plain.name, draws="skips", **plain.options
    )
    laws = ticked(plain, 3, 6)
    for tick in (1, 3, 6):
        world.step(tick - world.tick)
        assert_law(story, 3, counted(laws[tick], len(story.states)))


@each
@pytest.mark.parametrize("seed", [1, 2**40 + 3])
def test_models_equal_plain_python_with_the_same_coins(plain: Plain, seed: int) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=[0, 5, 9], model=plain.name, draws="coins", **plain.options)
    state: list[Any] = [plain.seeded if v in {0, 5, 9} else 0 for v in range(60)]
    for _ in range(12):
        state = naive_tick(world, plain, story, state)
        world.step()
        assert (
            story.history[-1].tolist() == np.bincount(state, minlength=len(story.states)).tolist()
        )
        if story.status == "running":
            assert states_of(story).tolist() == state


def test_the_exact_law_of_discrete_sir_is_the_published_one() -> None:
    # the solver itself: mean size 1.3571429 on two agents (.1, .2)
    plain = Plain("sir", 1, {(1, 0): [(0.1, 1, None)]}, {1: [(0.2, 2)]})
    law = counted(ticked(plain, 2, 150)[-1], 3)
    assert sum(p * (counts[1] + counts[2]) for counts, p in law.items()) == pytest.approx(
        1.3571429, abs=1e-7
    )


TREE, BURNING, EMPTY = 0, 1, 2


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), growth=st.floats(0, 1), lightning=st.floats(0, 0.3))
def test_states_equal_plain_python(seed: int, growth: float, lightning: float) -> None:
    world = tiny_world(seed=seed)
    story = world.inject(
        "x", seeds=[0, 5, 9], model="forest-fire", growth=growth, lightning=lightning
    )
    hear = [world.ties.listeners(u).tolist() for u in range(60)]
    state = [BURNING if v in (0, 5, 9) else TREE for v in range(60)]
    for tick in range(1, 13):
        key = rng.key(seed, Stream.SPONTANEOUS, tick, story.id + 1)
        lit = {v for u in range(60) if state[u] == BURNING for v in hear[u]}
        new = list(state)
        for v in range(60):
            draw = rng.uniforms(key, v)[0]
            if state[v] == TREE and (v in lit or draw < lightning):
                new[v] = BURNING
            elif state[v] == BURNING:
                new[v] = EMPTY
            elif state[v] == EMPTY and draw < growth:
                new[v] = TREE
        state = new
        world.step()
        assert list(story.counts.values()) == [state.count(s) for s in range(3)]
        assert (story.held["state"].dense() & 0x7F).tolist() == state


def test_fire_reaches_breadth_first_what_can_be_reached() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="forest-fire", growth=0.0, lightning=0.0)
    reference = tiny_world()
    search = reference.inject("x", seeds=[0], model="independent-cascade", probability=1.0)
    for one, cascade in ((world, story), (reference, search)):
        one.run_until_quiet(cascade)
    assert story.size > 40
    np.testing.assert_array_equal(story.adopted_at, search.adopted_at)


def test_lone_trees_settle_in_proportion_to_their_spans() -> None:
    # 20,000 agents without ties, f = .2, p = .3, 60 ticks, seed 6: spans 1/f, 1, 1/p; 4 sd
    n, f, p = 20_000, 0.2, 0.3
    world = World.from_edges([0], [1], n, seed=6)
    story = world.inject("x", seeds=[0], model="forest-fire", growth=p, lightning=f)
    world.step(60)
    spans = np.array([1 / f, 1.0, 1 / p])
    for seen, exact in zip(story.counts.values(), spans / spans.sum(), strict=True):
        assert abs(seen / n - exact) < 4 * math.sqrt(exact * (1 - exact) / n)


@pytest.mark.parametrize(
    ("growth", "agents", "is_doubted"), [(0.05, 5000, True), (0.9, 100_000, False)]
)
def test_the_curve_says_where_a_fire_may_go_out(
    growth: float, agents: int, is_doubted: bool
) -> None:
    setting = Setting(agents, agents // 20, np.eye(61)[-1])
    mean_field = make("forest-fire", growth=growth).theory(setting, 40)[-1]
    least = mean_field.expected[1:, 1].min()
    assert ("may be far off" in mean_field.name) == is_doubted == (least < 50)

"""Forest fires, against plain Python with the same draws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Setting, World, make
from sim.core import rng
from sim.core.rng import Stream
from sim.testing import tiny_world

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

"""Kernels of calls in continuous time, against a plain sort and the general draws."""

from typing import Any

import numpy as np
import pytest

from sim import World
from sim.spread.compartments.single_contact_won_kernels import DIGIT, by_digit
from sim.spread.continuous import continuous
from sim.spread.continuous.rates_kernels import count_of
from sim.spread.continuous.single_contact import _steps


@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.3, 2.0])
def test_steps_count_as_inversion_does(mean: float) -> None:
    draws = np.random.default_rng(1).integers(0, 1 << 53, 300)
    steps = _steps(mean)
    counted = [int((steps <= np.uint64(draw)).sum()) for draw in draws]
    assert counted == [count_of(draw / 2**53, mean) for draw in draws]


def test_two_passes_order_by_agent() -> None:
    draws = np.random.default_rng(2)
    won = draws.permutation(1 << 2 * DIGIT)[:500].astype(np.uint64) << np.uint64(32)
    moments, expected = np.arange(500, dtype=np.uint64), np.argsort(won)
    spare, others, start = np.empty_like(won), np.empty_like(won), np.empty(1 << DIGIT, np.int64)
    by_digit(won, moments, 500, spare, others, 32, start)
    by_digit(spare, others, 500, won, moments, 32 + DIGIT, start)
    assert moments.tolist() == expected.tolist()


def test_ticks_are_those_of_single_events(monkeypatch: Any) -> None:
    seen = []
    for _ in range(2):
        world = World.create(120, mean_degree=6, seed=4)
        story = world.inject("x", seeds=range(9), model="k-fold-stifling-continuous", call=1.0)
        world.step(3)
        seen.append((world.digest(), story.contacts_seen, story.size))
        monkeypatch.setattr(continuous, "let_call_in_time", lambda *_: None)
    assert seen[0] == seen[1]
    assert seen[0][2] > 20

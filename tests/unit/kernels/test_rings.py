"""The calendar's heap and its waits."""

import numpy as np
import pytest

from sim.kernels.rings import DUE, pop_ring, push_ring, wait


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_the_heap_gives_rings_in_order_of_time_then_number(count: int) -> None:
    draws = np.random.default_rng(count)
    times, numbers = draws.integers(0, 20, count) / 20, draws.permutation(count)
    when, place, at = np.empty(count), np.empty(count, np.int32), np.zeros(12, np.int64)
    ring = numbers.astype(np.uint64)
    for number, t in enumerate(times.tolist()):
        push_ring(when, place, ring, at, t, number)
    found = []
    while at[DUE]:
        found.append((float(when[0]), int(ring[place[0]])))
        pop_ring(when, place, ring, at)
    assert found == sorted(zip(times.tolist(), numbers.tolist(), strict=True))


@pytest.mark.parametrize("rate", [0.01, 0.5, 1.7, 40.0])
def test_waits_that_fit_are_exponential_and_no_other_is_returned(rate: float) -> None:
    draws = np.linspace(0, 1, 1001)[:-1]
    exact = -np.log1p(-draws) / rate
    waits = np.array([wait(float(draw), rate, 0.75) for draw in draws])
    fits = exact < 0.75
    assert waits[fits] == pytest.approx(exact[fits])
    assert (waits[~fits] >= 0.75).all()

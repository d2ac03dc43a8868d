"""The calendar: chunks, order, its heap; and the draws of waits and numbers."""

import math

import numpy as np
import pytest

from sim.spread.continuous import events_kernels as rings
from sim.spread.continuous.continuous import calendar_of
from sim.spread.continuous.events_kernels import count_of, wait

WORDS = list[tuple[int, int, int]]


def words_of(flat: np.ndarray, count: int) -> WORDS:
    return [(int(a), int(b), int(c)) for a, b, c in flat[: 3 * count].reshape(-1, 3).tolist()]


def some(count: int, seed: int) -> WORDS:
    """Rings at few moments, so that many share one."""
    draws = np.random.default_rng(seed)
    moments = draws.integers(0, 1 << 10, count)
    return [
        (int(t) << 54, int(i), 7) for t, i in zip(moments, draws.permutation(count), strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_the_heap_gives_rings_in_order_of_time_then_number(count: int) -> None:
    heap, at = np.empty(3 * count, np.uint64), np.zeros(rings.SLOTS, np.int64)
    given = some(count, count)
    for ring in given:
        rings.push_ring(heap, at, *(np.uint64(one) for one in ring))
    found = []
    while at[rings.HEAPED]:
        found += words_of(heap, 1)
        rings.pop_ring(heap, at)
    assert found == sorted(given)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 12, 13, 300])
def test_spans_give_what_was_put_in_order_and_their_chunks_back(count: int) -> None:
    calendar = calendar_of(None, 10, 4, 128)
    given = some(count, 5)
    for when, who, what in given:
        span = np.uint64(when >> int(calendar.shift[0]))
        rings.put_ring(calendar, span, np.uint64(when), np.uint64(who), np.uint64(what))
    found = []
    for _ in range(4):
        taken = rings.take_span(calendar)
        rings.order_due(calendar, taken)
        assert calendar.at[rings.DUES] == taken
        found += words_of(calendar.due, taken)
    assert found == sorted(given)
    assert calendar.at[rings.HELD] == 0
    used = int(calendar.at[rings.USED])
    calendar.at[rings.SPAN] = 0
    for _ in range(8 * used):  # chunks that were given back serve again
        rings.put_ring(calendar, np.uint64(1), np.uint64(1), np.uint64(2), np.uint64(3))
    assert calendar.at[rings.USED] == max(used, 0)


def test_a_span_without_room_stays_where_it_is() -> None:
    calendar = calendar_of(None, 10, 2, 128)
    short = calendar._replace(spare=np.empty(3 * 8, np.uint64))
    for _ in range(9):
        rings.put_ring(short, np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3))
    assert rings.take_span(short) == -1
    assert rings.take_span(calendar) == 9


@pytest.mark.parametrize("rate", [0.01, 0.5, 1.7, 40.0])
def test_waits_that_fit_are_exponential_and_no_other_is_returned(rate: float) -> None:
    draws = np.linspace(0, 1, 1001)[:-1]
    exact = -np.log1p(-draws) / rate
    waits = np.array([wait(float(draw), rate, 0.75) for draw in draws])
    fits = exact < 0.75
    assert waits[fits] == pytest.approx(exact[fits])
    assert (waits[~fits] >= 0.75).all()


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 16.0])
def test_numbers_of_rings_are_poisson(mean: float) -> None:
    # over draws that fill [0, 1) evenly each number comes as often as its chance says
    draws = (np.arange(20_000) + 0.5) / 20_000
    seen = np.bincount([int(count_of(float(draw), mean)) for draw in draws], minlength=20)
    for n in range(20):
        exact = math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))
        assert seen[n] / 20_000 == pytest.approx(exact, abs=1.01 / 20_000)
    assert count_of(1.0 - 2.0**-53, 16.0) < 128

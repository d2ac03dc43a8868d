"""Dots, spans and round numbers, against the names that Unicode gives and plain Python."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.draw.canvas import (
    BRAILLE,
    QUADRANTS,
    View,
    envelope,
    nice_ceiling,
    nice_ticks,
    pack_braille,
    pack_quadrants,
    trace,
)

DOTS = {(0, 0): 1, (1, 0): 2, (2, 0): 3, (0, 1): 4, (1, 1): 5, (2, 1): 6, (3, 0): 7, (3, 1): 8}
"""Number of each Braille dot by (row, column), as on paper."""
CORNERS = {(0, 0): "UPPER LEFT", (0, 1): "UPPER RIGHT", (1, 0): "LOWER LEFT", (1, 1): "LOWER RIGHT"}
finite = st.floats(-1e6, 1e6)
values = st.lists(finite, min_size=1, max_size=200).map(np.array)


@given(st.sets(st.sampled_from(sorted(DOTS)), min_size=1))
def test_dots_become_the_braille_pattern_that_unicode_names_so(
    raised: set[tuple[int, int]],
) -> None:
    plane = np.zeros((4, 2), dtype=np.bool_)
    plane[tuple(np.array(sorted(raised)).T)] = True
    numbers = "".join(str(n) for n in sorted(DOTS[dot] for dot in raised))
    name = unicodedata.name(str(BRAILLE[pack_braille(plane)[0, 0]]))
    assert name == f"BRAILLE PATTERN DOTS-{numbers}"


def test_cells_are_packed_where_they_lie_and_no_dots_are_a_space() -> None:
    assert BRAILLE[pack_braille(np.zeros((4, 2), dtype=np.bool_))[0, 0]] == " "
    assert QUADRANTS[pack_quadrants(np.zeros((2, 2), dtype=np.bool_))[0, 0]] == " "
    plane = np.zeros((8, 6), dtype=np.bool_)
    plane[5, 3] = True
    packed = pack_braille(plane)
    assert packed.shape == (2, 3)
    assert np.argwhere(packed).tolist() == [[1, 1]]


@pytest.mark.parametrize("corner", sorted(CORNERS))
def test_one_corner_becomes_the_quadrant_of_that_name(corner: tuple[int, int]) -> None:
    plane = np.zeros((2, 2), dtype=np.bool_)
    plane[corner] = True
    name = unicodedata.name(str(QUADRANTS[pack_quadrants(plane)[0, 0]]))
    assert name == f"QUADRANT {CORNERS[corner]}"


@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_a_quadrant_and_its_opposite_fill_the_cell(bits: list[bool]) -> None:
    plane = np.array(bits).reshape(2, 2)
    assert pack_quadrants(plane)[0, 0] + pack_quadrants(~plane)[0, 0] == 15


@given(values, st.integers(1, 40))
def test_spans_hold_the_least_and_the_greatest_of_their_ticks(
    course: np.ndarray, columns: int
) -> None:
    low, high = envelope(course, 0, len(course) - 1, columns)
    assert (low <= high).all()
    if len(course) > columns + 1:
        assert low.min() == course.min()
        assert high.max() == course.max()


@given(values, st.integers(2, 40))
def test_neighbouring_spans_touch(course: np.ndarray, columns: int) -> None:
    low, high = envelope(course, 0, max(1, len(course) - 1), columns)
    assert (low[1:] <= high[:-1]).all()
    assert (high[1:] >= low[:-1]).all()


def test_spans_equal_plain_python_and_the_unknown_is_not_drawn() -> None:
    course = np.array([5.0, 1, 9, 2, 7, 7, 3, 8])
    low, high = envelope(course, 0, 7, 4)
    assert low.tolist() == [1, 2, 7, 3]
    assert high.tolist() == [5, 9, 7, 8]
    course = np.array([1.0, np.nan, np.nan, np.nan, 1.0, 1.0])
    low, _ = envelope(course, 0, 5, 6)
    assert np.isnan(low).tolist() == [False, True, True, True, False, False]
    dots = trace(low, low, View(0, 5, 0, 2), 5)
    assert dots.any(axis=0).tolist() == [True, False, False, False, True, True]


@given(values, st.integers(2, 30), st.integers(2, 60))
def test_a_curve_has_no_gap(course: np.ndarray, rows: int, columns: int) -> None:
    view = View(0, max(1, len(course) - 1), float(course.min()) - 1, float(course.max()) + 1)
    dots = trace(*envelope(course, view.start, view.stop, columns), view, rows)
    for left, right in zip(dots.T[:-1], dots.T[1:], strict=True):
        rows_left, rows_right = np.flatnonzero(left), np.flatnonzero(right)
        assert min(abs(a - b) for a in rows_left for b in rows_right) <= 1


def test_curves_reach_top_and_bottom_and_dashes_follow_them() -> None:
    course = np.array([0.0, 10.0])
    dots = trace(course, course, View(0, 1, 0, 10), 7)
    assert np.argwhere(dots).tolist() == [[0, 1], [6, 0]]
    flat = np.full(16, 1.0)
    across = trace(flat, flat, View(0, 15, 0, 2), 3, 0b00001111)[1]
    assert across.tolist() == [True] * 4 + [False] * 4 + [True] * 4 + [False] * 4
    down = trace(np.array([0.0]), np.array([15.0]), View(0, 1, 0, 15), 16, 0b00001111)[:, 0]
    assert down.sum() == 8


@given(st.floats(1e-9, 1e9))
def test_a_nice_ceiling_is_above_and_near(value: float) -> None:
    assert value * (1 - 1e-6) <= nice_ceiling(value) <= 2.51 * value


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 20))
def test_ticks_are_round_even_and_inside(start: int, length: int, most: int) -> None:
    ticks = nice_ticks(start, start + length, most)
    assert len(ticks) <= most
    assert all(start <= tick <= start + length for tick in ticks)
    steps = set(np.diff(ticks).tolist())
    assert len(steps) <= 1
    assert all(str(step).rstrip("0") in {"1", "2", "5"} for step in steps)

"""Cells, texts, dots, spans and round numbers, against plain Python and the names of Unicode."""

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from tests.screens.showing import assert_fills, picture
from tui.draw.canvas import (
    BRAILLE,
    QUADRANTS,
    Canvas,
    View,
    envelope,
    nice_ceiling,
    nice_ticks,
    pack,
    trace,
)

RED = Style(color="red")
DOTS = {(0, 0): 1, (1, 0): 2, (2, 0): 3, (0, 1): 4, (1, 1): 5, (2, 1): 6, (3, 0): 7, (3, 1): 8}
"""Number of each Braille dot by (row, column), as on paper."""
values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200).map(np.array)


def canvas(width: int = 20, height: int = 3) -> tuple[Canvas, int]:
    sheet = Canvas(width, height, Style(color="white", bgcolor="black"))
    return sheet, sheet.ink_of(RED)


def test_text_is_clipped_at_the_edge_and_our_own_runs_of_spaces_stay() -> None:
    sheet, red = canvas()
    assert sheet.text(17, 0, "abcdef", red) == 3
    assert sheet.text(0, 1, "abcdef", red, room=4) == 4
    assert sheet.text(25, 2, "abc", red) == sheet.text(0, 9, "abc", red) == 0
    assert picture(sheet.strips()).splitlines()[:2] == [" " * 17 + "ab…", "abc…".ljust(20)]
    assert sheet.text(0, 2, "a  b | c", red) == 8
    assert sheet.strips()[2].text.rstrip() == "a  b | c"


def test_a_text_that_was_drawn_over_is_left_out_whole() -> None:
    sheet, red = canvas()
    sheet.text(0, 0, "消息传播", red)
    sheet.text(3, 0, "x", red)
    strips = sheet.strips()
    assert_fills(strips, 20, 3)
    assert strips[0].text.strip() == "x"


@given(
    st.lists(st.tuples(st.integers(-3, 30), st.integers(-2, 5), st.text(max_size=12)), max_size=20),
    st.integers(0, 24),
    st.integers(0, 4),
)
def test_whatever_is_written_wherever_every_line_keeps_its_width(
    texts: list[tuple[int, int, str]], width: int, height: int
) -> None:
    sheet, red = canvas(width, height)
    for x, y, text in texts:
        sheet.text(x, y, text, red)
    assert_fills(sheet.strips(), width, height)


@given(st.sets(st.sampled_from(sorted(DOTS)), min_size=1))
def test_dots_become_the_braille_pattern_that_unicode_names_so(
    raised: set[tuple[int, int]],
) -> None:
    plane = np.zeros((4, 2), dtype=np.bool_)
    plane[tuple(np.array(sorted(raised)).T)] = True
    numbers = "".join(str(n) for n in sorted(DOTS[dot] for dot in raised))
    name = unicodedata.name(str(BRAILLE[pack(plane, 4)[0, 0]]))
    assert name == f"BRAILLE PATTERN DOTS-{numbers}"
    corners = [QUADRANTS[pack(one.reshape(2, 2), 2)[0, 0]] for one in np.eye(4) > 0]
    assert corners == ["▘", "▝", "▖", "▗"]


@given(values, st.integers(1, 40))
def test_spans_hold_the_least_and_the_greatest_of_their_ticks(
    course: np.ndarray, columns: int
) -> None:
    low, high = envelope(course, 0, len(course) - 1, columns)
    assert (low <= high).all()
    if len(course) > columns + 1:
        assert low.min() == course.min()
        assert high.max() == course.max()


def test_the_unknown_is_not_drawn() -> None:
    low, _ = envelope(np.array([1.0, np.nan, np.nan, np.nan, 1.0, 1.0]), 0, 5, 6)
    assert np.isnan(low).tolist() == [False, True, True, True, False, False]
    dots = trace(low, low, View(0, 5, 0, 2), 5)
    assert dots.any(axis=0).tolist() == [True, False, False, False, True, True]


@given(values.filter(lambda course: len(course) > 1), st.integers(2, 30), st.integers(2, 60))
def test_a_curve_has_no_gap(course: np.ndarray, rows: int, columns: int) -> None:
    view = View(0, max(1, len(course) - 1), float(course.min()) - 1, float(course.max()) + 1)
    dots = trace(*envelope(course, view.start, view.stop, columns), view, rows)
    for left, right in zip(dots.T[:-1], dots.T[1:], strict=True):
        rows_left, rows_right = np.flatnonzero(left), np.flatnonzero(right)
        assert min(abs(a - b) for a in rows_left for b in rows_right) <= 1


def test_curves_reach_top_and_bottom_and_dashes_follow_them() -> None:
    course = np.array([0.0, 10.0])
    assert np.argwhere(trace(course, course, View(0, 1, 0, 10), 7)).tolist() == [[0, 1], [6, 0]]
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

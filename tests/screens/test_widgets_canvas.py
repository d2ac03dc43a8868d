"""Cells, inks and texts of any width on one sheet."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from tests.screens.showing import assert_fills, picture
from tui.draw.canvas import Canvas

BASE = Style(color="white", bgcolor="black")
RED = Style(color="red")


def canvas(width: int = 20, height: int = 3) -> tuple[Canvas, int]:
    sheet = Canvas(width, height, BASE)
    return sheet, sheet.ink_of(RED)


def test_an_empty_sheet_is_spaces_and_text_takes_its_cells() -> None:
    strips = canvas()[0].strips()
    assert [[(s.text, s.style) for s in strip] for strip in strips] == [[(" " * 20, BASE)]] * 3
    sheet, red = canvas()
    assert sheet.text(2, 1, "消息 ok", red) == 7
    (_, line, _) = sheet.strips()
    assert [(s.text, s.style) for s in line] == [("  ", BASE), ("消息 ok", RED), (" " * 11, BASE)]


def test_text_is_clipped_at_the_edge_and_our_own_runs_of_spaces_stay() -> None:
    sheet, red = canvas()
    assert sheet.text(17, 0, "abcdef", red) == 3
    assert sheet.text(0, 1, "abcdef", red, room=4) == 4
    assert sheet.text(25, 2, "abc", red) == sheet.text(0, 9, "abc", red) == 0
    assert picture(sheet.strips()).splitlines()[:2] == [" " * 17 + "ab…", "abc…".ljust(20)]
    sheet, red = canvas()
    sheet.words(0, 0, [("a  b", red), (" | ", 0), ("c", red)])
    assert sheet.strips()[0].text.rstrip() == "a  b | c"


def test_a_text_that_was_drawn_over_is_left_out_whole() -> None:
    sheet, red = canvas()
    sheet.text(0, 0, "消息传播", red)
    sheet.text(3, 0, "x", red)
    strips = sheet.strips()
    assert_fills(strips, 20, 3)
    assert strips[0].text.strip() == "x"


def test_pixels_become_half_blocks_and_the_ground_stays_as_it_was() -> None:
    sheet, red = canvas(3, 1)
    sheet.text(0, 0, "abc", red)
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    pixels[0, 1] = (255, 0, 0)
    pixels[:, 2] = (1, 2, 3)
    sheet.half_blocks(0, 0, pixels, (0, 0, 0))
    (line,) = sheet.strips()
    assert line.text == "a▀ "
    styles = [segment.style for segment in line]
    assert styles[1] == Style.parse("#ff0000 on #000000")
    assert styles[2] == Style.parse("#010203 on #010203")


def test_pixels_beside_each_other_share_a_cell() -> None:
    sheet, _ = canvas(2, 1)
    pixels = np.array([[[9, 9, 9], [9, 9, 9], [1, 1, 1], [2, 2, 2]]], dtype=np.uint8)
    sheet.side_blocks(0, 0, pixels)
    (line,) = sheet.strips()
    assert line.text == " ▌"
    assert [s.style for s in line][1] == Style.parse("#010101 on #020202")


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

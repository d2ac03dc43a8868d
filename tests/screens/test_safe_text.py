"""No text reaches the terminal but as text."""

import os
import re
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color

from tests.screens import test_terminal
from tests.screens.hostile import MARK, PAYLOADS, Gallery
from tui.safe_text import STAND_IN, SafeFilter, line, plain

BLACK = Color(0, 0, 0)
OWN = re.compile(
    rb"\x1b\[[<>=?]?[0-9;]*[mHhlu]|\x1b\[\?[0-9]+\$p|\x1b\]22;[a-z-]+\x07"  # the pointer's shape
)
"""What the screen itself says to a terminal."""
OBEYED = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
GALLERY = """
import sys
sys.path.insert(0, {root!r})
from tests.screens.hostile import Gallery
Gallery().run()
"""


def filtered(*segments: Segment) -> list[Segment]:
    return SafeFilter().apply(list(segments), BLACK)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_passes_the_filter(payload: str) -> None:
    text = "".join(segment.text for segment in filtered(Segment(payload)))
    assert not OBEYED.search(text)
    assert "\n" not in text


@given(st.text())
def test_a_filtered_line_keeps_its_width(text: str) -> None:
    before = Segment(text.encode("utf-8", "replace").decode())
    after = filtered(before, Segment("tail"))
    assert sum(cell_len(s.text) for s in after) == cell_len(before.text) + 4


def test_lines_pass_untouched_but_for_links_and_controls() -> None:
    segments = [Segment("Ísland 消息 👩‍👩‍👧‍👦 مصر ▀⣿", Style(bold=True))]
    assert SafeFilter().apply(segments, BLACK) is segments
    (segment,) = filtered(Segment("here", Style(link="http://evil.example/\x1b]52;c;", bold=True)))
    assert segment.style is not None
    assert (segment.text, segment.style.link, segment.style.bold) == ("here", None, True)
    control = Segment("\x1b[2J", None, [(ControlType.CLEAR,)])
    assert [s.text for s in filtered(Segment("a"), control)] == ["a"]
    assert len({SafeFilter(), SafeFilter()}) == 1


def test_plain_text_keeps_lines_and_a_line_is_one() -> None:
    assert plain("a\x1b[31m\tb\nc") == f"a{STAND_IN}[31m b\nc"
    assert line("消息传播", 5) == "消息…"
    assert line("  The bridge\n\tis   closed. ", 40) == "The bridge is closed."
    assert line("anything", 0) == ""


@given(st.text(), st.integers(0, 20))
def test_a_line_never_exceeds_its_cells(text: str, cells: int) -> None:
    assert cell_len(line(text, cells)) <= cells


async def test_the_gallery_shows_every_payload_and_obeys_none() -> None:
    app = Gallery()
    async with app.run_test(size=(160, 100)) as pilot:
        await pilot.pause()
        for widget in app.query("*"):
            if widget.size:
                await pilot.click(widget)
        await pilot.pause()
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
    assert not app.pwned
    assert text.count(MARK) > 40
    assert not OBEYED.search(text)


def test_nothing_of_a_payload_reaches_a_real_terminal_but_its_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_terminal, "CHILD", GALLERY)
    monkeypatch.setenv("COLORTERM", "truecolor")
    with closing(test_terminal.Child(tmp_path, size=(100, 160))) as child:
        end = time.monotonic() + 150
        while child.output.count(MARK.encode()) <= 40:
            assert time.monotonic() < end, child.output[-2000:]
            child.rest(0.05)
        os.write(child.master, b"\x11")
        assert child.end() == 0
    assert OBEYED.findall(OWN.sub(b"", child.output).decode()) == []
    assert not re.search(rb"\x1b\[31;1m|\x1b\]22;[^\x07]*PWN|Traceback", child.output)

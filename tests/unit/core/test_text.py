"""The one sanitiser and the width maths."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from sim.core import clean, clip, one_line, width
from sim.core.text import LIMIT, MOST_MARKS

HOSTILE = [
    "\x1b]0;title\x07", "\x1b]52;c;ZXZpbA==\x1b\\", "\x9b31m", "a\u202eevil\u202c", "\u2066x\u2069",
    "tag\U000e0041\U000e007f", "\ud800 lone", "a" + "\u0301" * 400,
    "\r\n\r\t\x00\x7f\x85\u2028\u2029", "\u200d\ufe0f\u200d", "[@click=app.bell]x[/]",
]  # fmt: skip
characters = st.one_of(
    st.characters(),
    st.characters(categories=("Mn", "Me", "Cc", "Cf", "Cs")),
    st.sampled_from("\r\n\t \x1b\x9b\u202e\u200d\ufe0f\u0301字😀"),
)
texts = st.text(characters, max_size=60)


def survivors(text: str) -> set[str]:
    bidi = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
    tags = set(map(chr, range(0xE0000, 0xE0080)))
    unsafe = {c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}}
    return (unsafe | (set(text) & (bidi | tags))) - {"\n", "\t"}


@given(texts)
@example("".join(HOSTILE))
def test_no_control_character_survives_cleaning(text: str) -> None:
    assert survivors(clean(text)) == set()


@given(texts, st.integers(0, 80))
@example("\r\n" * 10, 3)
@example("a" + "\u0301" * 30, 20)
def test_cleaning_again_changes_nothing_and_the_limit_holds(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once
    assert len(once) <= limit


@given(texts)
def test_no_base_carries_more_than_eight_marks(text: str) -> None:
    run = 0
    for c in clean(text):
        run = run + 1 if unicodedata.category(c)[0] == "M" else 0
        assert run <= MOST_MARKS


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs"))))
@example("桥已关闭。 הגשר סגור الجسر\u200f مغلق 👨‍👩‍👧 ☁️ naïve\ttab\nline")
def test_honest_text_comes_through_unchanged(text: str) -> None:
    assert clean(text) == text


def test_escapes_and_line_ends_become_harmless_text() -> None:
    assert clean("\x1b]52;c;ZXZpbA==\x07!") == "\ufffd]52;c;ZXZpbA==\ufffd!"
    assert clean("a" + "\u0301" * 400 + "b\u0301") == "a" + "\u0301" * 8 + "b\u0301"
    assert clean("a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_a_text_at_the_limit_stays_and_a_longer_one_ends_with_an_ellipsis() -> None:
    assert clean("x" * LIMIT) == "x" * LIMIT
    assert clean("x" * (LIMIT + 1)) == "x" * (LIMIT - 1) + "…"
    assert clean("xy", 1) == "…"
    assert clean("xy", 0) == ""


@given(texts, st.integers(0, 80))
def test_one_line_has_no_line_end_and_is_idempotent(text: str, limit: int) -> None:
    once = one_line(text, limit)
    assert one_line(once, limit) == once
    assert "\n" not in once
    assert "\t" not in once
    assert once == once.strip()
    assert len(once) <= limit


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0), ("abc", 3), ("消息传播", 8), ("e\u0301", 1), ("\u0301", 0), ("한글", 4),
        ("\uff21\uff22", 4), ("ｶﾞ", 2), ("😀", 2), ("👍🏽", 2), ("👨‍👩‍👧", 2), ("🇩🇪", 2), ("☁️", 2),
        ("1️⃣", 2), ("\u2139\ufe0f", 2), ("字\ufe0f", 2), ("\ufe0f", 0), ("a\ufe0f", 1),
        ("a\u200d", 1), ("\u200d\u200da", 1), ("شكرا", 4), ("┏━█⣿", 4), ("a\nb", 2), ("ก็", 1),
    ],
)  # fmt: skip
def test_width_counts_what_the_renderer_counts(text: str, cells: int) -> None:
    assert width(text) == cells
    assert width(text) == cell_len(text)


def test_no_wide_character_is_halved_however_new() -> None:
    assert width("\U0001fae8") == 2
    assert [clip("消息传播", cells) for cells in range(9)] == [
        "", "…", "…", "消…", "消…", "消息…", "消息…", "消息传…", "消息传播",
    ]  # fmt: skip


@given(texts, texts)
def test_width_adds_up_unless_something_joins(left: str, right: str) -> None:
    if not left.endswith("\u200d") and not right.startswith("\ufe0f"):
        assert width(left + right) >= width(left)
        if "\u200d" not in left + right and "\ufe0f" not in left + right:
            assert width(left + right) == width(left) + width(right)


@given(texts, st.integers(-1, 30))
@example("👨‍👩‍👧👨‍👩‍👧", 3)
@example("消息传播", 5)
def test_a_clipped_line_fits_and_is_the_longest_that_does(text: str, cells: int) -> None:
    clipped = clip(text, cells)
    assert width(clipped) <= max(cells, 0)
    if cells < 1:
        assert clipped == ""
    elif width(text) <= cells:
        assert clipped == text
    else:
        kept = clipped[:-1]
        assert clipped[-1] == "…"
        assert text.startswith(kept)
        assert width(text[: len(text) - len(text[len(kept) :].lstrip("\u200d")) + 1]) > cells - 1

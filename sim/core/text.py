r"""Sanitising text from outside for storage and display; terminal widths.

Message texts, imported names and replies of language models may hold escape sequences that reach
the terminal, controls that reverse the reading order, or hundreds of accents on one letter. They
are filtered by code point, never by a pattern of known sequences: without ESC and the C1 controls
no sequence can begin. Left-to-right and right-to-left marks (U+200E, U+200F, U+061C) are kept:
Arabic and Hebrew need them, and they only affect the order of their neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Final

LIMIT: Final = 4096
"""Maximum number of characters of a text."""
MOST_MARKS: Final = 8
"""Maximum number of combining marks on one base character."""

_STAND_IN = "\ufffd"
_ELLIPSIS = "…"
_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u2028\u2029\u202a-\u202e\u2066-\u206f"  # line separators, bidi and deprecated controls
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"  # annotations, noncharacters, lone surrogates
    "\U000e0000-\U000e007f]"  # tag characters
)
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_FIRST_MARK = "\u0300"
_WIDENED = "#*0123456789\xa9\xae\u203c\u2049\u2139"  # beside symbols
_JOINING = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF), (0x1F3FB, 0x1F3FF))  # inner Jamo, skin tones


def clean(text: str, limit: int = LIMIT) -> str:
    r"""Return ``text`` safe to store, print and draw; cleaning again changes nothing.

    Parameters
    ----------
    text
        Anything, hostile or not.
    limit
        Maximum length of the result; a longer text is cut and ends with an ellipsis.

    Returns
    -------
    The text with line ends as ``\n``; control characters (newline and tab are kept), line
    separators, bidi controls, tag characters and lone surrogates as U+FFFD; and at most 8
    combining marks a character.

    Examples
    --------
    >>> clean("\x1b[31mred\x07")
    '�[31mred�'
    """
    if len(text) > limit:
        text = text[: limit - 1] + _ELLIPSIS if limit > 0 else ""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _UNSAFE.sub(_STAND_IN, text)
    return text if text.isascii() else _fewer_marks(text)


def one_line(text: str, limit: int = LIMIT) -> str:
    r"""Return ``text`` cleaned, each run of white space as one space, none at the ends.

    Examples
    --------
    >>> one_line(" The bridge\n is\tclosed. ")
    'The bridge is closed.'
    """
    return " ".join(clean(text, limit).split())


def plural(many: float, one: str, more: str = "") -> str:
    """Return a number with its noun: ``1 member``, ``2,303 members``; ``more`` if not one + s."""
    return f"{many:,.0f} {one if many == 1 else more or one + 's'}"


def count(value: float) -> str:
    """Return a whole number in full: ``1,204``."""
    return f"{round(value):,}"


def short(value: float) -> str:
    """Return a number in at most five characters: ``412k``, ``9.8M``, ``0.94``.

    Examples
    --------
    >>> [short(value) for value in (0.944, 12, 1204, 99_960, 412_880, 9_800_000)]
    ['0.94', '12', '1.2k', '100k', '413k', '9.8M']
    """
    for size, letter in _SIZES:
        if abs(value) >= size * 0.9995:
            return f"{value / size:.{int(abs(value / size) < 99.95)}f}{letter}"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2g}"


def percent(share: float) -> str:
    """Return a share as a percentage: ``41.3%``; ``<0.1%`` for small positive ones."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.1f}%"


def width(text: str) -> int:
    """Return the width of a line in terminal cells.

    CJK and emoji take 2, combining marks and controls 0; joined emoji, flags, keycaps and skin
    tones are counted as one picture of 2, as the screen's renderer does.

    Examples
    --------
    >>> width("abc"), width("消息"), width("e\u0301")
    (3, 4, 1)
    """
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(_steps(text))


def clip(text: str, cells: int) -> str:
    """Return the longest prefix of a line that fits, with an ellipsis if it was cut.

    Parameters
    ----------
    text
        One line, cleaned.
    cells
        Available terminal cells; below 1 nothing fits.

    Examples
    --------
    >>> clip("消息传播", 5)
    '消息…'
    """
    if cells < 1:
        return ""
    if width(text) <= cells:
        return text
    end = bisect_right(list(accumulate(_steps(text))), cells - 1)
    return text[:end].rstrip(_JOINER) + _ELLIPSIS


def _fewer_marks(text: str) -> str:
    kept: list[str] = []
    run = 0
    for c in text:
        run = run + 1 if c >= _FIRST_MARK and unicodedata.category(c)[0] == "M" else 0
        if run <= MOST_MARKS:
            kept.append(c)
    return "".join(kept)


def _steps(text: str) -> Iterator[int]:
    """Yield the number of cells that each character adds."""
    last, joined = "", False
    for c in text:
        if joined:
            joined = False
            yield 0
        elif c == _JOINER:
            joined = True
            yield 0
        elif c == _EMOJI_STYLE:
            yield int(_widens(last))
            last = ""
        else:
            cells = _cells(c)
            last = c if cells else last
            yield cells


@lru_cache(maxsize=4096)
def _cells(c: str) -> int:
    """Return the cells of one character on its own: 0, 1 or 2."""
    code = ord(c)
    category = unicodedata.category(c)
    if category in {"Cc", "Cf", "Mn", "Me", "Mc", "Zl", "Zp"} and c != "\xad":
        return 0
    if any(low <= code <= high for low, high in _JOINING):
        return 0
    newer_emoji = category == "Cn" and 0x1F300 <= code <= 0x1FAFF  # newer than this Python's tables
    return 2 if newer_emoji or unicodedata.east_asian_width(c) in {"W", "F"} else 1


def _widens(c: str) -> bool:
    """Return whether emoji style makes a narrow character wide: symbols, and digits of keycaps."""
    if not c or _cells(c) != 1:
        return False
    return c in _WIDENED or (c > "\u2000" and unicodedata.category(c)[0] == "S")

"""Safe text: clean text from outside on its way to the terminal.

Every text is cleaned when it enters the program (``sim.core.clean``). This module is a second
barrier: `plain` and `line` clean again and clip by terminal cells, and `SafeFilter` checks
every line that any widget draws, whatever its source. None of them ever interprets markup.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from sim.core import clean, clip

STAND_IN: Final = "\ufffd"
"""The replacement of a character that must not reach the terminal."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffd")
"""Letters and signs that look like a blank, and the replacement of controls."""

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 with tab and newline (no line holds either), DEL, C1
    "\u2028\u2029\u202a-\u202e\u2066-\u206f"  # line separators, bidi controls
    "\ufff9-\ufffb\ud800-\udfff"  # annotations, lone surrogates
    "\U000e0000-\U000e007f]"  # tag characters
)


def plain(text: str) -> str:
    """Return `text` without terminal controls; line ends are kept, tabs become a space.

    It is still a string: give it to Textual inside ``Content`` or with ``markup=False``.
    """
    return clean(text).replace("\t", " ")


def is_visible(text: str) -> bool:
    r"""Return whether a text shows anything: blanks, controls and what has no width do not."""
    return any(
        unicodedata.category(letter)[0] in "LNPS" and letter not in _BLANK for letter in text
    )


@lru_cache(maxsize=4096)
def line(text: str, cells: int) -> str:
    r"""Return `text` as one clean line of at most `cells` terminal cells."""
    if cells < 1:
        return ""
    short = clip(" ".join(clean(text).split()), cells)
    return short if cell_len(short) <= cells else set_cell_size(short, cells)


class SafeFilter(LineFilter):
    """Keeps control characters, bidi controls and hyperlinks from the terminal.

    Return one from ``App.get_line_filters`` after the inherited ones. All instances are equal,
    so that lines already filtered are found again.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SafeFilter)

    def __hash__(self) -> int:
        return hash(SafeFilter)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Replace forbidden characters; the line keeps its width."""
        text = "".join([segment.text for segment in segments])
        leads_out = any(control or (style and style.link) for _, style, control in segments)
        if (text.isprintable() or not _UNSAFE.search(text)) and not leads_out:
            return segments
        shown = [segment for segment in segments if not segment.control]
        safe = [
            Segment(_UNSAFE.sub(STAND_IN, text), style and style.update_link(None))
            for text, style, _ in shown
        ]
        return Segment.adjust_line_length(safe, sum(cell_len(segment.text) for segment in shown))

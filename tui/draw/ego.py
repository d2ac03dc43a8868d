"""The ego pane: a member and those tied to it, as a drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.draw.bubbles import BubbleLines, edge_dots
from tui.draw.canvas import Canvas
from tui.draw.panes import StripPane
from tui.draw.raster import BRAILLE, pack_braille
from tui.figures import count
from tui.safe_text import line

if TYPE_CHECKING:
    from sim.runtime.queries.members import Ego


SHORTEST = 5
LONGEST = 18
"""Cells of a name."""


class EgoPane(StripPane):
    """A member in the middle, those tied to it around; one of them can be chosen."""

    HELP = (
        "The chosen member in the middle and those tied to it around it, mutual ones first, then "
        "the best-known: = both follow, > follows the member, < is followed by it. Arrows choose "
        "one, Enter goes to it, e goes back to the table."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "go(-1)", "Member before", id="ego-before", show=False),
        Binding("right,down", "go(1)", "Next member", id="ego-next", show=False),
        Binding("enter", "choose", "Go to this member", id="ego-choose", show=False),
    ]

    class Chosen(Message):
        """Enter was pressed on a member."""

        def __init__(self, agent: int) -> None:
            super().__init__()
            self.agent = agent

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "No member is chosen."
        self.ego: Ego | None = None
        self.at = 0

    def draw(self, ego: Ego | None) -> None:
        """Show a member."""
        same = ego is not None and self.ego is not None and ego.agents[0] == self.ego.agents[0]
        self.ego = ego
        last = len(ego.agents) - 1 if ego is not None else 0
        self.at = min(self.at, last) if same else 0
        self.changed()

    def action_go(self, by: int) -> None:
        """Choose the next member around."""
        if self.ego is not None:
            self.at = (self.at + by) % len(self.ego.agents)
            self.changed()

    def action_choose(self) -> None:
        """Say that the chosen member is meant."""
        if self.ego is not None:
            self.post_message(self.Chosen(int(self.ego.agents[self.at])))

    def paint(self, width: int, height: int) -> list[Strip]:
        """Draw ties, members and a line about the chosen one."""
        canvas, ego = self.canvas(width, height), self.ego
        if ego is None or height < 4:
            self.write_placeholder(canvas)
            return canvas.strips()
        rows = height - 2
        spots = self.spots(len(ego.agents) - 1, width, rows)
        self._write_ties(canvas, ego, spots, rows)
        for place in [*range(1, len(ego.agents)), 0]:
            self._write_member(canvas, ego, place, spots[place])
        self._write_foot(canvas, ego)
        return canvas.strips()

    def spots(self, others: int, width: int, rows: int) -> NDArray[np.float64]:
        """Return where each stands, float64 (others + 1, 2): x in cells, y in rows."""
        middle = np.array([width / 2, (rows - 1) / 2])
        inner = others // 3 if others > 8 else 0
        rings = [(inner, 0.55), (others - inner, 1.0)]
        places = [middle[None]]
        for number, (members, size) in enumerate(rings):
            angles = 2 * np.pi * (np.arange(members) + 0.5 * number) / max(1, members)
            reach = size * np.array([max(2.0, width / 2 - LONGEST / 2 - 1), max(1.0, middle[1])])
            places.append(middle + np.stack([np.sin(angles), -np.cos(angles)], axis=1) * reach)
        found: NDArray[np.float64] = np.concatenate(places)
        return found

    def _write_ties(self, canvas: Canvas, ego: Ego, spots: NDArray[np.float64], rows: int) -> None:
        centres = np.stack([spots[:, 0], 2 * spots[:, 1] + 1], axis=1)
        shade = np.where(ego.a == 0, 1.0, 0.4)
        dots, strength = edge_dots(BubbleLines(ego.a, ego.b, shade), centres, rows, canvas.width)
        lines = strength > 0
        chars, ink = canvas.chars[:rows], canvas.ink[:rows]
        if self.symbols == "braille":
            chars[lines] = BRAILLE[pack_braille(dots)][lines]
        else:
            chars[lines] = "." if self.symbols == "ascii" else "·"
        ink[lines] = canvas.ink_of(self.tone("axis"))
        ink[strength > 0.5] = canvas.ink_of(self.tone("line"))

    def _write_member(
        self, canvas: Canvas, ego: Ego, place: int, spot: NDArray[np.float64]
    ) -> None:
        crowd = max(SHORTEST, min(LONGEST, canvas.width // 5))
        text = f" {_mark(ego, place)}{line(ego.names[place], crowd)} "
        x = round(float(spot[0]) - cell_len(text) / 2)
        x = min(max(0, x), max(0, canvas.width - cell_len(text)))
        tone = "strong" if place == 0 else "text"
        if place == self.at:
            tone = "cursor" if self.has_focus else "good"
        canvas.text(x, round(float(spot[1])), text, canvas.ink_of(self.tone(tone)))

    def _write_foot(self, canvas: Canvas, ego: Ego) -> None:
        muted, strong = canvas.ink_of(self.tone("muted")), canvas.ink_of(self.tone("strong"))
        shown = len(ego.agents) - 1
        of = f"{count(shown)} of {count(ego.total)} tied to {line(ego.names[0], 24)}"
        canvas.text(0, canvas.height - 2, of, muted)
        mark = {"=": "both follow", ">": "follows it", "<": "followed by it"}.get(
            _mark(ego, self.at).strip(), "in the middle"
        )
        facts = f"{mark}, {count(int(ego.listeners[self.at]))} followers"
        used = canvas.text(0, canvas.height - 1, line(ego.names[self.at], 28), strong)
        canvas.text(used + 2, canvas.height - 1, facts, muted)


def _mark(ego: Ego, place: int) -> str:
    """Return how one is tied to the member in the middle."""
    if place == 0:
        return "@"
    both = bool(ego.hears[place]), bool(ego.heard[place])
    return {(True, True): "=", (False, True): ">", (True, False): "<"}.get(both, "")

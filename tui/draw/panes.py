"""The bases of the drawing panes: strips painted once per state, size and theme.

`PixelPane` adds fields of colour, with a way to draw them on terminals with only a few colours.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from textual import events
from textual.color import Color
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sim.arrays import F64, U8
from tui.draw.canvas import RGB, Canvas
from tui.theme import GLYPHS, LEVELS, SHADES, ramp

FAR = 2**32
"""More rows or ticks than any pane has."""

Symbols = Literal["braille", "block", "ascii"]
"""Symbols of curves and fields; ``ascii`` for fonts and terminals without the others."""


class StripPane(Widget, can_focus=True):
    """A pane that paints all its lines at once, and caches them until something changes.

    A subclass implements `draw_on` and calls `changed` when its data or its cursor does. The
    placeholder stands where nothing is drawn.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"pane--{name}"
        for name in ("text", "muted", "strong", "good", "axis", "cursor", "line", "error")
    }
    DEFAULT_CSS = """
    StripPane {
        & > .pane--text { color: $foreground; }
        & > .pane--muted { color: $text-muted; }
        & > .pane--strong { color: $foreground; text-style: bold; }
        & > .pane--good { color: $text-accent; text-style: bold; }
        & > .pane--axis { color: $text-disabled; }
        & > .pane--line { color: $primary; }
        & > .pane--error { color: $text-error; }
        & > .pane--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: bold;
        }
    }
    """
    ALLOW_SELECT = False

    symbols: reactive[Symbols] = reactive[Symbols]("braille")
    placeholder: reactive[str] = reactive("")

    _hover: int | None = None  # what is under the mouse
    _stamp = 0
    _key: tuple[object, ...] = ()
    _colours: tuple[Color, Color] | None = None
    _strips: list[Strip] = []  # noqa: RUF012 - replaced, never changed

    class Selected(Message):
        """The cursor moved to a row, a community, a member or a message."""

        def __init__(self, pane: StripPane, index: int) -> None:
            super().__init__()
            self.pane, self.index = pane, index

    class Chosen(Selected):
        """Enter was pressed on it, or it was clicked twice."""

    def draw_on(self, canvas: Canvas) -> None:
        """Draw everything."""

    def paint(self, width: int, height: int) -> list[Strip]:
        canvas = Canvas(width, height, self.rich_style, self.tone)
        self.draw_on(canvas)
        if not canvas.ink.any():
            x = max(0, (width - Content(self.placeholder).cell_length) // 2)
            canvas.text(x, (height - 1) // 2, self.placeholder, "muted")
        return canvas.strips()

    def changed(self) -> None:
        """Repaint everything."""
        self._stamp += 1
        self.refresh()

    def repaint_changes(self) -> None:
        """Repaint, and have only the cells sent that differ: for what moves many times a second."""
        width, height, _ = self.view()
        before, self._stamp = self._strips, self._stamp + 1
        if not (width and height and self.is_attached):
            return
        self.render_line(0)
        if len(before) != len(self._strips):
            self.refresh()
            return
        pairs = enumerate(zip(before, self._strips, strict=True))
        regions = [_difference(y, old, new) for y, (old, new) in pairs if old != new]
        if regions:
            self.refresh(*regions)

    def item_at(self, x: int, y: int) -> int | None:
        """Return what a cell shows, such as a tick or a community; None: nothing for the mouse."""
        return None

    def pick(self, item: int) -> None:
        """Take what was clicked."""

    def _under(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        return None if offset is None else self.item_at(*offset)

    def on_click(self, event: events.Click) -> None:
        item = self._under(event)
        if item is not None:
            self.pick(item)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover_over(self._under(event))

    def on_leave(self) -> None:
        self._hover_over(None)

    def _hover_over(self, item: int | None) -> None:
        if item != self._hover:
            self._hover = item
            self.changed()

    def view(self) -> tuple[int, int, int]:
        """Return the painted width and height, and the first row if it scrolls."""
        return *self.size, 0

    def render_lines(self, crop: Region) -> list[Strip]:
        # Expensive, so it is asked once per redraw and not once per line.
        if self.background_colors != self._colours:
            self._colours = self.background_colors
            self._stamp += 1
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width, height, first = self.view()
        state = (self.app.theme, self.has_focus, self.symbols, self.placeholder)
        key = (self._stamp, width, height, first, *state)
        if key != self._key:
            self._strips = self.paint(width, height) if width > 0 < height else []
            self._key = key
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(width, self.rich_style)

    def tone(self, name: str) -> Style:
        return self.get_component_rich_style(f"pane--{name}")

    @property
    def ground(self) -> RGB:
        return self.background_colors[1].rgb

    @property
    def dark(self) -> bool:
        return self.background_colors[1].brightness < 0.5

    @property
    def in_glyphs(self) -> bool:
        """Whether amounts are shown by the density of a character instead of a colour."""
        few_colours = self.app.console.color_system in {"standard", "windows"}  # 16 or fewer
        return self.symbols == "ascii" or few_colours or self.app.no_color


def _difference(y: int, old: Strip, new: Strip) -> Region:
    """Return the cells of a line from the first that differs to the last."""
    one, other = list(old), list(new)
    start, stop = 0, new.cell_length
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        start += a.cell_length
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        stop -= a.cell_length
    return Region(start, y, max(1, stop - start), 1)


class PixelPane(StripPane):
    """A pane with fields of colour, two pixels per cell; densities if colours are few."""

    def shade(self, shares: NDArray[Any], *, diverging: bool = False) -> U8:
        """Return the colour of each share in [0, 1], uint8 (..., 3); NaN counts as 0."""
        coarse = self.app.console.color_system == "256"
        steps = np.rint(np.nan_to_num(shares).clip(0, 1) * (LEVELS - 1)).astype(np.int64)
        colours: U8 = ramp(dark=self.dark, diverging=diverging, coarse=coarse)[steps]
        return colours

    def density(self, shares: NDArray[Any]) -> NDArray[np.str_]:
        """Return a character for each share in [0, 1]; NaN is blank, a value above 0 never."""
        glyphs = np.array(list(GLYPHS if self.symbols == "ascii" else SHADES))
        steps = np.nan_to_num(shares).clip(0, 1) * (len(glyphs) - 1)
        marks: NDArray[np.str_] = glyphs[np.ceil(steps - 1e-9).astype(np.int64)]
        return marks

    def paint_shares(
        self, canvas: Canvas, x: int, y: int, shares: F64, *, diverging: bool = False,
        tone: str = "line",
    ) -> None:  # fmt: skip
        """Paint a field of shares, float64 (rows, 2 * columns); NaN stays as it is."""
        if self.in_glyphs:
            marks = self.density(shares[:, 1::2])
            area = (slice(y, y + len(marks)), slice(x, x + marks.shape[1]))
            canvas.chars[area], canvas.ink[area] = marks, canvas.ink_of(tone)
            return
        pixels = self.shade(shares, diverging=diverging)
        pixels[np.isnan(shares)] = self.ground
        canvas.blocks(x, y, pixels, "▌", self.ground)

    def write_foot(
        self, canvas: Canvas, ends: tuple[str, str], name: str, facts: str, *,
        diverging: bool = False,
    ) -> None:  # fmt: skip
        """Write the last row: the legend of colours, and what is known of the selection."""
        y = canvas.height - 1
        x = canvas.text(0, y, ends[0], "muted") + 1
        cells = max(0, min(20, max(4, canvas.width // 5), canvas.width - x))
        shares = (np.arange(2 * cells) + 0.5) / max(1, 2 * cells)
        self.paint_shares(canvas, x, y, shares[None], diverging=diverging, tone="muted")
        x += cells + 1
        x += canvas.text(x, y, ends[1], "muted") + 2
        room = canvas.width - x
        used = canvas.text(x, y, name, "strong", room=max(room - len(facts) - 2, min(10, room)))
        canvas.text(x + used + (2 if used else 0), y, facts, "text")

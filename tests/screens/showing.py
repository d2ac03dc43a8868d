"""One widget alone on a screen of true colour, and what it shows."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from rich.cells import cell_len
from rich.color import ColorSystem
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from tui.theme import register_themes

Pane = TypeVar("Pane", bound=Widget)
STATES = ("susceptible", "infected", "recovered")


class Alone(App[None]):
    """Shows one widget, in true colour whatever the terminal of the tests is."""

    def __init__(self, widget: Widget, theme: str) -> None:
        super().__init__()
        self.widget = widget
        self._wanted = theme
        self.console._color_system = ColorSystem.TRUECOLOR

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        register_themes(self, self._wanted)


@asynccontextmanager
async def shown(
    widget: Widget, size: tuple[int, int] = (80, 24), theme: str = "hubbub-dark"
) -> AsyncIterator[Pilot[None]]:
    async with Alone(widget, theme).run_test(size=size) as pilot:
        widget.focus()
        await pilot.pause()
        yield pilot


@asynccontextmanager
async def drawn(
    pane: Pane, fill: Callable[[Pane], object], *about: Any
) -> AsyncIterator[tuple[Pane, Pilot[None]]]:
    """The widget alone, once it was filled and drawn."""
    async with shown(pane, *about) as pilot:
        fill(pane)
        await pilot.pause()
        yield pane, pilot


def picture(strips: Sequence[Strip]) -> str:
    return "\n".join(strip.text for strip in strips)


def screen_of(pilot: Pilot[None]) -> str:
    return picture(pilot.app.screen._compositor.render_strips())


def assert_fills(strips: Sequence[Strip], width: int, height: int) -> None:
    """Every line has exactly the width that it claims, and no character a terminal obeys."""
    assert len(strips) == height
    for strip in strips:
        assert strip.cell_length == width
        assert sum(cell_len(segment.text) for segment in strip) == width
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in strip.text)

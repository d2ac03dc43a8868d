"""Every word stands out from what it stands on, in every theme, under the cursor too."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import ColorSystem

from tests.screens.test_app import hubbub, inject, settled
from tests.screens.test_widgets_theme import contrast
from tui.app import Hubbub
from tui.theme import THEMES
from tui.world_session import JournalLocation

LEAST = 3.3
"""Contrast of words that say what cannot be done now; all others have more."""


def faint(app: Hubbub) -> list[str]:
    """Return the words of the topmost screen that hardly differ from what is behind them."""
    strips = app.screen._compositor.render_strips()
    if app.screen is not app.stage:
        shown = [each.region for each in app.screen.children if each.display]
        box = max(shown, key=lambda region: region.area)
        strips = [strip.crop(box.x, box.right) for strip in strips[box.y : box.bottom]]
    return [
        f"{segment.text.strip()} {segment.style}"
        for strip in strips
        for segment in strip
        if segment.style is not None
        and any(letter.isalnum() for letter in segment.text)
        and segment.style.color is not None
        and segment.style.bgcolor is not None
        and contrast(_hex(segment.style.color), _hex(segment.style.bgcolor)) < LEAST
    ]


def _hex(colour: object) -> str:
    triplet = getattr(colour, "triplet", None)
    return "#000000" if triplet is None else str(triplet.hex)


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
async def test_words_can_be_read(tmp_path: Path, theme: str) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        assert app.stage is not None
        app.console._color_system = ColorSystem.TRUECOLOR
        app.theme = theme
        await pilot.pause()
        assert not faint(app)
        for state in ("playing", "pausing", "stepping", "failed", "held up", "busy"):
            app.expected, app.homes.home = state, JournalLocation(is_copy=True)
            app.redraw()
            await pilot.pause()
            assert not faint(app), state
        await inject(app, pilot)
        for key in ("1", "2", "G", "n", "i", "m", "K", "question_mark", "q"):
            await pilot.press(key)
            await settled(app, pilot)
            await pilot.pause(0.2)
            assert not faint(app), key
            if app.screen is not app.stage:
                await pilot.press("escape")
                await settled(app, pilot)

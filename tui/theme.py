"""Colours: the three themes of the screen, and the palettes that stand for data.

Widgets hold no literal colour: chrome comes from the theme through CSS component classes, data
from `series` and `ramp`. Both palettes were picked by search so that any two colours stay at
least 30 apart (CIE 1976 Lab) for normal, protan, deutan and tritan eyes, and at least 3:1 against
the background; a marker, a dash style or a glyph always says the same thing without colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

__all__ = [
    "DEFAULT_THEME",
    "GLYPHS",
    "MARKERS",
    "SHADES",
    "THEMES",
    "Series",
    "ramp",
    "register_themes",
    "series",
]

DEFAULT_THEME = "hubbub-dark"

MARKERS = "ox#+*@%=&~sznvwcuamdkrbehjgtqy"
"""One letter per series, drawn on the curve and in the legend."""

GLYPHS = " .:-=+*#%@"
"""Ten levels of density for terminals without colour; the first is nothing."""

SHADES = " ░▒▓█"
"""Five levels of density for terminals of 16 colours."""

_DARK_SERIES = ("#56b4e9", "#d55e00", "#f0e442", "#c111fb", "#97795d", "#d1fddd", "#516279")
_LIGHT_SERIES = ("#0072b2", "#d55e00", "#360030", "#962eff", "#c17e88", "#660000", "#040079")

# Dash styles as bits over eight dots: solid, dashed, dash-dot, sparse.
_DASHES = (0b11111111, 0b00111111, 0b01001111, 0b00110011)

# Ten stops of a blue-grey-yellow ramp whose lightness rises evenly, after cividis
# (Nunez, Anderton and Renslow 2018, doi:10.1371/journal.pone.0199239); on a light background it
# runs from paper to dark blue.
_DARK_RAMP = (
    (0, 34, 78),
    (18, 53, 112),
    (59, 73, 108),
    (87, 93, 109),
    (112, 113, 115),
    (138, 134, 120),
    (165, 156, 116),
    (195, 179, 105),
    (225, 204, 85),
    (254, 232, 56),
)
_LIGHT_RAMP = (
    (244, 240, 224),
    (234, 222, 168),
    (214, 198, 128),
    (184, 173, 121),
    (150, 146, 123),
    (116, 117, 119),
    (87, 93, 109),
    (59, 73, 108),
    (18, 53, 112),
    (0, 34, 78),
)

THEMES: tuple[Theme, ...] = (
    Theme(
        name="hubbub-dark",
        primary="#56b4e9",
        secondary="#3d6f94",
        accent="#f0e442",
        success="#4fd0b0",
        warning="#f0e442",
        error="#e8602c",
        foreground="#dfe3ea",
        background="#0e1116",
        surface="#141922",
        panel="#1d2430",
        dark=True,
        variables={
            "border": "#56b4e9",
            "border-blurred": "#39465a",
            "footer-key-foreground": "#f0e442",
            "footer-background": "#1d2430",
        },
    ),
    Theme(
        name="hubbub-light",
        primary="#0067b0",
        secondary="#7fa8c9",
        accent="#8a4b00",
        success="#0067b0",
        warning="#c79a00",
        error="#a02010",
        foreground="#1a1d23",
        background="#fafafa",
        surface="#f1f3f6",
        panel="#e2e6ec",
        dark=False,
        variables={
            "border": "#0067b0",
            "border-blurred": "#b4bdc9",
            "footer-key-foreground": "#0067b0",
            "footer-background": "#e2e6ec",
        },
    ),
    Theme(
        name="hubbub-contrast",
        primary="#00c8ff",
        secondary="#ffffff",
        accent="#ffe000",
        success="#00c8ff",
        warning="#ffe000",
        error="#ff5030",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#202020",
        dark=True,
        text_alpha=1.0,
        variables={
            "border": "#ffe000",
            "border-blurred": "#ffffff",
            "footer-key-foreground": "#ffe000",
            "footer-background": "#000000",
            "text-muted": "#d8d8d8",
            "text-disabled": "#b0b0b0",
            "block-cursor-foreground": "#000000",
            "block-cursor-background": "#ffe000",
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Series:
    """How one curve is told from the others.

    Attributes
    ----------
    colour : str
        ``#rrggbb``.
    marker : str
        One ASCII letter.
    dash : int
        Eight bits: which of eight consecutive dots along the curve are drawn.
    """

    colour: str
    marker: str
    dash: int


def series(count: int, *, dark: bool = True) -> tuple[Series, ...]:
    """Give `count` styles; colours repeat after 7, dashes after 4, markers after 30.

    Parameters
    ----------
    count : int
        How many curves there are, 0 or more.
    dark : bool
        Whether the background is dark.
    """
    colours = _DARK_SERIES if dark else _LIGHT_SERIES
    return tuple(
        Series(
            colours[i % len(colours)],
            MARKERS[i % len(MARKERS)],
            _DASHES[i % len(_DASHES)],
        )
        for i in range(count)
    )


@cache
def ramp(*, dark: bool = True) -> NDArray[np.uint8]:
    """256 colours from nothing to all, uint8 (256, 3); lightness is monotonic.

    On a dark background more is lighter, on a light one more is darker, so that grey terminals
    show the same order.
    """
    stops = np.array(_DARK_RAMP if dark else _LIGHT_RAMP, dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, i]) for i in range(3)]
    table = np.stack(channels, axis=1).round().astype(np.uint8)
    table.setflags(write=False)
    return table


def register_themes(app: App[Any], default: str = DEFAULT_THEME) -> None:
    """Make the themes of this module known to `app` and switch to `default`."""
    for theme in THEMES:
        app.register_theme(theme)
    app.theme = default

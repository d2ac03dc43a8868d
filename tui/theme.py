"""Themes of the screen: three colour themes, and the palettes for data.

Widgets hold no literal colour: chrome comes from the theme through CSS component classes, data
from `series` and `ramp`. Both palettes were picked by search so that any two colours stay at
least 30 apart (CIE 1976 Lab) for normal, protan, deutan and tritan eyes, and at least 3:1 against
the background; a marker, a dash style or a glyph always gives the same information without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from textual.app import App
from textual.theme import Theme

from sim.errors import UnknownNameError

DEFAULT_THEME = "hubbub-dark"

MARKERS = "ox#+*@%=&~sznvwcuamdkrbehjgtqy"
"""One letter per series, drawn on the curve and in the legend."""

GLYPHS = " .:-=+*#%@"
"""Ten levels of density for terminals without colour; the first is blank."""

SHADES = " ░▒▓█"
"""Five levels of density for terminals with 16 colours."""

LEVELS = 65
"""Colours of a ramp; few, so that cells repeat and redraws stay cheap, and odd for a middle."""

_DARK_SERIES = ("#56b4e9", "#d55e00", "#f0e442", "#c111fb", "#97795d", "#d1fddd", "#516279")
_LIGHT_SERIES = ("#0072b2", "#d55e00", "#360030", "#962eff", "#c17e88", "#660000", "#040079")

# Dash styles as bits over eight dots: solid, dashed, dash-dot, sparse.
_DASHES = (0b11111111, 0b00111111, 0b01001111, 0b00110011)

# From dark blue over violet, magenta and orange to yellow in equal steps of lightness, with the
# same chroma (CIE Lab) from 15 to 90 %. A light background turns it round: more is darker there.
_RAMP = (
    (0, 40, 94), (24, 47, 130), (70, 52, 151), (114, 57, 156), (153, 61, 157), (189, 66, 152),
    (223, 75, 135), (245, 96, 113), (254, 126, 91), (254, 156, 80), (254, 184, 82),
    (252, 210, 90), (253, 234, 96),
)  # fmt: skip
_DIVERGING = (
    (70, 165, 255), (55, 130, 210), (50, 95, 155), (52, 70, 100), (62, 64, 70),
    (105, 72, 44), (160, 90, 32), (215, 112, 30), (255, 145, 50),
)  # fmt: skip
_DIVERGING_LIGHT = (
    (0, 75, 175), (45, 110, 195), (105, 155, 215), (165, 195, 230), (222, 222, 222),
    (238, 190, 150), (225, 145, 85), (200, 100, 30), (165, 65, 0),
)  # fmt: skip
# The same in colours of the cube of 256, chosen by hand so that none is rounded.
_COARSE = (
    (0, 0, 95), (0, 0, 135), (95, 0, 135), (135, 0, 175), (175, 0, 175), (215, 0, 175),
    (255, 0, 135), (255, 95, 135), (255, 135, 95), (255, 175, 95), (255, 215, 95), (255, 255, 95),
)  # fmt: skip
_COARSE_DIVERGING = (
    (0, 175, 255), (0, 135, 215), (0, 95, 175), (0, 0, 95), (78, 78, 78),
    (95, 0, 0), (175, 95, 0), (215, 135, 0), (255, 175, 0),
)  # fmt: skip

ROLES: dict[str, int] = {
    # not reached yet
    "susceptible": 0, "inactive": 0, "ignorant": 0, "unaware": 0, "open": 0, "tree": 0,
    "against": 0,
    # adopted it, and passes it on
    "infected": 1, "active": 1, "adopted": 1, "informed": 1, "spreader": 1, "believer": 1,
    "taken": 1, "burning": 1, "for": 1,
    # had it, and has stopped
    "recovered": 2, "stifler": 2, "silent": 2, "fact-checker": 2, "empty": 2, "strongly for": 2,
    # on the way to it
    "exposed": 3, "waiting": 3, "asymptomatic": 3, "weakened": 3, "strongly against": 3,
    # temporarily unavailable to it
    "hospitalised": 4, "intensive": 4, "hibernator": 4, "blocked": 4, "undecided": 4,
    "vaccinated": 5,
    "dead": 6,
}  # fmt: skip
"""The style of a state by its meaning, the same in every model: its index in :func:`series`."""

_PARTS = (
    "primary", "secondary", "accent", "success", "warning", "error", "foreground", "background",
    "surface", "panel",
)  # fmt: skip


def _theme(
    name: str, colours: str, *, dark: bool = True, alpha: float = 0.95, **more: str
) -> Theme:
    """Return a theme from its colours in the order of `_PARTS`."""
    variables = {part.replace("_", "-"): colour for part, colour in more.items()}
    return Theme(
        f"hubbub-{name}", dark=dark, text_alpha=alpha, variables=variables,
        **dict(zip(_PARTS, colours.split(), strict=True)),  # type: ignore[arg-type]
    )  # fmt: skip


THEMES: tuple[Theme, ...] = (
    _theme(
        "dark",
        "#56b4e9 #3d6f94 #f0e442 #4fd0b0 #f0e442 #e8602c #dfe3ea #0e1116 #141922 #1d2430",
        border="#56b4e9", border_blurred="#39465a", foreground_disabled="#7d8390",
        text_disabled="auto 55%",
    ),
    _theme(
        "light",
        "#0067b0 #7fa8c9 #8a4b00 #0067b0 #c79a00 #a02010 #1a1d23 #fafafa #f1f3f6 #e2e6ec",
        dark=False, border="#0067b0", border_blurred="#b4bdc9", foreground_disabled="#6c717a",
        text_disabled="auto 65%", block_cursor_foreground="#ffffff",
    ),
    _theme(
        "contrast",
        "#00c8ff #ffffff #ffe000 #00c8ff #ffe000 #ff5030 #ffffff #000000 #000000 #202020",
        alpha=1.0, border="#ffe000", border_blurred="#ffffff", text_muted="#d8d8d8",
        text_disabled="#b0b0b0", block_cursor_foreground="#000000",
        block_cursor_background="#ffe000",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CurveStyle:
    """The style that distinguishes one curve."""

    colour: str
    marker: str
    dash: int


def series(count: int, *, dark: bool = True) -> tuple[CurveStyle, ...]:
    """Return `count` styles; colours repeat after 7, dashes after 4, markers after 30."""
    colours = _DARK_SERIES if dark else _LIGHT_SERIES
    return tuple(
        CurveStyle(colours[i % len(colours)], MARKERS[i % len(MARKERS)], _DASHES[i % len(_DASHES)])
        for i in range(count)
    )


def styles(states: Sequence[str], *, dark: bool = True) -> tuple[CurveStyle, ...]:
    """Return the style of each state of a model: that of its role, else an unused one."""
    places = dict.fromkeys(states, -1)
    taken: set[int] = set()
    for state in states:
        role = ROLES.get(state, -1)
        if role >= 0 and role not in taken:
            places[state] = role
            taken.add(role)
    left = (place for place in range(2 * len(MARKERS)) if place not in taken)
    places = {state: next(left) if at < 0 else at for state, at in places.items()}
    known = series(max(places.values(), default=-1) + 1, dark=dark)
    return tuple(known[places[state]] for state in states)


@cache
def ramp(*, dark: bool = True, diverging: bool = False, coarse: bool = False) -> NDArray[np.uint8]:
    """Return the colours from 0 to 1, uint8 (LEVELS, 3); ``coarse``: for 256 colours."""
    fine = (_DIVERGING if dark else _DIVERGING_LIGHT) if diverging else _RAMP
    of_256 = _COARSE_DIVERGING if diverging else _COARSE
    stops = np.array(of_256 if coarse else fine, dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, LEVELS)
    places = np.rint(places) if coarse else places
    if not (dark or diverging):
        stops = stops[::-1]
    channels = [np.interp(places, np.arange(len(stops)), stops[:, i]) for i in range(3)]
    table = np.stack(channels, axis=1).round().astype(np.uint8)
    table.setflags(write=False)
    return table


def theme_named(name: str) -> str:
    """Return the full name of one of our themes, which its last word names too."""
    names = [theme.name for theme in THEMES]
    for full in (name, f"hubbub-{name}"):
        if full in names:
            return full
    raise UnknownNameError("theme", name, names)


def register_themes(app: App[Any], default: str = DEFAULT_THEME) -> None:
    """Make the themes of this module known to `app` and switch to `default`."""
    for theme in THEMES:
        app.register_theme(theme)
    app.theme = default

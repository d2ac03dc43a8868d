"""Colours that stay apart for every kind of eye, and themes that can be told and read."""

from itertools import combinations

import numpy as np
import pytest
from rich._palettes import EIGHT_BIT_PALETTE
from rich.color import Color, ColorSystem
from textual.app import App
from textual.theme import Theme

from sim import names, spec
from tui.theme import (
    GLYPHS,
    LEVELS,
    MARKERS,
    ROLES,
    SHADES,
    THEMES,
    CurveStyle,
    ramp,
    register_themes,
    series,
    styles,
)

each_theme = pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
APART = 30.0
"""CIE 1976 Lab distance."""
# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1.0; row by row.
PROTAN = "0.152286 1.052583 -0.204868 0.114503 0.786281 0.099216 -0.003882 -0.048116 1.051998"
DEUTAN = "0.367322 0.860646 -0.227968 0.280085 0.672501 0.047413 -0.01182 0.04294 0.968881"
TRITAN = "1.255528 -0.076749 -0.178779 -0.078411 0.930809 0.147602 0.004733 0.691367 0.3039"
EYES = {"normal": "1 0 0 0 1 0 0 0 1", "protan": PROTAN, "deutan": DEUTAN, "tritan": TRITAN}
SIGHT = {name: np.array(EYES[name].split(), dtype=np.float64).reshape(3, 3) for name in EYES}
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                   [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip


def linear(colour: str | None) -> np.ndarray:
    assert colour is not None
    share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colour: str | None, sight: str) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(SIGHT[sight] @ linear(colour), 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(a: str | None, b: str | None) -> float:
    return min(float(np.linalg.norm(lab(a, sight) - lab(b, sight))) for sight in SIGHT)


def contrast(a: str | None, b: str | None) -> float:
    light = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (a, b))
    return (light[1] + 0.05) / (light[0] + 0.05)


def test_the_distance_is_that_of_the_papers() -> None:
    near = distance("#d55e00", "#f0e442")
    assert distance("#56b4e9", "#d55e00") > near == pytest.approx(33.6, 0.01)
    assert distance("#00ff00", "#00ff00") == 0
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("dark", [True, False])
def test_seven_curves_stay_apart_for_every_eye(dark: bool) -> None:
    colours = [one.colour for one in series(7, dark=dark)]
    assert min(distance(a, b) for a, b in combinations(colours, 2)) >= APART


@each_theme
def test_curves_can_be_seen_on_their_background(theme: Theme) -> None:
    assert min(contrast(s.colour, theme.background) for s in series(7, dark=theme.dark)) >= 2.95


@each_theme
def test_good_warning_and_bad_stay_apart_for_every_eye(theme: Theme) -> None:
    colours = (theme.success, theme.warning, theme.error)
    assert min(distance(a, b) for a, b in combinations(colours, 2)) >= APART


@each_theme
def test_text_can_be_read(theme: Theme) -> None:
    assert contrast(theme.foreground, theme.background) >= 7
    assert contrast(theme.foreground, theme.panel) >= 7


def test_no_two_of_ten_curves_share_letter_or_colour_and_dash() -> None:
    ten = series(10)
    assert len({one.marker for one in ten}) == 10
    assert len({(one.colour, one.dash) for one in ten}) == 10
    assert MARKERS.isascii()
    assert len(set(MARKERS)) == len({one.marker for one in series(30)}) == 30


@pytest.mark.parametrize(("dark", "sign"), [(True, 1), (False, -1)])
def test_more_is_always_lighter_or_always_darker(dark: bool, sign: int) -> None:
    colours = ["#" + bytes(rgb).hex() for rgb in ramp(dark=dark)]
    for sight in SIGHT:
        lightness = np.array([lab(colour, sight)[0] for colour in colours])
        assert (sign * np.diff(lightness[::8]) > 0).all()
        assert abs(lightness[-1] - lightness[0]) > 60


def as_rich(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """What Rich makes of a colour in a terminal of 256."""
    number = Color.from_rgb(*rgb).downgrade(ColorSystem.EIGHT_BIT).number
    assert number is not None
    red, green, blue = EIGHT_BIT_PALETTE[number]
    return red, green, blue


def test_the_coarse_ramp_is_not_rounded_and_rises_for_every_eye() -> None:
    steps = list(dict.fromkeys(tuple(rgb) for rgb in ramp(coarse=True).tolist()))
    assert len(steps) == 12
    assert [as_rich(rgb) for rgb in steps] == steps
    for sight in SIGHT:
        lightness = [lab("#" + bytes(rgb).hex(), sight)[0] for rgb in steps]
        assert (np.diff(lightness) > 0).all()


def test_the_chroma_is_even_and_opinions_diverge_around_grey() -> None:
    inner = ramp()[round(0.15 * (LEVELS - 1)) : round(0.9 * (LEVELS - 1)) + 1]
    chroma = [float(np.hypot(*lab("#" + bytes(rgb).hex(), "normal")[1:])) for rgb in inner]
    assert max(chroma) < 1.15 * min(chroma)
    for dark in (True, False):
        ends = ramp(dark=dark, diverging=True)[[0, LEVELS // 2, -1]]
        low, middle, high = (lab("#" + bytes(rgb).hex(), "normal") for rgb in ends)
        assert np.hypot(*middle[1:]) < 5
        assert min(np.hypot(*low[1:]), np.hypot(*high[1:])) > 40


@pytest.mark.parametrize("dark", [True, False])
def test_a_role_looks_the_same_in_every_model(dark: bool) -> None:
    looks: dict[str, set[CurveStyle]] = {}
    for name in names():
        states: tuple[str, ...] = getattr(spec(name).cls, "states", ())
        given = styles(states, dark=dark)
        assert len({(one.colour, one.dash, one.marker) for one in given}) == len(states), name
        assert len({one.colour for one in given}) == min(len(states), 7), name
        for state, look in zip(states, given, strict=True):
            looks.setdefault(state, set()).add(look)
    assert all(len(looks[role]) == 1 for role in ROLES)
    same = (("susceptible", "ignorant"), ("infected", "spreader"), ("active", "adopted"),
            ("recovered", "stifler"))  # fmt: skip
    assert all(looks[one] == looks[other] for one, other in same)
    assert not looks["susceptible"] & looks["infected"] & looks["recovered"]


def test_states_without_a_role_take_what_is_left() -> None:
    known = series(9)
    assert styles(("calm", "infected", "worried")) == (known[0], known[1], known[2])
    assert styles(("susceptible", "ignorant", "infected")) == (known[0], known[2], known[1])
    assert styles(()) == ()
    assert len(styles([f"s{n}" for n in range(40)])) == 40


def test_themes_can_be_chosen_and_densities_rise_from_nothing() -> None:
    assert GLYPHS[0] == SHADES[0] == " "
    assert len(set(GLYPHS)) == 10
    assert GLYPHS.isascii()
    app: App[None] = App()
    register_themes(app)
    assert app.theme == "hubbub-dark"
    assert {theme.name for theme in THEMES} <= set(app.available_themes)


@pytest.mark.parametrize("dark", [True, False])
def test_curves_stay_apart_in_256_colours_and_the_first_three_in_16(dark: bool) -> None:
    colours = [Color.parse(one.colour) for one in series(7, dark=dark)]
    assert len({c.downgrade(ColorSystem.EIGHT_BIT).number for c in colours}) == 7
    assert len({c.downgrade(ColorSystem.STANDARD).number for c in colours[:3]}) == 3

"""Curves, map, heat map and figures: what they show, their keys, any data at any size."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rich.color import ColorSystem
from textual.color import Color
from textual.message import Message
from textual.strip import Strip

from sim.runtime import Communities
from tests.screens.showing import STATES, assert_fills, drawn, picture, screen_of, shown
from tests.screens.test_widgets_limits import many
from tui.draw.canvas import arrow, sparkline
from tui.draw.community_map import (
    BEAT,
    BEATS,
    CommunityMap,
    nearest,
    separate,
    shortened,
    size_radii,
)
from tui.draw.community_table import CommunityHeat, CommunityPane, CommunityTable, offered
from tui.draw.curves import Curves
from tui.draw.now import Figure, NowPane
from tui.theme import ramp, series

SIZES = [(80, 24), (160, 48)]
SYMBOLS = ["braille", "block", "ascii"]
THEMES = ["hubbub-dark", "hubbub-light", "hubbub-contrast"]
NAMES = ("Iceland · jazz", "Peru", "[b]Oman[/b] · tea", "日本 · 電車", "Chad")
each_pane = pytest.mark.parametrize(
    "pane", [Curves, CommunityMap, CommunityHeat, NowPane, CommunityTable]
)
slowly = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def sir(ticks: int = 100, agents: int = 1000) -> np.ndarray:
    recovered = np.linspace(0, 0.6 * agents, ticks).astype(np.int64)
    infected = np.full(ticks, agents // 10, dtype=np.int64)
    return np.stack([agents - recovered - infected, infected, recovered], axis=1)


def of(ticks: int = 100) -> Callable[[Curves], None]:
    return lambda curves: curves.plot(STATES, sir(ticks), agents=1000)


def five(ticks: int = 40, **changes: Any) -> Communities:
    sizes = np.array([500, 400, 300, 200, 100], dtype=np.int64)
    adopted = np.array([50, 400, 0, 20, 90], dtype=np.int64)
    rise = np.linspace(0, 1, ticks, dtype=np.float32)
    given: dict[str, Any] = {
        "names": NAMES,
        "sizes": sizes,
        "adopted": adopted,
        "heat": rise * (adopted / sizes)[:, None].astype(np.float32),
        "heat_ticks": np.arange(100, 100 + ticks),
        "onset": np.array([30, 10, -1, 20, 15], dtype=np.int64),
        "top": (("ann", "bob"),) * 5,
        "label": "known",
        "links": np.full((5, 5), 3, dtype=np.int64),
        "positions": np.array([[0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9], [0.5, 0.5]]),
    }
    return Communities(**(given | changes))


def framed(found: Communities, tick: int = 139, *, focus: bool = True) -> Any:
    return SimpleNamespace(
        communities=found, tick=tick, focus=SimpleNamespace(states=STATES) if focus else None
    )


def with_five(pane: Any, **changes: Any) -> None:
    pane.order = "size"
    pane.show(framed(five(**changes)))


# -- curves -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("symbols", SYMBOLS)
async def test_legend_tells_every_state_with_letter_share_and_number(
    size: tuple[int, int], symbols: str
) -> None:
    curves = Curves()
    async with shown(curves, size) as pilot:
        curves.symbols = symbols  # type: ignore[assignment]
        curves.plot(STATES, sir(), agents=1000, first_tick=7)
        await pilot.pause()
        text = screen_of(pilot)
    assert "tick 106" in text
    for entry in ("o susceptible 30.0% (300)", "x infected 10.0% (100)", "# recovered 60.0% (600)"):
        assert entry in text
    assert "100%" in text


async def test_a_legend_says_how_many_curves_it_leaves_out() -> None:
    curves = Curves()
    states = tuple(f"state {n}" for n in range(24))
    history = np.full((30, 24), 1000 // 24, np.int64)
    async with shown(curves, (60, 16)) as pilot:
        curves.plot(states, history, agents=1000)
        await pilot.pause()
        text = screen_of(pilot)
        assert "x 4.1%" in text
        left = int(text.partition(" more")[0].split()[-1])
        assert 1 <= left < 24
        assert text.count("4.1%") == 24 - left
    assert len({one.marker for one in series(24)}) == 24


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("si: its seeds\x1b are taken", "#4 has not started: si: its seeds"),
        (None, "#4 has not started; it is queued."),
    ],
)
async def test_a_message_without_a_curve_says_why(error: str | None, said: str) -> None:
    curves = Curves()
    nothing = np.zeros((0, 3), np.int64)
    focus = SimpleNamespace(id=4, states=STATES, history=nothing, started_at=0, error=error)
    frame: Any = SimpleNamespace(focus=focus, agents=1000)
    async with shown(curves) as pilot:
        curves.show(frame)
        await pilot.pause()
        assert said in screen_of(pilot)
        assert "\x1b" not in screen_of(pilot)
        curves.show(SimpleNamespace(focus=None, agents=1000))  # type: ignore[arg-type]
        await pilot.pause()
        assert "No message yet; press i to send one." in screen_of(pilot)


async def test_letters_stand_on_the_curves_in_their_colours() -> None:
    async with drawn(Curves(), of()) as (curves, _):
        strips = curves.paint(80, 24)
    colours = {
        letter: segment.style.color.name
        for strip in strips[:20]
        for segment in strip
        for letter in {"o", "x", "#"} & set(segment.text)
        if segment.style and segment.style.color
    }
    assert colours == {s.marker: s.colour for s in series(3)}


async def test_the_crosshair_reads_the_values_of_its_tick() -> None:
    curves, history = Curves(), sir(20)
    async with shown(curves) as pilot:
        curves.plot(STATES, history, agents=1000, first_tick=5)
        await pilot.press("home", "right", "right")
        there = int(screen_of(pilot).split("tick ")[1].split()[0])
        assert f"({history[there - 5, 2]})" in screen_of(pilot)
        for key, tick in (("home", 5), ("left", 5), ("end", 24)):
            await pilot.press(key)
            assert f"tick {tick}" in screen_of(pilot)


async def test_the_crosshair_stays_while_time_goes_on_and_leaves_to_follow_it() -> None:
    async with drawn(Curves(), of(20)) as (curves, pilot):
        await pilot.press("left")
        before = screen_of(pilot).split("tick ")[1].split()[0]
        curves.plot(STATES, sir(60), agents=1000)
        await pilot.pause()
        assert screen_of(pilot).split("tick ")[1].split()[0] == before
        await pilot.press(*["shift+right"] * 20)
        assert "tick 59" in screen_of(pilot)


async def test_the_mouse_reads_values_and_a_click_keeps_them() -> None:
    async with drawn(Curves(), of()) as (curves, pilot):
        await pilot.hover(Curves, (40, 5))
        read = screen_of(pilot).split("tick ")[1].split()[0]
        assert 0 < int(read) < 99
        await pilot.click(Curves, (40, 5))
        curves.on_leave()
        await pilot.pause()
        assert screen_of(pilot).split("tick ")[1].split()[0] == read


async def test_zoom_shows_fewer_ticks_with_the_crosshair_and_all_again() -> None:
    async with drawn(Curves(), of(401)) as (curves, pilot):
        await pilot.press("right_parenthesis", "right_parenthesis")
        assert curves._window() == (300, 400)
        curves.plot(STATES, sir(411), agents=1000)
        assert curves._window() == (310, 410)
        await pilot.press(*["right_parenthesis"] * 20)
        assert curves._window() == (402, 410)
        await pilot.press(*["left_parenthesis"] * 20)
        assert curves._window() == (0, 410)
        await pilot.press("home", *["shift+right"] * 3, *["right_parenthesis"] * 4)
        start, stop = curves._window()
        assert curves._cursor is not None
        assert start <= curves._cursor <= stop < 200


async def test_a_state_far_above_the_others_leaves_the_scale_and_says_so() -> None:
    curves = Curves()
    history = np.array([[980, 20], [970, 30], [960, 40]], dtype=np.int64)
    async with shown(curves) as pilot:
        curves.plot(("unaware", "adopters"), history, agents=1000)
        await pilot.pause()
        text = screen_of(pilot)
        assert "unaware 96.0% (960) off scale" in text
        assert " 5%" in text
        assert "100%" not in text
        await pilot.press("a")
        assert "off scale" not in screen_of(pilot)
        assert "100%" in screen_of(pilot)


async def test_the_logarithmic_scale_counts_in_decades() -> None:
    curves = Curves()
    async with shown(curves) as pilot:
        curves.plot(("unaware", "adopters"), np.array([[10000, 0], [9990, 10]]), agents=10000)
        await pilot.press("L")
        labels = {line.split("┤")[0].strip() for line in screen_of(pilot).splitlines()}
        assert {"1", "10", "100", "1.0k", "10.0k"} <= labels


async def test_nothing_is_painted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    curves, history, painted = Curves(), sir(), []
    paint = curves.paint

    def count(width: int, height: int) -> list[Strip]:
        painted.append((width, height))
        return paint(width, height)

    async with shown(curves) as pilot:
        monkeypatch.setattr(curves, "paint", count)
        curves.plot(STATES, history, agents=1000)
        await pilot.pause()
        curves.plot(STATES, history, agents=1000)
        curves.refresh()
        await pilot.pause()
        assert painted == [(80, 24)]
        pilot.app.theme = "hubbub-light"
        await pilot.pause()
        assert len(painted) == 2


@given(
    st.integers(0, 40).flatmap(
        lambda ticks: hnp.arrays(np.int64, (ticks, 4), elements=st.integers(0, 2**40))
    ),
    st.integers(0, 10**7),
    st.lists(st.text(max_size=12), min_size=4, max_size=4),
    st.lists(st.tuples(st.integers(1, 170), st.integers(1, 50)), min_size=1, max_size=6),
    st.sampled_from(SYMBOLS),
)
@slowly
def test_curves_fill_any_size_with_any_data(
    history: np.ndarray, agents: int, names: list[str], sizes: list[tuple[int, int]], symbols: str
) -> None:
    async def run() -> None:
        curves = Curves()
        async with shown(curves, (40, 12)) as pilot:
            curves.symbols = symbols  # type: ignore[assignment]
            curves.plot(names, history, agents=agents)
            for keys in ([], ["left"], ["right_parenthesis"], ["L"], ["home"], ["a"]):
                await pilot.press(*keys)
                for width, height in [(10, 3), *sizes]:
                    assert_fills(curves.paint(width, height), width, height)

    asyncio.run(run())


# -- the map ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
async def test_the_map_names_communities_and_their_shares(
    size: tuple[int, int], theme: str
) -> None:
    async with drawn(CommunityMap(), with_five, size, theme) as (_, pilot):
        text = screen_of(pilot)
    for name in ("Iceland · jazz", "Peru", "日本 · 電車", "[b]Oman[/b]"):
        assert name in text
    assert "5 known communities" in text
    assert "100 %" in text


async def test_arrows_go_from_community_to_community() -> None:
    async with drawn(CommunityMap(), with_five, (100, 30)) as (pane, pilot):
        await pilot.press("left")
        assert pane.selected == 0
        for key, there in (("right", 4), ("up", 2), ("right", 1), ("right", 1)):
            await pilot.press(key)
            assert pane.selected == there, key
        assert "Peru" in screen_of(pilot).splitlines()[-1]
        assert "400 members, 100 %, first at tick 10" in screen_of(pilot)


async def test_the_map_tells_what_is_selected_and_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    pane, posted = CommunityMap(), []
    post = pane.post_message

    def note(message: Message) -> bool:
        if isinstance(message, CommunityMap.Selected):
            posted.append((type(message).__name__, message.index))
        return post(message)

    async with shown(pane) as pilot:
        with_five(pane)
        monkeypatch.setattr(pane, "post_message", note)
        await pilot.press("left", "right", "enter")
        pane.select(2)
    assert posted == [("Selected", 0), ("Selected", 4), ("Chosen", 4)]


async def test_a_click_selects_the_bubble_under_it() -> None:
    async with drawn(CommunityMap(), with_five, (100, 30)) as (pane, pilot):
        assert pane._layout is not None
        x, y = pane._layout.centres[3]
        await pilot.hover(CommunityMap, (int(x), int(y / 2)))
        assert "200 members" in screen_of(pilot)
        await pilot.click(CommunityMap, (int(x), int(y / 2)))
        assert pane.selected == 3


async def test_adoption_is_told_by_colour_and_by_density() -> None:
    async with drawn(CommunityMap(), with_five, (100, 30)) as (pane, pilot):
        strips = pane.paint(100, 30)
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        assert "#fdea60" in {one.bgcolor.name for one in styles if one.bgcolor}  # one adopted whole
        pane.symbols = "ascii"
        await pilot.pause()
        text = picture(pane.paint(100, 30))
    assert "@@@" in text
    assert text.isascii() is False  # the names themselves
    assert not any("▀" in line or "⠁" in line for line in text.splitlines())


async def test_zoom_brings_the_selected_community_to_the_middle() -> None:
    async with drawn(CommunityMap(), with_five, (100, 31)) as (pane, pilot):
        await pilot.press("left", "right_parenthesis")
        await pilot.pause()
        assert pane._layout is not None
        assert pane._layout.centres[0].tolist() == [50, 30]
        await pilot.press("left_parenthesis")
        await pilot.pause()
        assert pane._layout.centres[0, 0] < 40


@given(
    st.integers(1, 60), st.integers(4, 60), st.integers(8, 160), st.randoms(use_true_random=False)
)
@settings(deadline=None, max_examples=50)
def test_bubbles_stay_on_the_plane_and_their_areas_are_as_the_sizes(
    count: int, height: int, width: int, draw: Any
) -> None:
    sizes = np.array([draw.randint(0, 10**6) for _ in range(count)])
    radii = size_radii(sizes, height, width)
    places = np.array([[draw.random(), draw.random()] for _ in range(count)])
    centres = separate(places, radii, height, width)
    room = np.minimum(radii[:, None], np.array([width, height]) / 2)
    assert (centres >= room - 1e-9).all()
    assert (centres <= np.array([width, height]) - room + 1e-9).all()
    free = (radii > 0.7) & (radii < 0.25 * min(height, width))
    assert np.allclose(radii[free] ** 2 / sizes[free], (radii[free] ** 2 / sizes[free])[:1])


def test_two_bubbles_in_one_place_are_pushed_apart_and_nothing_lies_beyond() -> None:
    radii = np.array([6.0, 5.0, 3.0])
    centres = separate(np.full((3, 2), 0.5), radii, 60, 100)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.hypot(*(centres[a] - centres[b])) >= radii[a] + radii[b]
    places = np.array([[0.0, 0.0], [10.0, 0.0], [4.0, 2.0]])
    assert nearest(places, 0, 1, 0) == 2
    assert nearest(places, 1, 1, 0) == 1
    assert nearest(places, 1, 0, 1) == 2


async def test_names_that_begin_alike_are_shortened_to_what_differs() -> None:
    assert shortened(["Country A", "Country B", "others"], 6) == ["A", "B", "others"]
    assert shortened(["Iceland", "Peru"], 5) == ["Icel…", "Peru"]
    assert shortened(["Northern A", "Northern B"], 6) == ["A", "B"]
    assert shortened(["Waterside1", "Waterside2"], 5) == ["…ide1", "…ide2"]
    pane = CommunityMap()
    async with shown(pane, (26, 12)) as pilot:
        with_five(pane, names=tuple(f"Republic {letter}" for letter in "ABCDE"))
        await pilot.pause()
        assert pane._layout is not None
        assert {label.text for label in pane._layout.labels} >= set("ABCD")


# -- the heat map -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_heat_map_names_rows_and_reads_the_newest_tick(size: tuple[int, int]) -> None:
    async with drawn(CommunityHeat(), with_five, size) as (_, pilot):
        text = screen_of(pilot)
    lines = text.splitlines()
    names = [at for at, line in enumerate(lines) if line[:4] in {"Icel", "Peru", "[b]O"}]
    assert names == [0, tall := (len(lines) - 2) // 5, 2 * tall]
    assert "tick 139: 10 % of 500 members" in text
    assert "100 %" in text


async def test_the_cursor_reads_a_community_at_a_tick() -> None:
    async with drawn(CommunityHeat(), with_five) as (_, pilot):
        await pilot.press("down", "home")
        assert "Peru  tick 100: 0 % of 400" in screen_of(pilot)
        await pilot.press("end", "pagedown")
        assert "Chad  tick 139: 90 % of 100" in screen_of(pilot)
        await pilot.press("left", "up")
        assert "tick 138" in screen_of(pilot)


async def test_rows_are_ordered_and_the_cursor_stays_on_its_community() -> None:
    async with drawn(CommunityHeat(), with_five) as (pane, pilot):
        await pilot.press("down")
        first = []
        for _ in range(4):
            first.append(screen_of(pilot).splitlines()[0][:4])
            assert pane.selected == 1
            await pilot.press("S")
    assert first == ["Icel", "Peru", "Peru", "[b]O"]


async def test_the_earliest_are_shown_first_until_the_cursor_is_moved() -> None:
    pane = CommunityHeat()
    assert pane.order == "onset"
    async with shown(pane, (80, 4)) as pilot:
        with_five(pane)
        pane.sort_by("onset")
        await pilot.pause()
        assert screen_of(pilot).splitlines()[0].startswith("Peru")
        await pilot.press("down")
        assert "[b]Oman[/b]" in screen_of(pilot).splitlines()[-1]
        assert not screen_of(pilot).startswith("Peru")


async def test_a_click_reads_the_cell_under_it() -> None:
    async with drawn(CommunityHeat(), with_five) as (pane, pilot):
        await pilot.click(CommunityHeat, (79, 13))
        assert pane.selected == 3
        assert "tick 139" in screen_of(pilot)


async def test_heat_is_told_by_density_where_colours_are_few() -> None:
    pane = CommunityHeat()
    async with shown(pane) as pilot:
        pane.symbols = "ascii"
        with_five(pane)
        await pilot.pause()
        rows = [line[18:] for line in screen_of(pilot).splitlines()[:20:4]]
    assert rows[1].endswith("@")
    assert set(rows[2]) == {" "}
    assert rows[0].strip(" ")[-1] == "."  # a tenth


@pytest.mark.parametrize("other", [0, 150, 400])
async def test_a_share_has_one_colour_whatever_else_is_shown(other: int) -> None:
    adopted = np.array([125, other, 0, 0, 0])
    heat = np.repeat(adopted[:, None] / five().sizes[:, None], 20, axis=1).astype(np.float32)
    seen = []
    for pane in (CommunityHeat(), CommunityMap()):
        async with shown(pane, (80, 24)):
            with_five(pane, adopted=adopted, heat=heat, heat_ticks=np.arange(20))
            strips = pane.paint(80, 24)
            styles_of = [s.style for strip in strips[:-1] for s in strip if s.style]
            seen.append({str(one.bgcolor.name) for one in styles_of if one.bgcolor})
            foot = picture([strips[-1]])
            assert foot.startswith("0 ")
            assert " 100 %" in foot
            shades = pane.shade(np.array([0.0, 0.25, 0.5, 1.0, np.nan]))
            assert (shades == ramp()[[0, 16, 32, 64, 0]]).all()
    quarter = "#" + bytes(ramp()[16]).hex()
    assert all(quarter in colours for colours in seen)


async def test_what_is_coloured_changes_title_legend_table_and_course() -> None:
    measured: dict[str, Any] = {
        "spreading": np.array([50, 100, 0, 0, 10]),
        "new": np.array([5, 8, 0, 0, 1]),
        "opinion": np.array([-1.0, 0.5, 0, np.nan, 0], np.float32),
        "impressions": np.array([500, 1200, 0, 0, 0]),
        "opinion_heat": np.full((20, 40), 0.05, np.float32),
    }
    frame = framed(five(**measured))
    assert offered(frame) == ["ever", "spreading", "new", "opinion", "impressions"]
    assert offered(framed(five(**measured), focus=False)) == ["impressions", "opinion"]
    told = {
        "spreading": ("Spreading now (5)", "100 %", "25 %"),
        "new": ("New this tick (5)", " 5 %", "2 %"),
        "opinion": ("Mean opinion (5)", "-1 ", "+0.50"),
        "impressions": ("Impressions per member (5)", " 5 ", "3"),
    }
    for measure, (title, end, value) in told.items():
        for pane in (CommunityMap(), CommunityHeat()):
            pane.measure = measure
            async with drawn(pane, lambda pane: pane.show(frame), (100, 30)) as (_, pilot):
                text = screen_of(pilot)
                assert pane.heading.startswith(title)
                if isinstance(pane, CommunityMap):
                    assert value in text
                    assert end in text.splitlines()[-1]
                elif measure == "opinion":
                    assert "+0.95" in text.splitlines()[0]
    table = CommunityTable()
    table.measure = "spreading"
    async with drawn(table, lambda pane: pane.show(frame), (160, 12)) as (_, pilot):
        lines = screen_of(pilot).splitlines()
    assert "spreading now" in lines[0]
    assert "Peru" in lines[1]
    assert "100  25.0%" in lines[1]


async def test_rims_flash_and_dots_travel_for_half_a_second_after_a_tick() -> None:
    pane = CommunityMap()
    moving = five(new=np.array([5, 0, 0, 0, 0]), flows=np.array([[1, 2, 120]]))
    async with drawn(pane, with_five, (100, 30)) as (_, pilot):
        still = picture(pane.paint(100, 30))
        pane.show(framed(moving, 140))
        assert picture(pane.paint(100, 30)).count("•") == 3
        await pilot.pause(BEAT * (BEATS + 6))
        assert picture(pane.paint(100, 30)) == still
        pane.symbols = "ascii"
        pane.show(framed(five(new=np.array([0, 0, 0, 0, 5])), 141))
        assert "*" in picture(pane.paint(100, 30))
        pane.show(framed(many(2, rest=False)._source))  # type: ignore[arg-type]
        assert pane.paint(100, 30)  # another world


async def test_sixteen_colours_are_told_by_shades() -> None:
    heat, bubbles = CommunityHeat(), CommunityMap()
    async with shown(heat) as pilot:
        pilot.app.console._color_system = ColorSystem.STANDARD
        with_five(heat)
        assert {"░", "▒", "▓", "█"} <= set(picture(heat.paint(80, 24)))
    async with shown(bubbles) as pilot:
        pilot.app.console._color_system = ColorSystem.STANDARD
        with_five(bubbles)
        assert {"░", "█"} <= set(picture(bubbles.paint(80, 24)))
        assert "▀" not in picture(bubbles.paint(80, 24))


@given(
    st.integers(0, 30).flatmap(
        lambda c: st.tuples(
            st.lists(st.text(max_size=20), min_size=c, max_size=c),
            hnp.arrays(np.int64, (3, c), elements=st.integers(0, 2**40)),
            hnp.arrays(np.float64, (c, 2), elements=st.floats(-1, 2) | st.just(np.nan)),
            hnp.arrays(np.int64, (c, c), elements=st.integers(0, 1000)),
            st.integers(0, 30).flatmap(
                lambda t: hnp.arrays(
                    np.float32, (c, t), elements=st.floats(0, 1, width=32) | st.just(np.nan)
                )
            ),
        )
    ),
    st.lists(st.tuples(st.integers(1, 170), st.integers(1, 50)), min_size=1, max_size=6),
    st.sampled_from(SYMBOLS),
)
@slowly
def test_community_panes_fill_any_size_with_any_data(
    data: tuple[Any, ...], sizes: list[tuple[int, int]], symbols: str
) -> None:
    names, (members, adopted, onset), places, links, heat = data

    async def run(pane: CommunityMap | CommunityHeat | CommunityTable, keys: list[str]) -> None:
        async with shown(pane, (40, 12)) as pilot:
            pane.symbols = symbols  # type: ignore[assignment]
            found = Communities(
                tuple(names), members, adopted, heat, np.arange(heat.shape[1]), onset - 1,
                (tuple(names[:3]),) * len(names), "x", links, places,
                spreading=adopted, new=members, flows=np.array([[0, len(names), 9]]),
            )  # fmt: skip
            pane.show(framed(replace(found, new=adopted), 1))
            pane.show(framed(found, 2))
            for key in keys:
                await pilot.press(key)
                for width, height in [(10, 3), (20, 5), *sizes]:
                    assert_fills(pane.paint(width, height), width, height)

    asyncio.run(run(CommunityMap(), ["left", "down", "right_parenthesis", "enter"]))
    asyncio.run(run(CommunityHeat(), ["down", "left", "S", "S", "S"]))
    asyncio.run(run(CommunityTable(), ["down", "right", "S", "right", "S", "end"]))


# -- figures ------------------------------------------------------------------------------------


def test_sparklines_rise_and_arrows_tell_the_trend() -> None:
    assert sparkline(np.array([0.0, 1, 2, 3, 4, 5, 6, 7]), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([0.0, np.nan, 7.0]), 8) == "▁ █"
    assert sparkline(np.array([0.0, 7.0, np.nan, np.nan]), 8) == "▁█··"
    assert sparkline(np.arange(1000.0), 4) == "▃▄▆█"
    assert sparkline(np.zeros(3), 8) == "▁▁▁"
    assert sparkline(np.array([0.0, 6.0]), 8, ascii_only=True) == "_#"
    assert arrow(np.array([1.0, 2, 3])) == "▲"
    assert arrow(np.array([3.0, 2, np.nan, 1])) == "▼"
    assert arrow(np.array([1.0, 1, 1])) == "="
    assert arrow(np.array([1.0])) == " "
    assert arrow(np.array([1.0, 2]), ascii_only=True) == "^"


@given(
    hnp.arrays(np.float64, st.integers(0, 50), elements=st.floats(allow_nan=True)),
    st.integers(0, 30),
)
@example(np.array([5e307, -1.3e308]), 2)
def test_a_sparkline_never_exceeds_its_cells(course: np.ndarray, cells: int) -> None:
    assert len(sparkline(course, cells)) <= cells


@pytest.mark.parametrize("width", [46, 30, 24])
async def test_figures_show_value_and_unit_at_any_width(width: int) -> None:
    pane = NowPane()
    course = np.linspace(0, 1, 50)
    figures = [Figure("adopters", "412,880", "41.3%", course), Figure("depth", "14 hops")]
    async with shown(pane, (width, 8)) as pilot:
        pane.tell("#3 running, tick 1,204", figures)
        await pilot.pause()
        text = screen_of(pilot)
    assert "412,880 ▲" in text
    assert "14 hops" in text
    assert "tick 1,204" in text
    assert ("█" in text) is (width == 46)


@given(
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=9),
    st.lists(st.tuples(st.integers(1, 170), st.integers(1, 50)), min_size=1, max_size=6),
)
@slowly
def test_figures_fill_any_size(
    figures: list[tuple[str, str]], sizes: list[tuple[int, int]]
) -> None:
    async def run() -> None:
        pane = NowPane()
        async with shown(pane, (40, 12)):
            pane.tell("now", [Figure(name, value, name, np.arange(5.0)) for name, value in figures])
            for width, height in [(10, 3), *sizes]:
                assert_fills(pane.paint(width, height), width, height)

    asyncio.run(run())


# -- all of them --------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
@each_pane
async def test_no_text_is_drawn_in_the_colour_of_its_background(theme: str, pane: type) -> None:
    widget = pane()
    async with shown(widget, (80, 24), theme):
        fill(widget)
        for strip in widget.paint(80, 24):
            for segment in strip:
                style = segment.style
                if segment.text.strip() and style and style.color and style.bgcolor:
                    ink = Color.from_rich_color(style.color)
                    ground = Color.from_rich_color(style.bgcolor)
                    if not set(segment.text) <= set("▀▌"):
                        assert abs(ink.brightness - ground.brightness) > 0.1, segment


def fill(widget: Any) -> None:
    if isinstance(widget, Curves):
        widget.plot(STATES, sir(), agents=1000)
    elif isinstance(widget, NowPane):
        widget.tell("tick 1", [Figure("adopters", "1", "2", np.arange(9.0))])
    else:
        with_five(widget)


@each_pane
async def test_a_terminal_without_colour_shows_the_same_text(
    pane: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = pane()
    async with shown(widget):
        fill(widget)
        coloured = picture(widget.paint(80, 24))
    monkeypatch.setenv("NO_COLOR", "1")
    grey = pane()
    async with shown(grey) as pilot:
        fill(grey)
        await pilot.pause()
        assert pilot.app.no_color
        if not isinstance(grey, CommunityPane):  # these tell amounts by shades then
            assert picture(grey.paint(80, 24)) == coloured
        for strip in pilot.app.screen._compositor.render_strips():
            for segment in strip:
                if segment.style and segment.style.color:
                    assert len(set(segment.style.color.get_truecolor())) == 1


@each_pane
def test_every_key_of_a_pane_has_an_id_of_its_own_and_an_explanation(pane: Any) -> None:
    ids = [binding.id for binding in pane.BINDINGS] if pane is not NowPane else []
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert all(binding.description for binding in pane.__dict__.get("BINDINGS", ()))
    assert len(pane.HELP) > 40

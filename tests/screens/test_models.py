"""Models: the list, their cards, theory beside the curves; and a plugin that does not come back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, OptionList

from sim import World, names, spec
from sim.network import predicted
from sim.runtime import choices
from sim.runtime.engine.stall import Stall
from tests.screens.fake import Cascade, Viral, card
from tests.screens.test_app import (
    SIZES,
    burst,
    command,
    frame_of,
    hubbub,
    inject,
    made,
    said,
    seen,
    settled,
    until,
    words,
)  # fmt: skip
from tui.dialogs.dialog import Confirm, Dialog
from tui.dialogs.form import FormDialog, TextLines
from tui.dialogs.messages import ModelCard, ModelField, PickModel, fitting
from tui.dialogs.world import SaveDialog
from tui.draw.curves import Curves

HOLDS = Stall("Tick 3", 2.6, "spin", "spin.py, line 6, in step")


# -- the list -----------------------------------------------------------------------------------


def test_every_word_typed_narrows_the_list() -> None:
    cards = [card(Cascade), card(Viral)]
    assert [one.name for one in fitting(cards, "")] == ["independent-cascade", "viral"]
    assert [one.name for one in fitting(cards, "FRIENDS word")] == ["viral"]
    assert [one.name for one in fitting(cards, "cascades coin")] == ["independent-cascade"]
    assert fitting(cards, "friends coin") == []
    named = [replace(cards[0], name="stifling", summary="as Maki-Thompson"), cards[1]]
    named.append(replace(cards[1], name="maki-thompson"))
    assert [one.name for one in fitting(named, "maki-th")] == ["maki-thompson", "stifling"]


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_shows_families_and_a_few_letters_find_a_model(
    tmp_path: Path, size: Any
) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await burst(app, pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, PickModel))
        for told in ("2 of 2 models", "cascades", "word of mouth", "One coin per tie."):
            await until(pilot, lambda told=told: told in seen(app))
        await pilot.press(*"trust")
        await until(pilot, lambda: "1 of 2 models" in seen(app))
        assert "One coin per tie." not in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ModelCard))
        await until(pilot, lambda: "All about viral." in seen(app))


async def test_arrows_move_in_the_list_while_letters_are_typed(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "model")
        await until(pilot, lambda: isinstance(app.screen, PickModel))
        picker = app.screen
        assert isinstance(picker, PickModel)
        assert picker.here == "independent-cascade"
        await pilot.press("down")
        await until(pilot, lambda: picker.here == "viral")
        await pilot.press("pageup", "up", "pagedown")
        await pilot.press(*"zzz")
        await until(pilot, lambda: "No match" in seen(app))
        assert picker.here is None
        await pilot.press("question_mark", "enter")
        await settled(app, pilot)
        assert app.screen is picker
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Dialog) is False)


async def test_a_card_lies_over_the_list_and_tells_everything_as_text(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, PickModel))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, ModelCard))
        await until(pilot, lambda: "recovered: [/b]" in seen(app))
        assert "It goes on and on." in seen(app)
        assert "\x1b" not in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PickModel))


async def test_a_click_in_the_list_chooses(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, PickModel) and "viral" in seen(app))
        app.screen.query_one(OptionList).action_select()
        await until(pilot, lambda: isinstance(app.screen, ModelCard))


async def test_a_card_by_name_and_a_name_nearly_right(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "model virel")
        await until(pilot, lambda: "Did you mean 'viral'" in said(app))
        await command(pilot, "model viral")
        await until(pilot, lambda: isinstance(app.screen, ModelCard))
        app.screen.query_one("#send", Button).press()
        await until(
            pilot, lambda: isinstance(app.screen, FormDialog) and app.screen.query("#form Row")
        )
        assert app.screen.query_one(ModelField).value == "viral"
        app.screen.query_one("#text", TextLines).value = "tea"
        await pilot.press("enter")
        await until(pilot, lambda: "Message #0 sent" in said(app))
        assert made(app).asked[-1][1:4] == ("tea", "top:40:pagerank", "viral")
        assert app.simulator.warmed[-1] == "viral"  # type: ignore[attr-defined]


async def test_the_model_of_a_message_is_picked_by_letters_and_its_card_read(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await pilot.press("i")
        await until(
            pilot, lambda: isinstance(app.screen, FormDialog) and app.screen.query("#form Row")
        )
        dialog: Any = app.screen
        field = dialog.query_one(ModelField)
        field.focus()
        await until(pilot, lambda: field.has_focus and "One coin per tie." in seen(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, ModelCard))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is dialog)
        await burst(app, pilot, "frien")  # the first letter opens the list, none is lost
        await until(pilot, lambda: isinstance(app.screen, PickModel) and "1 of 2" in seen(app))
        assert app.screen.query_one("#search", Input).value == "frien"
        await pilot.press("enter")
        await until(pilot, lambda: field.value == "viral")
        await until(pilot, lambda: dialog.parameters == {"appeal": "0.3"})
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PickModel))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is dialog)
        assert field.value == "viral"
        await pilot.click(ModelField)
        await until(pilot, lambda: isinstance(app.screen, PickModel))


def test_every_model_has_a_family_and_a_card_in_clean_lines() -> None:
    cards = choices.models()
    assert {one.name for one in cards} == set(names())
    cards = [one for one in cards if spec(one.name).origin.startswith("plugins.")]
    assert [one.name for one in cards if not one.family] == []
    families = [one.family for one in cards]
    assert families == sorted(families)
    for one in cards:
        labels = [label for label, _ in choices.card_facts(one.name)]
        assert {"summary", "family", "source", "states", "checked", "parameters"} <= set(labels)


def test_a_card_names_each_parameter_with_what_is_allowed() -> None:
    facts = choices.card_facts("sir")
    at = [label for label, _ in facts].index("parameters")
    assert facts[at][1].startswith("beta: default 0.05; in [0, 1]; ")
    assert facts[at + 1][1].startswith("gamma: default 0.2; in [0, 1]; ")


# -- theory -------------------------------------------------------------------------------------


async def test_theory_is_drawn_beside_the_curves_and_turned_through(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await pilot.press("T")
        await until(pilot, lambda: "No message is shown" in said(app))
        await inject(app, pilot)
        await command(pilot, "step 3")
        await pilot.press("T")
        await until(pilot, lambda: "Theory, dashed: mean field." in said(app))
        await until(pilot, lambda: "dashed: mean field" in seen(app))
        assert "~" in seen(app)
        await pilot.press("T")
        await until(pilot, lambda: "dashed: pairs" in seen(app))
        await pilot.press("T")
        await until(pilot, lambda: "Theory hidden" in said(app))
        await until(pilot, lambda: "dashed:" not in seen(app).replace("Theory, dashed:", ""))
        asked = app.simulator.asked_theory  # type: ignore[attr-defined]
        assert asked == [("independent-cascade", {"probability": 0.1, "patience": 1}, 40, 64)]


async def test_theory_follows_a_message_that_outlives_its_prediction(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await pilot.press("T")
        await until(pilot, lambda: "dashed: mean" in seen(app))
        await command(pilot, "step 70")
        asked = app.simulator.asked_theory  # type: ignore[attr-defined]
        await until(pilot, lambda: [one[3] for one in asked] == [64, 128])
        await until(pilot, lambda: "dashed: mean" in seen(app))


async def test_a_model_without_an_equation_says_so_in_one_line(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "inject text=tea model=viral")
        await until(pilot, lambda: frame_of(app).focus is not None)
        await pilot.press("T")
        told = "No theory is available for viral with these parameters."
        await until(pilot, lambda: told in said(app))
        assert app.predicted.shown(frame_of(app).focus) is None


async def test_a_theory_that_fails_is_said(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)

        def broken(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("no ties")

        app.simulator.theory = broken  # type: ignore[attr-defined]
        await pilot.press("T")
        await until(pilot, lambda: "Theory: ZeroDivisionError: no ties" in said(app))


@pytest.mark.parametrize("symbols", ["braille", "block", "ascii"])
async def test_theory_lies_behind_the_curves_in_every_symbol_and_scale(
    tmp_path: Path, symbols: Any
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await command(pilot, "step 2")
        assert app.stage is not None
        app.stage.draw_with(symbols)
        curves = app.stage.query_one(Curves)
        before = "".join(strip.text for strip in curves.paint(60, 12))
        await pilot.press("T")
        await until(pilot, lambda: "dashed: mean" in seen(app))
        assert "".join(strip.text for strip in curves.paint(60, 12)) != before
        curves.action_log()
        assert len(curves.paint(60, 12)) == 12


def test_equations_predict_sir_and_know_nothing_of_viral() -> None:
    ties = World.create(agents=200, mean_degree=6, seed=1).ties
    told: list[str] = []
    found = predicted(
        ties, "sir", {"beta": 0.1, "gamma": 0.2}, 5, 20, report=lambda stage, _: told.append(stage)
    )
    assert told == ["counting followers", "solving equations"]
    assert found[0].expected.shape == (21, 3)
    assert found[0].expected[0].sum() == pytest.approx(200)
    assert predicted(ties, "viral", {}, 5, 20, report=lambda *_: None) == ()


# -- a plugin that does not come back -----------------------------------------------------------


async def test_a_stall_brings_a_banner_with_the_key_that_ends_it(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await pilot.press("R")
        await until(pilot, lambda: "there is nothing to stop" in said(app))
        simulation = made(app)
        simulation.stalled, simulation.banner = HOLDS, HOLDS.sentence
        simulation.changed()
        await until(pilot, lambda: "Press R to stop it, with or without saving." in words(app))
        assert "Plugin 'spin' has not returned for 3 s." in seen(app)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and "line 6" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.stage)
        assert ("restart",) not in simulation.asked
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        app.screen.query_one("#yes", Button).press()
        await until(pilot, lambda: "everything else resumes from tick 0" in said(app))
        await until(pilot, lambda: "to stop it" not in words(app))


async def test_after_a_stall_the_completed_tick_can_be_saved(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulation = made(app)
        simulation.stalled, simulation.banner = HOLDS, HOLDS.sentence
        simulation.changed()
        await until(pilot, lambda: frame_of(app).stalled is not None)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        app.screen.query_one("#save", Button).press()
        await until(pilot, lambda: isinstance(app.screen, SaveDialog))
        assert ("pause",) in simulation.asked
        await pilot.press("enter")
        kept = tmp_path / "saves" / "lastfm-asia.hub"
        await until(pilot, lambda: ("save", kept) in simulation.asked)
        simulation.stalled = HOLDS
        simulation.changed()
        await until(pilot, lambda: frame_of(app).stalled is not None)
        await command(pilot, "restart save")
        await until(pilot, lambda: simulation.asked.count(("save", kept)) == 2)


async def test_what_the_engine_was_asked_before_a_restart_is_said_and_not_shown(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulation, gone = made(app), asyncio.Event()

        async def step(ticks: int = 1) -> None:
            await gone.wait()
            raise RuntimeError("The engine was restarted; try again.")

        simulation.step = step  # type: ignore[method-assign]
        simulation.stalled, simulation.banner = HOLDS, HOLDS.sentence
        simulation.changed()
        await until(pilot, lambda: frame_of(app).stalled is not None)
        await pilot.press("full_stop")
        simulation.gate.clear()
        app.obey("restart go")
        await until(pilot, lambda: ("restart",) in simulation.asked)
        gone.set()
        await until(pilot, lambda: "restarted; try again" in said(app))
        simulation.gate.set()
        await until(pilot, lambda: "everything else resumes" in said(app))

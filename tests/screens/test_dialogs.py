"""Every dialog, opened and agreed to with everything in it empty: it says what is missing."""

import importlib
import pkgutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Select

import tui
from sim.minds.deciding.commands import PlayedMember
from sim.minds.deciding.estimate import MindsOffer
from sim.runtime import Chain, ChainStep
from tests.screens.fake import Cascade, FakeSimulation, FakeSimulator, World, card
from tui.actions.agents import WhyDialog
from tui.actions.lab import arms_of
from tui.actions.table import ScreenState
from tui.dialogs.dialog import Confirm, Dialog, ErrorDialog, Notice, stalled_dialog
from tui.dialogs.lab import EditorDialog, GalleryDialog, compare_dialog, lab_dialog, sweep_dialog
from tui.dialogs.messages import (
    InterventionWish,
    ModelCard,
    PickModel,
    inject_dialog,
    intervene_dialog,
)
from tui.dialogs.minds import InterviewDialog, PlayDialog, minds_dialog, survey_dialog
from tui.dialogs.progress import DialogJob, ProgressDialog
from tui.dialogs.view import HelpDialog, MetricsDialog, export_dialog
from tui.dialogs.world import QuitDialog, SaveDialog, history_dialog, new_world_dialog, open_dialog
from tui.theme import register_themes


async def answered(*_: Any) -> Any:
    return SimpleNamespace(fault=None, text="", detail="")


async def estimated(*_: Any) -> str:
    return "It costs nothing."


def simulation() -> Any:
    running = FakeSimulation(World(), "demo", None)
    running.focused = 0
    return running


SITUATION = ScreenState()


MAKE: dict[str, Callable[[Any], Any]] = {
    "WhyDialog": lambda _: WhyDialog(Chain(0, "", (ChainStep(3, 1, "Ann"),)), "Nothing."),
    "survey_dialog": lambda _: survey_dialog(),
    "Confirm": lambda _: Confirm("Sure?", "It is lost.", yes="Lose it", no="Keep it"),
    "minds_dialog": lambda _: minds_dialog(
        MindsOffer(("chat",), ("goal",), ("gpt",), 1.0, ""), "", estimated
    ),
    "HelpDialog": lambda _: HelpDialog(None, {}, SITUATION),
    "history_dialog": lambda _: history_dialog(simulation()),
    "inject_dialog": lambda _: inject_dialog(simulation(), None),
    "intervene_dialog": lambda b: intervene_dialog(
        b.interventions(), InterventionWish("freeze"), 3, (), estimated
    ),
    "export_dialog": lambda _: export_dialog(has_results=True),
    "EditorDialog": lambda _: EditorDialog(Path("crowd.toml"), ""),
    "lab_dialog": lambda _: lab_dialog((), Path("here")),
    "sweep_dialog": lambda _: sweep_dialog(),
    "GalleryDialog": lambda _: GalleryDialog(),
    "compare_dialog": lambda _: compare_dialog(("blend",), "beta 0.1", arms_said),
    "InterviewDialog": lambda _: InterviewDialog("Ada", answered, answered, []),
    "QuitDialog": lambda _: QuitDialog(simulation().frame, "quit"),
    "MetricsDialog": lambda b: MetricsDialog(b.metrics(), {}, (), {}),
    "ModelCard": lambda b: ModelCard("viral", b.card("viral")),
    "new_world_dialog": lambda b: new_world_dialog(None),
    "Notice": lambda _: Notice("Read", "this"),
    "open_dialog": lambda b: open_dialog(b.saves),
    "PickModel": lambda b: PickModel([card(Cascade)]),
    "PlayDialog": lambda _: PlayDialog(PlayedMember(3, "Ada", 0, True, (), ()), answered, answered),
    "ErrorDialog": lambda _: ErrorDialog(ValueError("no")),
    "ProgressDialog": lambda _: ProgressDialog(DialogJob("working")),
    "SaveDialog": lambda b: SaveDialog(b.saves, ""),
    "stalled_dialog": lambda _: stalled_dialog("spin does not come back.", 4),
}
"""How each dialog is made."""

EMPTY_IS_FINE = {
    "WhyDialog", "Confirm", "HelpDialog", "QuitDialog", "MetricsDialog", "ModelCard", "Notice",
    "PickModel", "ErrorDialog", "export_dialog", "ProgressDialog", "stalled_dialog", "EditorDialog",
}  # fmt: skip
"""Those that ask for nothing, or stand on something: agreeing closes them, or does nothing."""


def arms_said(words: tuple[str, ...]) -> str:
    return ", ".join(arms_of(words[1:]))


def every_dialog() -> set[str]:
    """The classes of dialogs, and the functions that make one of a class as it is."""
    made: set[str] = set()
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        names = vars(importlib.import_module(module.name))
        made |= {name for name in names if name.endswith("_dialog")}
    found: list[type] = [Dialog]
    for each in found:
        found += each.__subclasses__()
    return made | {each.__name__ for each in found[1:] if each.__module__.startswith("tui.")}


def test_every_dialog_of_the_screen_is_tried_here() -> None:
    assert every_dialog() == {*MAKE, "FormDialog", "ListDialog"}


def emptied(dialog: Dialog[Any]) -> None:
    """Take everything out that can be taken out, and what only a slow machine leaves blank."""
    for typed in dialog.query(Input):
        typed.value = ""
    for picker in dialog.query(Select):
        picker._allow_blank = True
        picker.set_options([])
    for listed in dialog.query(OptionList):
        listed.highlighted = None


@asynccontextmanager
async def asked(dialog: Any) -> AsyncIterator[tuple[Any, Pilot[None], list[Any]]]:
    """A dialog on a screen of its own, and what it gives."""
    app: App[None] = App()
    given: list[Any] = []
    async with app.run_test(size=(80, 24)) as pilot:
        register_themes(app, "hubbub-dark")
        await app.push_screen(dialog, given.append)
        yield dialog, pilot, given


@pytest.mark.parametrize("kind", MAKE)
async def test_a_dialog_agreed_to_empty_says_what_is_missing(kind: str, tmp_path: Path) -> None:
    """At once, while it is still being filled, and again when it is."""
    async with asked(MAKE[kind](FakeSimulator(tmp_path))) as (dialog, pilot, given):
        app = pilot.app
        for _ in range(2):
            if dialog.is_current:
                emptied(dialog)
                dialog.action_accept()
            await pilot.pause()
            await app.workers.wait_for_complete()
        emptied(dialog)
        await pilot.pause()
        await pilot.press("enter")
        if kind not in EMPTY_IS_FINE:
            assert given == []
            assert app.screen is dialog
            assert dialog.has_class("-wrong")


async def test_keys_meant_for_the_dialog_before_call_no_work_off() -> None:
    job = DialogJob("saving the world")
    async with asked(ProgressDialog(job)) as (_, pilot, _given):
        await pilot.press("enter", "space", "enter")
        assert not job.is_stopping
        await pilot.press("tab", "enter")
        assert job.is_stopping


@pytest.mark.parametrize("kind", ["inject_dialog", "new_world_dialog"])
async def test_a_dialog_agreed_to_untouched_while_it_is_filled_gives_nothing_that_is_none(
    kind: str, tmp_path: Path
) -> None:
    async with asked(MAKE[kind](Slow(tmp_path))) as (dialog, pilot, given):
        for _ in range(40):
            if dialog.is_current:
                dialog.action_accept()
            await pilot.pause(0.005)
    assert "NULL" not in repr(given)


class Slow(FakeSimulator):
    """Takes its time, as on a machine that is busy."""

    def networks(self) -> Any:
        time.sleep(0.02)
        return super().networks()

    def recommenders(self) -> Any:
        time.sleep(0.05)
        return super().recommenders()

    def models(self) -> Any:
        time.sleep(0.02)
        return super().models()

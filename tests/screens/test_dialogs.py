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
from tests.screens.fake import Cascade, FakeSimulation, FakeSimulator, World, card
from tui.actions.agents import WhyDialog
from tui.actions.lab import arms_of
from tui.actions.table import ScreenState
from tui.dialogs.dialog import Confirm, Dialog, ErrorDialog, ListDialog, Notice, StalledDialog
from tui.dialogs.form import FormDialog
from tui.dialogs.help import HelpDialog
from tui.dialogs.inject import InjectDialog, InterveneDialog, InterventionWish
from tui.dialogs.lab import (
    CompareDialog,
    EditorDialog,
    GalleryDialog,
    LabDialog,
    SweepDialog,
)
from tui.dialogs.metrics import MetricsDialog
from tui.dialogs.minds import GiveMinds, InterviewDialog, PlayDialog, SurveyDialog
from tui.dialogs.models import ModelCard, PickModel
from tui.dialogs.progress import DialogJob, ProgressDialog
from tui.dialogs.world import HistoryDialog, NewWorldDialog, OpenDialog, QuitDialog, SaveDialog
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
REACH: Any = SimpleNamespace(sentence="Nothing was done.")


MAKE: dict[type, Callable[[Any], Any]] = {
    WhyDialog: lambda _: WhyDialog(None, "It was shown nothing."),
    SurveyDialog: lambda _: SurveyDialog(),
    Confirm: lambda _: Confirm("Sure?", "It is lost.", yes="Lose it", no="Keep it"),
    GiveMinds: lambda _: GiveMinds(
        MindsOffer(("chat",), ("goal",), ("gpt",), 1.0, ""), "", estimated
    ),
    HelpDialog: lambda _: HelpDialog(None, {}, SITUATION),
    HistoryDialog: lambda _: HistoryDialog((), REACH, 0),
    InjectDialog: lambda b: InjectDialog(simulation(), None),
    InterveneDialog: lambda b: InterveneDialog(
        b.interventions(), InterventionWish("freeze"), 3, ()
    ),
    EditorDialog: lambda _: EditorDialog(Path("crowd.toml"), ""),
    LabDialog: lambda _: LabDialog((), Path("here")),
    SweepDialog: lambda _: SweepDialog(),
    GalleryDialog: lambda _: GalleryDialog(),
    CompareDialog: lambda _: CompareDialog(("blend",), "beta 0.1", arms_said),
    InterviewDialog: lambda _: InterviewDialog("Ada", answered, None, []),
    QuitDialog: lambda _: QuitDialog(simulation().frame, "quit"),
    MetricsDialog: lambda b: MetricsDialog(b.metrics(), {}, (), {}),
    ModelCard: lambda b: ModelCard("viral", b.card("viral"), 80),
    NewWorldDialog: lambda b: NewWorldDialog(None),
    Notice: lambda _: Notice("Read", "this"),
    OpenDialog: lambda b: OpenDialog(b.saves),
    PickModel: lambda b: PickModel([card(Cascade)]),
    PlayDialog: lambda _: PlayDialog(PlayedMember(3, "Ada", 0, True, (), ()), answered, answered),
    ErrorDialog: lambda _: ErrorDialog(ValueError("no")),
    ProgressDialog: lambda _: ProgressDialog(DialogJob("working")),
    SaveDialog: lambda b: SaveDialog(b.saves, ""),
    StalledDialog: lambda _: StalledDialog("spin does not come back.", 4),
}
"""How each dialog is made."""

EMPTY_IS_FINE: set[type] = {
    WhyDialog, Confirm, HelpDialog, QuitDialog, MetricsDialog, ModelCard, Notice,
    PickModel, ErrorDialog, ProgressDialog, StalledDialog, EditorDialog,
}  # fmt: skip
"""Those that ask for nothing, or stand on something: agreeing closes them, or does nothing."""


def arms_said(words: tuple[str, ...]) -> str:
    return ", ".join(arms_of(words[1:]))


def every_dialog() -> set[type]:
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        importlib.import_module(module.name)
    found: list[type] = [Dialog]
    for each in found:
        found += each.__subclasses__()
    return {each for each in found[1:] if each.__module__.startswith("tui.")}


def test_every_dialog_of_the_screen_is_tried_here() -> None:
    assert every_dialog() == {*MAKE, FormDialog, ListDialog}


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


@pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.__name__)
async def test_a_dialog_agreed_to_empty_says_what_is_missing(kind: type, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("kind", [InjectDialog, NewWorldDialog], ids=lambda kind: kind.__name__)
async def test_a_dialog_agreed_to_untouched_while_it_is_filled_gives_nothing_that_is_none(
    kind: type, tmp_path: Path
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

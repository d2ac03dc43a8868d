"""The start: dialogs opened while the first world is read, and what the first screen says."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from sim.errors import FileError
from tests.screens.fake import FakeSimulator, World
from tests.screens.test_app import seen, until, words
from tui.app import Hubbub
from tui.dialogs.dialog import ListDialog
from tui.dialogs.form import FormDialog
from tui.dialogs.progress import Loading
from tui.dialogs.view import HelpDialog
from tui.terminal import resume_collector

Start = tuple[Hubbub, Pilot[int], "Slow"]


class Slow(FakeSimulator):
    """A simulator whose first world is there once that is wished."""

    def __init__(self, saves: Path) -> None:
        super().__init__(saves)
        self.go_on, self.error = threading.Event(), ""

    def demo(self, report: Callable[[str, float], None]) -> World:
        report("reading the demo world", 0.9)
        self.go_on.wait(60)
        if self.error:
            raise FileError(self.saves / "demo", self.error)
        return super().demo(report)


@asynccontextmanager
async def starting(tmp_path: Path) -> AsyncIterator[Start]:
    simulator = Slow(tmp_path)
    app = simulator.hubbub()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "reading the demo world" in seen(app))
        yield app, pilot, simulator
        simulator.go_on.set()
    await app.leave()


@pytest.mark.parametrize(
    ("key", "dialog"), [("n", FormDialog), ("o", ListDialog), ("question_mark", HelpDialog)]
)
async def test_a_dialog_opened_while_the_first_world_loads_stays_until_it_is_closed(
    tmp_path: Path, key: str, dialog: Any
) -> None:
    async with starting(tmp_path) as (app, pilot, simulator):
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, dialog))
        simulator.go_on.set()
        await until(pilot, lambda: app.entered is not None)
        await pilot.pause(0.3)
        assert isinstance(app.screen, dialog)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.stage and "lastfm-asia" in seen(app))


async def test_keys_for_the_first_world_wait_until_it_is_there(tmp_path: Path) -> None:
    async with starting(tmp_path) as (app, pilot, simulator):
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: "Typed ahead: . ." in seen(app))
        assert "reading the demo world" in seen(app)
        simulator.go_on.set()
        await until(pilot, lambda: app.frame is not None and app.frame.tick == 2)


async def test_a_world_made_while_the_first_one_loads_is_not_replaced_by_it(tmp_path: Path) -> None:
    async with starting(tmp_path) as (app, pilot, simulator):
        await pilot.press("n")
        await until(
            pilot, lambda: isinstance(app.screen, FormDialog) and app.screen.query("#form Row")
        )
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.stage)
        name = app.frame and app.frame.name
        simulator.go_on.set()
        await pilot.pause(0.3)
        assert len(simulator.made) == 1
        assert app.frame is not None
        assert app.frame.name == name != "lastfm-asia"


async def test_the_collector_passes_over_a_world_until_the_next_one(tmp_path: Path) -> None:
    gone: list[bool] = []
    ring: Any = partial(int)
    ring.me, thresholds = ring, gc.get_threshold()
    weakref.finalize(ring, gone.append, True)
    try:
        async with starting(tmp_path) as (_app, pilot, simulator):
            gc.disable()
            resume_collector()
            del ring
            gc.collect()
            assert gc.isenabled() is not bool(gone)
            simulator.go_on.set()
            await until(pilot, lambda: bool(gone))
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


async def test_why_no_world_is_open_is_told_after_a_dialog_and_after_other_words(
    tmp_path: Path,
) -> None:
    async with starting(tmp_path) as (app, pilot, simulator):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        simulator.error = "is cut off"
        simulator.go_on.set()
        await asyncio.sleep(0.3)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Loading) and "cut off" in words(app))
        await pilot.press("space")
        told = ("cut off", "No world is open yet", "n: new world")
        await until(pilot, lambda: all(each in words(app) for each in told))

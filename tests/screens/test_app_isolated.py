"""The program with its engine in a process of its own: what a plugin breaks leaves the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.core import registry
from tests.screens.test_app import command, frame_of, recording, said, seen, settled, until
from tests.unit.runtime.isolating import ROUGH
from tui.app import Hubbub
from tui.dialogs.dialog import Notice


@pytest.fixture
def rough(tmp_path: Path) -> Iterator[None]:
    path = tmp_path / "rough.py"
    path.write_text(ROUGH)
    brought = registry.load_file(path)
    yield
    for item in brought:
        del registry._known[item.kind][item.name]
        sys.modules.pop(item.cls.__module__, None)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_crash_and_a_stall_cost_their_messages_and_a_banner(
    tmp_path: Path, rough: None
) -> None:
    app = recording(Hubbub(tmp_path, isolated=True))
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until(pilot, lambda: app.stage is not None and app.stage.is_mounted)
        await settled(app, pilot)
        await command(pilot, "inject text=Ours model=si seeds=random:5")
        await until(pilot, lambda: len(frame_of(app).sessions) == 1)
        await command(pilot, "path 1 2")
        await until(pilot, lambda: isinstance(app.screen, Notice))
        await pilot.press("enter")
        await command(pilot, "report")
        await until(pilot, lambda: "Most influential" in seen(app))
        await pilot.press("enter")

        await command(pilot, "inject text=Theirs model=rough-exit seeds=random:5")
        await until(pilot, lambda: len(frame_of(app).sessions) == 2)
        app.obey("step 50")
        await until(pilot, lambda: "message #1 is stopped" in str(frame_of(app).banner))
        assert "ended the engine's process (exit code 3)" in seen(app)
        assert [row.status for row in frame_of(app).sessions] == ["running", "failed"]

        await command(pilot, "inject text=Theirs model=rough-deaf seeds=random:5")
        await until(pilot, lambda: len(frame_of(app).sessions) == 3)
        app.obey("step 50")
        await until(pilot, lambda: frame_of(app).stalled is not None)
        await until(pilot, lambda: "has not returned" in seen(app))
        app.obey("restart go")
        await until(pilot, lambda: "message #2 is stopped" in said(app))
        tick = frame_of(app).tick
        await command(pilot, "step")
        await until(pilot, lambda: frame_of(app).tick == tick + 1)
        assert [row.status for row in frame_of(app).sessions] == ["running", "failed", "failed"]
    await app.leave()

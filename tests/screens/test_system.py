"""The System mode: how the world and the program are."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot

from sim.runtime import Durability, Health, Vitals
from sim.runtime.health import CheckHistory, look
from sim.world.metrics.alerts import Alert, AlertRule, Level
from tests.screens.showing import screen_of, shown
from tests.screens.test_app import frame_of, hubbub, seen, settled, until
from tui.app import Hubbub
from tui.modes.system import Facts, alert_history, program_facts, things_to_do


async def press(app: Hubbub, pilot: Pilot[int], key: str) -> None:
    await pilot.press(key)
    await settled(app, pilot)


def course() -> Health:
    """Checks after three looks, while memory grew over its ceiling."""
    history = CheckHistory()
    for megabytes in (100, 200, 300):
        found = look(Vitals(tick=5, resident=megabytes << 20, hard=250 << 20), history)
    return found


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_6_shows_each_check_the_engine_and_the_paths(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await press(app, pilot, "5")
        assert app.stage is not None
        assert app.stage.mode == "system"
        for words in ("What to do", "saved", "All plugins work", "0 create"):
            await until(pilot, lambda words=words: words in seen(app))
        await press(app, pilot, "d")
        for words in ("hubbub.jsonl", "Checks", "memory", "last tick"):
            await until(pilot, lambda words=words: words in seen(app))
        assert "What to do" not in seen(app)
        await press(app, pilot, "d")
        await until(pilot, lambda: "What to do" in seen(app))


async def test_what_is_wrong_is_told_with_the_key_that_helps(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, _):
        kept = Durability(4, 1, 0, 7.4, 5 << 20, "/saves/town.hub.live")
        rule = AlertRule("spread", "too fast", 0.05, 0.2)
        said = [Alert(3, "fast", Level.CRITICAL, "spread", 0.31, ""),
                Alert(9, "fast", Level.OVER, "spread", 0.01, "")]  # fmt: skip
        metrics: Any = SimpleNamespace(alarms=(("fast", 2),), rules=(("fast", rule),), alerts=said)
        planned = ("ban member 3 at tick 9", "hide message 0 at tick 2 (done: hidden)")
        frame = replace(frame_of(app), kept=kept, metrics=metrics, interventions=planned)
        told = dict(things_to_do(frame, course()))
    assert told["saved"] == "to tick 4, survives a crash; 1 tick unsaved"
    assert told["!! memory"].endswith("250. Press space to pause, and close other programs.")
    assert (told["planned"], told["! alerts"]) == (
        planned[0],
        "fast (critical); G edits thresholds",
    )
    assert alert_history(frame) == [
        ("tick 9", "cleared: spread 0.01, threshold 0.05; fast"),
        ("! tick 3", "raised (critical): spread 0.31, threshold 0.2; fast"),
    ]


def test_facts_name_paths_threads_and_models() -> None:
    told = dict(program_facts())
    assert told["log"].endswith("hubbub.jsonl")
    assert "MainThread" in told["threads"]
    assert told["models"].endswith(" from plugins")


def test_a_pane_without_facts_says_so() -> None:
    assert "No data yet." in Facts(id="x", told="").render().plain


async def test_the_bar_says_that_something_is_wrong(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await until(pilot, lambda: "OK" in seen(app).splitlines()[1])
        for level, vitals in (("!", Vitals(loop_lag=0.5)), ("!!", Vitals(state="failed"))):
            answer = partial(_answer, look(vitals))
            setattr(app.simulation, "health", answer)  # noqa: B010 - it is a method else
            await app.upkeep.look_at_health()
            await pilot.pause()
            assert f" {level} see 5" in seen(app).splitlines()[1]


async def test_a_slow_look_at_the_health_holds_up_no_screen_and_no_key(tmp_path: Path) -> None:
    """A disk or a plugin's check that takes long is waited for by a thread alone."""
    asked, gate = [], threading.Event()
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        last = app.simulation.health()

        def slow(*, within: float = 0.0) -> Health:
            asked.append(threading.current_thread() is threading.main_thread())
            if not asked[-1]:
                gate.wait(60)
            return last

        setattr(app.simulation, "health", slow)  # noqa: B010 - as above
        looking = asyncio.create_task(app.upkeep.look_at_health())
        await until(pilot, lambda: bool(asked))
        await pilot.press("5")
        app.redraw()
        await until(pilot, lambda: app.stage is not None and app.stage.mode == "system")
        await until(pilot, lambda: "What to do" in seen(app))
        assert not looking.done()
        gate.set()
        await looking
    assert not any(asked)


async def test_a_look_at_the_health_that_does_not_end_is_a_warning_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await until(pilot, lambda: "OK" in seen(app).splitlines()[1])
        last = app.simulation.health()
        monkeypatch.setattr("tui.parts.LATE_SECONDS", 0.01)

        def slow(*, within: float = 0.0) -> Health:
            gate.wait(60)
            return last

        setattr(app.simulation, "health", slow)  # noqa: B010 - as above
        looking = asyncio.create_task(app.upkeep.look_at_health())
        await until(pilot, lambda: " ! see 5" in seen(app).splitlines()[1])
        assert app.health is not None
        assert app.health.readings[1:] == last.readings
        gate.set()
        await looking
        await until(pilot, lambda: "OK" in seen(app).splitlines()[1])


async def test_a_slow_settings_file_holds_up_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.parts.LOOKS_EVERY", 0.01)
    asked, gate = [], threading.Event()

    def slow() -> list[str]:
        asked.append(True)
        gate.wait(60)
        return []

    async with hubbub(tmp_path) as (app, pilot):
        monkeypatch.setattr(app.upkeep.watch, "changed", slow)
        await until(pilot, lambda: bool(asked))
        app.post_message(Key("5", "5"))
        for _ in range(500):
            await asyncio.sleep(0.02)
            if app.stage is not None and app.stage.mode == "system":
                break
        gate.set()
        assert app.stage is not None
        assert app.stage.mode == "system"


def _answer(health: Health, *, within: float = 0.0) -> Health:
    return health


async def test_a_fact_that_is_long_is_told_whole_and_of_a_path_the_end() -> None:
    pane, threads = Facts(id="x", told=""), ", ".join(f"thread-{number}" for number in range(12))
    async with shown(pane, (36, 12)) as pilot:
        pane.tell([("threads", threads), ("settings", "/a/" + "long/" * 20 + "settings.toml")])
        await pilot.pause()
        text = screen_of(pilot)
        assert all(f"thread-{number}" in text for number in range(12))
        assert "settings.toml" in text

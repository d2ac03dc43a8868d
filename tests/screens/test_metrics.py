"""Metrics on the screen: chosen, kept, drawn, and alarming."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from textual.widgets import Input

from sim import Settings, World
from sim.errors import FileError
from sim.runtime.engine import metrics_tracker as measuring
from sim.runtime.engine.metrics_tracker import MetricsTracker
from sim.runtime.queries.feeds import MetricsState
from sim.settings import SettingsWatch, current, keep_words, load_settings
from sim.settings.settings import use
from tests.screens.showing import assert_fills, screen_of, shown
from tests.screens.test_app import (
    command,
    frame_of,
    keys,
    recording,
    said,
    seen,
    settled,
    shows,
    until,
)
from tui.app import Hubbub
from tui.dialogs.view import MetricsDialog
from tui.draw.canvas import bars
from tui.draw.now import MetricChart, chosen_metrics
from tui.parts import BackgroundWork


@pytest.fixture
def settings() -> Iterator[Settings]:
    """The settings in force, which are so again afterwards."""
    before = current()
    yield before
    use(before)


def measured() -> MetricsState:
    world = World.create(agents=120, mean_degree=6, seed=7)
    metrics = world.open_metrics(every=2, structure=0)
    metrics.alerts.set("slow ticks", warning=0.0, critical=None, ticks=1)
    world.inject("Hello.", seeds=[0], model="independent-cascade", probability=0.5)
    world.step(5)
    told = MetricsTracker(world).view(world)
    assert told is not None
    return told


async def test_metrics_are_chosen_drawn_and_alarming(tmp_path: Path) -> None:
    kept: list[tuple[str, ...]] = []
    app = recording(Hubbub(tmp_path))
    app.upkeep.keep_metrics = kept.append  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.stage is not None and app.stage.is_mounted)
        await settled(app, pilot)
        await keys(pilot, "c", then=lambda: "No metric selected" in said(app))
        await keys(pilot, "G", then=(MetricsDialog, "active: active accounts"))
        await pilot.press("space")
        dialog = app.screen
        assert isinstance(dialog, MetricsDialog)
        for name in ("ties", "tick_ms"):
            dialog._fill(name)
            await pilot.pause()
            if name == "ties":
                await pilot.press("space")
        await pilot.press("tab")
        app.screen.query_one("#warning", Input).value = "soon"
        await until(pilot, lambda: "A threshold must be a number" in seen(app))
        await pilot.press("enter")
        assert isinstance(app.screen, MetricsDialog)
        app.screen.query_one("#warning", Input).value = ""
        app.screen.query_one("#critical", Input).value = "0.0"
        await pilot.pause()
        await keys(pilot, "shift+tab", "enter", then=lambda: "Live shows active, ties" in said(app))
        assert kept[-1] == ("active", "ties")
        await command(pilot, "step 4", lambda: "ties 50.1k" in seen(app))
        assert "7.6k" in seen(app)
        await command(pilot, "alert", "slow ticks (critical)")
        await command(pilot, "alert tick_ms critical=never", "tick_ms: critical=never")
        rules = measuring.rules_of(app.simulation.frame.metrics)
        assert "slow ticks" not in rules
        await command(pilot, "alert ties warning=5", "ties: warning=5")
        for line, answer in (
            ("alert ties", "Type thresholds"),
            ("alert ties high=3", "'high'"),
            ("alert ties warning=soon", "'soon'"),
            ("alert height warning=3", "'height'"),
            ("metrics height", "'height'"),
        ):
            await command(pilot, line, answer)
        await command(pilot, "inject text=Hello model=si seeds=ids:0")
        await shows(pilot, lambda: frame_of(app).focus is not None, "tick 4  x")
        await keys(pilot, "c", then=lambda: "tick 4  x" not in seen(app))
        await command(pilot, "metrics none", lambda: "tick 4  x" in seen(app) and kept[-1] == ())
    await app.leave()


async def test_a_chart_draws_bands_as_high_as_there_is_room() -> None:
    chart, told = MetricChart(), measured()
    units = {name: measuring.unit_of(name) for name in told.names} | {"diversity": ""}

    def show(names: tuple[str, ...], metrics: Any) -> None:
        chart.choose(names, units)
        frame: Any = SimpleNamespace(metrics=metrics)
        chart.show(frame)

    async with shown(chart, (60, 8)) as pilot:
        assert "No metric selected" in screen_of(pilot)
        show(("active", "spread", "r"), None)
        await pilot.pause()
        assert "off; press G" in screen_of(pilot)
        show(("active", "spread", "tick_ms", "diversity", "r"), told)
        await pilot.pause()
        drawn = screen_of(pilot)
        assert "active 120" in drawn
        assert "no value yet" in drawn
        assert "1 more" in drawn
        assert_fills(chart.paint(60, 20), 60, 20)
        chart.symbols = "ascii"
        rising = np.tile([[9.0], [0.0], [9.0]], (1, len(told.names)))
        show(("active",), replace(told, rows=rising))
        rows = [strip.text for strip in chart.paint(20, 3)]
        assert [row[10:13] for row in rows[1:]] == ["# #", "# #"]  # gaps stay where they are
        assert_fills(chart.paint(9, 3), 9, 3)


def test_figures_of_chosen_metrics_say_what_alarms_and_when_they_were_taken() -> None:
    told = measured()
    names = ("active", "tick_ms", "r", "polarisation")
    units = {name: measuring.unit_of(name) for name in names}
    notes = {each.name: each.note for each in chosen_metrics(names, units, told)}
    assert notes == {"active": "", "tick ms": "warning", "r": "@4", "polarisation": "no value yet"}
    assert [each.value for each in chosen_metrics(names, units, None)] == ["-"] * 4
    assert all(unit for unit, _ in measuring.listed().values())


def test_bars_keep_what_is_known_and_stand_at_the_right() -> None:
    drawn, low, high = bars(np.array([np.nan, 4.0, np.nan, 2.0]), 6, 2, ascii_only=True)
    assert (low, high) == (0.0, 4.0)
    assert drawn == ["   ## ", "   ###"]
    assert bars(np.arange(9.0), 3, 1)[0] == ["▂▅█"]
    assert bars(np.zeros(0), 3, 1)[0] == ["   "]


def test_a_choice_is_kept_in_the_settings_file_beside_everything_else(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        'threads = 2\nmetrics = [\n  "acts",  # mine\n]\n[profiles.test]\nthreads = 1\n'
    )
    upkeep = BackgroundWork(None)
    upkeep.watch = SettingsWatch(load_settings(path))
    upkeep.keep_metrics(("online", "acts"))
    kept = load_settings(path)
    assert (kept.metrics, kept.threads) == (("online", "acts"), 2)
    assert "# mine" not in path.read_text()
    assert upkeep.watch.changed() == []
    assert current().metrics == ("online", "acts")
    upkeep.keep_metrics(())
    assert load_settings(path).metrics == ()
    with pytest.raises(FileError, match="metrics cannot be kept"):
        keep_words(tmp_path / "settings.toml" / "deeper.toml", "metrics", ["acts"])

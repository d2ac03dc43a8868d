"""Frames, events and the journal tell of metrics, alerts and interventions."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Simulation, World
from sim.core import AlertRaised, InterventionDone
from sim.runtime.engine import metrics_tracker as alert_command
from sim.runtime.engine.metrics_tracker import MOST_ROWS
from sim.runtime.process.wire import FrameReader, FrameWriter
from sim.settings import load_settings
from sim.settings.settings import use
from sim.world import Alert, commands
from sim.world import commands as intervening
from sim.world.metrics.alerts import Level
from tests.unit.runtime.worlds import present


def small() -> World:
    return World.create(agents=200, mean_degree=8, seed=3)


async def test_a_world_without_metrics_shows_none_and_one_without_rows_an_empty_table() -> None:
    async with Simulation(small()) as s:
        await s.step(1)
        assert (s.frame.metrics, s.frame.interventions) == (None, ())
        await s.call(intervening.open_metrics)
        assert present(s.frame.metrics).rows.shape == (0, 0)


async def test_frames_and_events_tell_what_is_measured_and_done() -> None:
    world, told = small(), list[Any]()
    async with Simulation(world) as s:
        s.subscribe(AlertRaised, told.append)
        s.subscribe(InterventionDone, told.append)
        await s.call(intervening.open_metrics, every=1, structure=0)
        await s.call(intervening.set_alert, "spread too fast", warning=0.05, critical=0.2)
        await s.call(intervening.set_alert, "slow ticks", off=True)
        plan = {"text": "y", "seeds": "random:3", "model": "si", "parameters": {"beta": 1.0}}
        assert await s.call(intervening.at, 2, "inject", **plan) == 0
        await s.step(4)
        frame = s.frame
    metrics = present(frame.metrics)
    assert metrics.ticks.tolist() == [1, 2, 3, 4]
    adopted = world.cascades[0].new_adopters[1:].tolist()
    assert metrics.series("adopted").tolist() == [0, 0, *adopted]
    assert {name: value for name, value, _ in metrics.latest}["active"] == 200
    assert not metrics.rows.flags.writeable
    assert [row.id for row in frame.sessions] == [0]
    assert frame.interventions == (
        "send 'y' to 3 random members (model=si, parameters={'beta': 1.0}) at tick 2 "
        "(done: message #0 from 3 seeds)",
    )
    done = [event for event in told if isinstance(event, InterventionDone)]
    assert [(event.tick, event.number) for event in done] == [(2, 0)]
    raised = [event for event in told if isinstance(event, AlertRaised)]
    assert raised[0].name == "spread too fast"
    assert any("spreads too fast" in line for _, line in frame.events)
    kept = FrameReader().read(FrameWriter().write(frame))
    assert np.array_equal(present(kept.metrics).rows, metrics.rows, equal_nan=True)


async def test_frames_hold_the_newest_rows_alone() -> None:
    world = small()
    world.open_metrics(structure=0)
    world.step(MOST_ROWS + 20)
    async with Simulation(world) as s:
        await s.step(1)
        metrics = present(s.frame.metrics)
        assert (metrics.ticks.size, metrics.ticks[-1]) == (MOST_ROWS, MOST_ROWS + 21)


@pytest.fixture
def command() -> Iterator[str]:
    """What runs a line of Python; the settings are as before in the end."""
    yield shlex.join([sys.executable, "-c", "import sys, time; exec(sys.argv[1])"])
    use(load_settings())


def runs(code: str, command: str) -> None:
    use(load_settings(alert_command=f"{command} {shlex.quote(code)}"))


ALERT = Alert(3, "mine", Level.WARNING, "spread", 0.5, "Warning: it spreads")


async def test_alerts_of_a_simulation_reach_the_command(command: str, tmp_path: Path) -> None:
    target = tmp_path / "told"
    runs(f"open({str(target)!r}, 'ab').write(sys.stdin.buffer.read())", command)
    async with Simulation(World.create(agents=50, mean_degree=4, seed=1)) as s:
        await s.call(commands.set_alert, "many", metric="active", warning=50)
        await s.step(2)
    alert_command.drain(60)
    assert json.loads(target.read_text()) == {
        "tick": 1, "name": "many", "level": "warning", "metric": "active", "value": 50.0,
        "sentence": "Warning: many (active is 50)",
    }  # fmt: skip


def test_endless_commands_are_killed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs("time.sleep(3600)", command)
    monkeypatch.setattr(alert_command, "MOST_WAITING", 2)
    said = alert_command.deliver([ALERT] * 9)
    dropped = int(said.removeprefix("The alert command is slow: ").split()[0])
    assert dropped in {6, 7}  # one may run already
    alert_command.drain(0.01)
    assert alert_command.deliver([]) == ""


def test_a_slow_or_failing_command_is_logged(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[dict[str, object]]()
    monkeypatch.setattr(alert_command, "log", lambda *_, **facts: told.append(facts))
    monkeypatch.setattr(alert_command, "SECONDS", 0.01)
    runs("time.sleep(3600)", command)
    assert alert_command.deliver([ALERT]) == ""
    alert_command.drain(60)
    monkeypatch.setattr(alert_command, "SECONDS", 60.0)
    runs("sys.exit(3)", command)
    assert alert_command.deliver([ALERT]) == ""
    alert_command.drain(60)
    assert "timed out" in str(told[0]["error"])
    assert told[1]["code"] == 3

"""Alerts are handed to a command in the background; a slow one holds nothing up."""

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import Simulation, World
from sim.runtime.engine import metrics_tracker as alert_command
from sim.settings import load_settings
from sim.settings.settings import use
from sim.world import Alert, commands
from sim.world.metrics.alerts import Level


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

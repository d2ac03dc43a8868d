"""Alerts: levels, hysteresis, patience, thresholds of one's own."""

import pytest

from sim import World
from sim.errors import InputError, UnknownNameError
from sim.world.metrics.alerts import Alerts, Level
from tests.raising import raises


def levels(values: list[float], **changes: object) -> list[Level]:
    alerts = Alerts({})
    alerts.set("mine", metric="spread", **changes)
    found = []
    for tick, value in enumerate(values):
        alerts.look(tick, {"spread": value})
        found.append(alerts.active.get("mine", Level.OVER))
    return found


def test_an_alert_ends_only_well_below_its_threshold() -> None:
    seen = levels([0.4, 0.5, 0.46, 0.44, 0.9, 0.85, 0.7, 0.1], warning=0.5, critical=0.9)
    assert seen == [0, 1, 1, 0, 2, 2, 1, 0]


def test_low_numbers_can_be_the_bad_ones() -> None:
    seen = levels([5, 0, 0.05, 0.2], warning=0.0, critical=None, below=True, slack=0.1)
    assert seen == [0, 1, 1, 0]


def test_an_alert_can_wait_for_several_looks() -> None:
    assert levels([9, 9, 0, 9, 9, 9], warning=1.0, ticks=3) == [0, 0, 0, 0, 0, 1]


def test_each_change_is_told_once() -> None:
    alerts = Alerts()
    for tick, value in enumerate([0.06, 0.07, 0.3, 0.01]):
        alerts.look(tick, {"spread": value, "acts": float("nan")})
    assert [alert.level for alert in alerts.said] == [1, 2, 0]
    assert alerts.said[0].sentence == "Warning: a message spreads too fast (spread is 0.06)"
    assert [alert.tick for alert in alerts.since(1)] == [2, 3]
    assert alerts.since(3) == []
    again = Alerts.restore(alerts.dump())
    assert (list(again.said), again.raised) == (list(alerts.said), 3)
    again.off("spread too fast")
    assert "spread too fast" not in again.thresholds


def test_a_message_that_spreads_too_fast_is_noticed() -> None:
    world = World.create(agents=200, mean_degree=10, seed=2)
    metrics = world.open_metrics(structure=0)
    metrics.alerts.off("slow ticks")
    world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(3)
    assert metrics.alerts.said[0].name == "spread too fast"


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("spred", {}, "No alert 'spred'"),
        ("mine", {"metric": "sped"}, "Did you mean 'speed'"),
        ("polarisation", {"warnin": 1}, "Did you mean 'warning'"),
        ("polarisation", {"warning": "high"}, "warning is a number, got 'high'"),
        ("polarisation", {"warning": 0.9, "critical": 0.1}, "critical lies above warning"),
        ("polarisation", {"slack": -1.0}, "slack is 0 or more"),
        ("polarisation", {"slack": None}, "slack is 0 or more"),
        ("polarisation", {"ticks": 0}, "a whole number from 1"),
    ],
)
def test_odd_thresholds_are_refused(name: str, changes: dict[str, object], said: str) -> None:
    alerts = Alerts()
    raises(InputError, said, alerts.set, name, **changes)
    assert alerts.dump()["thresholds"] == Alerts().dump()["thresholds"]


def test_an_unknown_alert_cannot_be_taken_away() -> None:
    raises(UnknownNameError, "polarisation", Alerts().off, "polarization")

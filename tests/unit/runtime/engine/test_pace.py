"""Rates by a clock that the test moves."""

import pytest

from sim.agents import records as cold
from sim.runtime.engine.run_control import RateGauge, RunControl, StepRequest, TickPace, never
from sim.runtime.health import Meter, caches
from tests.unit.runtime.worlds import Hand


def test_small_delay_is_caught_up_with_and_a_large_one_forgiven() -> None:
    hand = Hand()
    pace = TickPace(hand)
    pace.ask(10)
    pace.ticked()
    hand.time += 0.25  # two ticks late: both are due at once, the next one 50 ms on
    for _ in range(2):
        assert pace.wait == 0.0
        pace.ticked()
    assert pace.wait == pytest.approx(0.05)
    hand.time += 10
    burst = 0
    while pace.wait == 0.0 and burst < 100:
        pace.ticked()
        burst += 1
    assert burst == 4  # a quarter of a second of debt, and the tick that is due


def test_full_speed_never_waits() -> None:
    pace = TickPace(Hand())
    pace.ask(None)
    for _ in range(5):
        pace.ticked()
        assert pace.wait == 0.0


def test_achieved_rate_is_measured_over_the_last_two_seconds() -> None:
    hand = Hand()
    pace = TickPace(hand)
    pace.ask(None)
    assert pace.achieved == 0.0
    for _ in range(100):
        hand.time += 0.5
        pace.ticked()
    assert pace.achieved == pytest.approx(2.0)
    for _ in range(400):
        hand.time += 0.01
        pace.ticked()
    assert pace.achieved == pytest.approx(100.0, rel=0.05)


def test_gauge_starts_anew() -> None:
    hand = Hand()
    gauge = RateGauge(hand)
    hand.time += 1
    gauge.read(500)
    assert gauge.rate == 500
    gauge.restart()
    hand.time += 1
    assert gauge.rate == 0


def test_stretch_ends_by_length_condition_or_cut() -> None:
    drive = RunControl()
    for stretch, cut in (
        (StepRequest(1, 2, never), 0),
        (StepRequest(2, 9, lambda: drive.stretch is not None and drive.stretch.done == 2), 0),
        (StepRequest(3, 9, never), 4),
    ):
        drive.step(stretch)
        assert drive.gear == "stepping"
        drive.ticked(idle=False)
        assert drive.finished is None
        drive.ticked(idle=False)
        drive.cut = cut
        assert drive.finished is stretch
    gears = [drive.gear]
    drive.pause()
    assert [*gears, drive.gear] == ["pausing", "paused"]
    assert not drive.wants_tick


def test_cut_concerns_only_what_was_ordered_before() -> None:
    drive = RunControl()
    drive.cut = 5
    drive.play(6, None, never)
    gears = [drive.gear]
    assert drive.wants_tick
    drive.cut = 7
    assert [*gears, drive.gear] == ["playing", "pausing"]
    assert not drive.wants_tick


def test_meter_counts_what_is_under_way_and_what_was_answered() -> None:
    hand = Hand()
    meter = Meter(hand)
    assert meter.read(0.0).success_rate == 1.0
    first, second = meter.began(), meter.began()
    hand.time += 0.5
    meter.ended(first, carried_out=True)
    hand.time += 0.5
    meter.ended(second, carried_out=False)
    figures = meter.read(7.0)
    assert (figures.operations, figures.success_rate, figures.peak_concurrency) == (2, 0.5, 2)
    assert figures.mean_response_ms == 750
    assert figures.operations_per_second == 2
    assert figures.contacts_per_second == 7.0
    hand.time += 100
    assert meter.read(0.0).operations_per_second == 0


def test_the_hit_rate_of_cold_records_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold, "_tally", [0, 0])
    assert Meter().read(0.0).cold_hit_rate == 1.0
    assert "cold data" not in caches()
    store = cold.ColdRecords()
    store.put({1: {"name": "Ada"}})
    store.dump()
    assert [store.text(1, "name") for _ in range(4)] == ["Ada"] * 4
    assert Meter().read(0.0).cold_hit_rate == 0.75
    assert caches()["cold data"] == (3, 4)

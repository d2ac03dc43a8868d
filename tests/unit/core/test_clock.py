"""Ticks become days and hours, and rates become chances."""

import math

import pytest

from sim.core import Clock
from sim.core.clock import Moment
from sim.errors import InputError
from tests.raising import raises


@pytest.mark.parametrize(
    ("minutes", "tick", "moment"),
    [
        (60, 0, Moment(1, 0.0)), (60, 23, Moment(1, 23.0)), (60, 24, Moment(2, 0.0)),
        (15, 97, Moment(2, 0.25)), (1440, 10, Moment(11, 0.0)), (0.5, 3, Moment(1, 0.025)),
    ],
)  # fmt: skip
def test_tick_begins_at_its_day_and_hour(minutes: float, tick: int, moment: Moment) -> None:
    assert Clock(minutes).moment(tick) == moment


def test_moments_are_read_and_spans_rounded_up_to_whole_ticks() -> None:
    assert str(Clock(15).moment(97)) == "day 2 00:15"
    assert Clock(60).ticks(days=1) == 24
    assert Clock(60).ticks(minutes=61) == 2
    assert Clock(60).ticks() == 0


def test_rate_becomes_the_chance_of_at_least_one_event_in_a_tick() -> None:
    assert Clock(60).chance(0) == 0
    assert Clock(30).chance(2, per="hour") == pytest.approx(1 - math.exp(-1))
    assert Clock(60).chance(1, per="day") == pytest.approx(1 - math.exp(-1 / 24))


@pytest.mark.parametrize("minutes", [0, -1, math.nan, math.inf])
def test_tick_of_no_length_is_refused(minutes: float) -> None:
    raises(InputError, "tick_minutes must be more than 0", Clock, minutes)


def test_unknown_unit_and_negative_rate_are_refused() -> None:
    raises(InputError, "minute, hour, day, week", Clock().chance, 1, per="fortnight")
    raises(InputError, "at least 0", Clock().chance, -1)

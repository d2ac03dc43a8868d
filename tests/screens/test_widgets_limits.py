"""What panes leave out: communities too many to draw, figures too old to show."""

from dataclasses import replace
from typing import Any

import numpy as np

from tests.screens.fake import FakeSimulation, World, communities
from tui.draw.community_map import CommunityMap
from tui.draw.now import metrics_of


def many(count: int, *, rest: bool) -> CommunityMap:
    found = replace(
        communities(0, live=False),
        names=tuple(f"c{at}" for at in range(count)),
        sizes=np.arange(count, 0, -1),
        adopted=np.zeros(count, np.int64),
        onset=np.full(count, -1),
        links=np.ones((count, count), np.int64),
        positions=np.random.default_rng(1).random((count, 2)),
        labels=np.append(np.arange(count - 1), -1 if rest else count - 1),
    )
    pane = CommunityMap()
    pane.show(replace(FakeSimulation(World(), "w", None).frame, communities=found))
    return pane


def test_the_forty_largest_are_drawn_and_the_rest_is_no_bubble() -> None:
    assert (
        many(200, rest=False)._describe()[1].startswith("the 40 largest of 200 known communities")
    )
    assert many(5, rest=True)._names == ("c0", "c1", "c2", "c3")


async def focus_after(ticks: int) -> Any:
    """A message of 40 seeds among 7,624, so many ticks on."""
    simulation = FakeSimulation(World(), "w", None)
    await simulation.inject("a", seeds="top:1", model="viral")
    await simulation.step(ticks)
    return simulation.frame.focus


async def test_old_virality_and_the_speed_of_a_quiet_message_are_not_shown() -> None:
    focus = await focus_after(0)
    stale = replace(focus, status="failed", virality_size=40, reached=90, cohort=-1)
    shown = {metric.name: metric for metric in metrics_of(stale, 100)}
    assert (shown["virality"].value, shown["virality"].note) == ("-", "when paused")
    assert (shown["10-tick mean"].value, shown["10-tick mean"].note) == ("0", "per tick")
    assert (shown["R_t"].value, shown["R_t"].note) == ("-", "died out")


async def test_r_says_whose_it_is_and_a_dash_says_why() -> None:
    focus = await focus_after(6)

    def told(**changes: Any) -> tuple[str, str, str]:
        metrics = metrics_of(replace(focus, **changes), 100)
        found = next(metric for metric in metrics if metric.name.startswith("R_t"))
        return found.name, found.value, found.note

    r = np.array([9.0, 0.5, 1.5, np.nan, np.nan, np.nan, np.nan])
    assert told(r=r, cohort=2) == ("R_t @2", "1.50", "peak 1.50 @2")  # the seeds' 9 is no peak
    assert told(r=r[:1], cohort=0) == ("R_t", "-", "incomplete")
    assert told(r=r, cohort=-1) == ("R_t", "-", "incomplete")
    assert told(r=r, cohort=-1, status="quiet") == ("R_t", "-", "peak 1.50 @2")
    assert told(r=r, cohort=-1, status="failed") == ("R_t", "-", "died out")
    assert told(r=r, cohort=-2) == ("R_t", "-", "not recorded")
    seeds = [m.note for m in metrics_of(replace(focus, r=r), 100) if m.name == "seeds"]
    assert seeds == ["R 9.00 @0"]


async def test_now_of_a_message_without_its_model_is_a_dash_with_the_reason() -> None:
    focus = await focus_after(0)
    found = {m.name: m for m in metrics_of(replace(focus, now=-1), 100)}
    assert (found["spreading now"].value, found["spreading now"].note) == ("-", "model missing")
    assert found["ever adopted"].value == "40"

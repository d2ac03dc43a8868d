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


def test_the_forty_largest_are_drawn_and_the_rest_is_one_bubble() -> None:
    pane = many(200, rest=False)
    assert pane.seen is not None
    assert pane.heading.endswith("(40 of 200)")
    assert pane.seen.found.names[40:] == ("160 smaller ones",)
    assert pane.seen.found.sizes.sum() == np.arange(201).sum()
    few = many(5, rest=True)
    assert few.seen is not None
    assert few.seen.found.names == ("c0", "c1", "c2", "c3")


async def focus_after(ticks: int) -> Any:
    """A message of 40 seeds among 7,624, so many ticks on."""
    simulation = FakeSimulation(World(), "w", None)
    await simulation.inject("a", seeds="top:1", model="viral")
    await simulation.step(ticks)
    return simulation.frame.focus


async def test_what_is_old_or_unknown_is_a_dash_with_the_reason() -> None:
    focus = await focus_after(0)
    stale = replace(focus, status="failed", virality_size=40, reached=90, cohort=-1)
    shown = {metric.name: metric for metric in metrics_of(stale, 100)}
    assert (shown["virality"].value, shown["virality"].note) == ("-", "when paused")
    assert (shown["10-tick mean"].value, shown["10-tick mean"].note) == ("0", "per tick")
    assert (shown["R"].value, shown["R"].note) == ("-", "died out")
    shown = {metric.name: metric for metric in metrics_of(replace(focus, now=-1), 100)}
    assert (shown["spreading now"].value, shown["spreading now"].note) == ("-", "model missing")
    assert shown["ever adopted"].value == "40"


async def test_r_says_whose_it_is_and_a_dash_says_why() -> None:
    focus = await focus_after(6)

    def told(**changes: Any) -> tuple[str, str, str]:
        metrics = metrics_of(replace(focus, **changes), 100)
        found = next(metric for metric in metrics if metric.name.startswith("R"))
        return found.name, found.value, found.note

    r = np.array([np.nan, 0.5, 1.5, np.nan, np.nan, np.nan, np.nan])
    assert told(r=r, cohort=2) == ("R(2)", "1.50", "peak 1.50 @2")
    assert told(r=r[:1], cohort=0) == ("R", "-", "no complete cohort")
    assert told(r=r, cohort=-1, status="quiet") == ("R", "-", "died out")
    assert told(r=r, cohort=-2) == ("R", "-", "not recorded")
    seeds = [m.note for m in metrics_of(replace(focus, seeds_r=9.0), 100) if m.name == "seeds"]
    assert seeds == ["R 9.00"]

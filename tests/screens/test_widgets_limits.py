"""What panes leave out: communities too many to draw, figures too old to show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.screens.fake import FakeSimulation, World, communities
from tui.widgets import CommunityMap
from tui.widgets.now import metrics_of


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


def test_the_forty_largest_of_two_hundred_communities_are_drawn() -> None:
    assert many(200, rest=False)._describe()[1].startswith("the 40 largest of 200 communities")


def test_the_row_of_all_the_rest_is_no_bubble() -> None:
    assert many(5, rest=True)._names == ("c0", "c1", "c2", "c3")


async def test_old_virality_and_the_speed_of_a_quiet_message_are_not_shown() -> None:
    simulation = FakeSimulation(World(), "w", None)
    await simulation.inject("a", seeds="top:1", model="viral")
    focus = simulation.frame.focus
    assert focus is not None
    stale = replace(focus, status="failed", virality_size=40, reached=90)
    shown = {metric.name: metric for metric in metrics_of(stale, 100, 0.0)}
    assert (shown["virality"].value, shown["virality"].note) == ("-", "when paused")
    assert shown["speed"].value == "0/tick"
    assert shown["R_t"].note == ""

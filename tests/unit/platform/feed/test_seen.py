"""What feeds take as seen, against an exact record of what they showed."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim import World
from sim.platform.acts.commands import know
from sim.platform.feed.candidates_kernels import gather
from sim.platform.feed.serving import tables_of, tray_for
from sim.platform.posts.posts import Pools
from sim.platform.settings import PlatformSettings

MEMBERS, TICKS = 300, 60
Shown = dict[int, npt.NDArray[np.bool_]]


def barred(world: World, message: int) -> npt.NDArray[np.bool_]:
    """Of whom a message is kept, though it is all that there is to draw."""
    platform = world.platform
    assert platform is not None
    parts = np.zeros(66, np.int64)
    parts[-1] = 1
    tables = tables_of(
        platform, platform.members, Pools(np.array([message], np.uint32), parts), world.absent(),
        world.relationships.closed, PlatformSettings(candidates=1, outside=1), np.uint64(1),
    )  # fmt: skip
    viewers, tray = np.arange(len(world.agents), dtype=np.uint32), tray_for(len(world.agents), 1)
    gather(viewers, 0, viewers.size, tables, tray.candidates, tray.stops)
    offered = np.diff(tray.stops) > 0
    offered[platform.posts.author[platform.posts.row(message)]] = True
    return ~offered


def lived() -> tuple[World, Shown, dict[int, npt.NDArray[np.int64]]]:
    """A world after some days, to whom each post was ever shown, and when last."""
    told = {"posting": 0.3, "rhythm": "flat", "hide_reports": 0}
    world = World.create(MEMBERS, mean_degree=12, seed=5, platform=told)
    platform = world.platform
    assert platform is not None
    shown: Shown = {}
    last: dict[int, npt.NDArray[np.int64]] = {}
    for _ in range(TICKS):
        world.step()
        now = platform.exposures
        for viewer, message in zip(now.viewer.tolist(), now.message.tolist(), strict=True):
            shown.setdefault(message, np.zeros(MEMBERS, np.bool_))[viewer] = True
            last.setdefault(message, np.full(MEMBERS, -1))[viewer] = world.tick
    return world, shown, last


@pytest.fixture(scope="module")
def told() -> tuple[World, Shown, dict[int, npt.NDArray[np.int64]]]:
    return lived()


def test_less_than_one_in_a_hundred_of_what_was_never_shown_is_kept_from_feeds(told: Any) -> None:
    world, shown, _ = told
    platform = world.platform
    kept = looked = 0
    worst = 0.0
    for message in platform.posts.numbers.tolist():
        never = ~shown.get(message, np.zeros(MEMBERS, np.bool_))
        falsely = barred(world, message) & never
        kept, looked = kept + int(falsely.sum()), looked + int(never.sum())
        worst = max(worst, float(falsely.sum() / max(int(never.sum()), 1)))
    assert looked > 50_000
    assert kept / looked < 0.01
    assert worst < 0.05  # no post is kept from many


def test_the_last_feed_of_a_member_is_not_shown_again(told: Any) -> None:
    world, _, last = told
    newest = np.max(list(last.values()), axis=0)
    again = many = 0
    for message, ticks in last.items():
        if message >= world.platform.posts.first:
            own = (ticks == newest) & (newest >= 0)
            again, many = again + int((own & ~barred(world, message)).sum()), many + int(own.sum())
    assert many > 2_000
    assert again / many < 0.1


def test_what_a_member_found_by_itself_is_kept_from_its_feed(told: Any) -> None:
    world = World.restore(*told[0].dump())
    platform = world.platform
    assert platform is not None
    message = int(platform.posts.numbers[0])
    writer = np.arange(MEMBERS) == platform.posts.author[0]
    offered = ~barred(world, message) & ~writer
    assert offered.sum() > MEMBERS / 2
    for agent in np.flatnonzero(offered).tolist():
        know(platform, agent, message)
    assert barred(world, message)[offered].all()

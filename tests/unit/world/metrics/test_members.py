"""Series of single members are what a look at the world after each tick says."""

from typing import Any

import numpy as np
import pytest

from sim import Act, World
from sim.errors import InputError, UnknownNameError
from sim.world.metrics.series import MEMBER_SERIES, MOST_FOLLOWED, MemberSeries
from tests.unit.runtime.worlds import present

WHO = [3, 17, 40]


def lively(**settings: Any) -> World:
    world = World.create(
        agents=60, mean_degree=6, seed=3, platform={"rhythm": "flat", "posting": 0.5}
    )
    world.open_metrics(members="ids:40,3,17", **settings)
    return world


def looked_at(world: World, agent: int) -> dict[str, float]:
    """Return what a member's row must be, one act and one exposure at a time."""
    platform = present(world.platform)
    acts = platform.log.at(world.tick)
    shown = platform.exposures
    author = platform.posts.author[platform.posts.rows(shown.message)]
    return {
        "followers": sum(world.ties.listeners(agent).size for _ in (0,)),
        "follows": sum(agent in world.ties.listeners(v).tolist() for v in range(60)),
        "acts": sum(
            a == agent and act != Act.DO_NOTHING
            for a, act in zip(acts.agent.tolist(), acts.act.tolist(), strict=True)
        ),
        "posts": sum(
            a == agent and act == Act.POST
            for a, act in zip(acts.agent.tolist(), acts.act.tolist(), strict=True)
        ),
        "seen": shown.viewer.tolist().count(agent),
        "shown": author.tolist().count(agent),
        "reputation": float(platform.reputation[agent]),
    }


def test_each_row_is_what_a_look_says() -> None:
    world = lively()
    expected = []
    for _ in range(6):
        world.step()
        expected += [{"tick": world.tick, "agent": k, **looked_at(world, k)} for k in WHO]
    series = present(present(world.metrics).members)
    rows = list(series.table())
    assert sum(row["posts"] for row in rows) > 0
    assert [row | {"reputation": 0} for row in rows] == [e | {"reputation": 0} for e in expected]
    assert np.allclose([row["reputation"] for row in rows], [row["reputation"] for row in expected])
    assert series["acts"].shape == (6, 3)
    assert series.ticks.tolist() == [1, 2, 3, 4, 5, 6]
    assert next(iter(series.table())).keys() - {"tick", "agent"} == {*MEMBER_SERIES}
    with pytest.raises(UnknownNameError):
        series["height"]


def test_they_go_on_after_a_save_and_are_no_part_of_the_digest() -> None:
    world, plain = (
        lively(),
        World.create(agents=60, mean_degree=6, seed=3, platform={"rhythm": "flat", "posting": 0.5}),
    )
    plain.open_metrics()
    for each in (world, plain):
        each.step(3)
    assert world.digest() == plain.digest()
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(3)
    kept = [each.metrics.members for each in (world, again) if each.metrics is not None]
    assert [[*own.table()] for own in kept if own] == 2 * [[*kept[0].table()]] if kept[0] else None
    assert present(world.metrics).nbytes > 0


def test_of_more_ticks_than_are_kept_the_oldest_go() -> None:
    world = lively(rows=16)
    world.step(20)
    series = present(present(world.metrics).members)
    assert (len(series), series.ticks[0]) == (16, 5)


def test_without_a_platform_or_kept_feeds_what_is_not_known_is_left_out() -> None:
    bare = World.create(agents=20, mean_degree=4)
    bare.open_metrics(members="ids:1")
    fed = World.create(agents=20, mean_degree=4, platform={"keep_feeds": False})
    fed.open_metrics(members="ids:1")
    for world, names in (
        (bare, {"followers", "follows"}),
        (fed, {*MEMBER_SERIES} - {"seen", "shown"}),
    ):
        world.step()
        assert world.metrics is not None
        (row,) = present(world.metrics.members).table()
        assert row.keys() == {"tick", "agent", *names}


def test_too_many_members_and_forged_columns_are_refused() -> None:
    with pytest.raises(InputError, match="At most 1,000 members"):
        MemberSeries(np.arange(MOST_FOLLOWED + 1), 16)
    world = lively()
    world.step(2)
    meta, columns = world.dump()
    for name, wrong in (
        ("agents", np.array([3, 17, 60], np.uint32)),
        ("ticks", np.array([2, 1], np.int64)),
        ("values", np.zeros((2, 3, 1))),
    ):
        with pytest.raises(InputError, match="series of members"):
            World.restore(meta, columns | {f"metrics.members.{name}": wrong})

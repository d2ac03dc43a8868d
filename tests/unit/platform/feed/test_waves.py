"""Feeds in waves: what comes of a tick is the same, and nobody can say who saw what."""

from collections.abc import Iterator
from typing import Any

import pytest

from sim import Platform, World
from sim.core.threads import allow
from sim.errors import InputError
from sim.minds.deciding.estimate import _shown
from sim.platform import tick as platform_waves
from sim.platform.feed import serving
from sim.world.metrics.values import _of_feeds
from sim.world.minds.minds import feed_of


@pytest.fixture
def threads() -> Iterator[Any]:
    yield allow
    allow(None)


def ran(ticks: int = 9, **settings: Any) -> World:
    told = {"posting": 0.2, "rhythm": "flat", "mood_hours": 24.0, "drift": 0.02} | settings
    world = World.create(agents=400, mean_degree=8, seed=7, platform=told)
    platform_of(world).recommend("popularity", range(90))
    world.inject("bridge", seeds=[1, 2], model="sir", beta=0.4)
    world.inject("music", seeds=[5], model="independent-cascade", probability=0.3)
    world.step(ticks)
    return world


def platform_of(world: World) -> Platform:
    assert world.platform is not None
    return world.platform


@pytest.mark.parametrize("count", [1, 2])
def test_waves_make_the_same_world(
    threads: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    threads(count)
    monkeypatch.setattr(platform_waves, "WAVE", 33)
    kept, given_back = ran(), ran(keep_feeds=False)
    assert kept.digest() == given_back.digest()
    assert len(platform_of(kept).exposures) == len(platform_of(given_back).exposures) > 500
    assert [story.size for story in kept.cascades] == [story.size for story in given_back.cascades]
    assert kept.cascades[0].size > 2


def test_waves_hold_one_wave_and_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform_waves, "WAVE", 8)
    monkeypatch.setattr(serving, "_BLOCK", 1)
    most: list[int] = []
    take = platform_waves.FeedBatches.take

    def measured(self: Any, parts: Any) -> None:
        most.append(self._platform.feed_buffers.nbytes)
        take(self, parts)

    monkeypatch.setattr(platform_waves.FeedBatches, "take", measured)
    platform = platform_of(ran(keep_feeds=False))
    assert 0 < max(most) < len(platform.exposures) * 18 * 3 / 4
    assert platform.feed_buffers.nbytes == 0


def test_a_recommender_that_fails_in_many_waves_is_named_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: Any, candidates: Any, slots: int) -> Any:
        raise ValueError("no")

    monkeypatch.setattr(platform_waves, "WAVE", 16)
    kept, given_back = ran(1), ran(1, keep_feeds=False)
    for world in (kept, given_back):
        platform = platform_of(world)
        monkeypatch.setattr(type(platform.recommenders[1]), "scores_of", broken)
        world.step()
        assert len(platform.faults) == 1
    assert kept.digest() == given_back.digest()


def test_what_cascades_need_is_given_back_and_taken_again() -> None:
    world = ran(2, keep_feeds=False)
    assert world.scratch()._claim is None
    kept = ran(2)
    assert kept.scratch().nbytes == world.scratch().nbytes + 8 * 400
    kept.scratch().give_back()
    kept.step(3)
    world.step(3)
    assert kept.digest() == world.digest()


def test_feeds_that_were_given_back_explain_nothing_in_one_sentence() -> None:
    world = ran(1, keep_feeds=False)
    platform = platform_of(world)
    with pytest.raises(InputError, match=r"^The feeds of tick 1 were given back .* keep_feeds off"):
        platform.why(3, 4)
    with pytest.raises(InputError, match="given back"):
        _ = platform.exposures.message
    assert _of_feeds(world) == {}
    assert _shown(world) > 0


def test_minds_have_feeds_to_read_from_the_next_tick_on() -> None:
    world = ran(1, keep_feeds=False)
    platform = platform_of(world)
    world.give_minds([3], "rule")
    assert feed_of(world, platform, 3) == ()
    world.step()
    assert platform.exposures.message.size > 0
    world.take_minds([3])
    world.step()
    assert platform.exposures.taken is not None


def test_waves_go_on_from_a_saved_world() -> None:
    world = ran(4, keep_feeds=False)
    again = World.restore(*world.dump())
    for either in (world, again):
        either.step(3)
    assert world.digest() == again.digest() == ran(7).digest()

"""Moods that decay, interests that are taken up and fade."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.feed.acts import Act
from sim.feed.log import Acts
from sim.world import platform_inner as module
from sim.world.platform import Platform
from sim.world.platform_inner import MOOD, live_on, moods
from sim.world.world import World


def _world(**settings: Any) -> tuple[World, Platform]:
    world = World.create(agents=400, mean_degree=6, seed=7)
    platform = world.open_platform(posting=0.2, **settings)
    world.step(1)
    return world, platform


def _liked(platform: Platform, act: Act = Act.LIKE) -> tuple[Acts, np.ndarray]:
    """Let each member act on one message; returns the acts and the authors."""
    posts = platform.posts
    count = min(len(posts), 40)
    messages = np.arange(posts.first, posts.first + count, dtype=np.uint32)
    author = posts.author[:count]
    return Acts.of(np.arange(count, dtype=np.uint32), act, messages, author), author


def test_nothing_moves_unless_it_is_asked_for() -> None:
    world, platform = _world()
    before = world.agents.interests.copy()
    world.step(5)
    assert np.array_equal(world.agents.interests, before)
    assert MOOD not in platform.held


@pytest.mark.parametrize(("act", "step"), [(Act.LIKE, 0.05), (Act.REPORT, -0.15), (Act.POST, 0.0)])
def test_moods_follow_what_others_say_and_decay(act: Act, step: float) -> None:
    world, platform = _world(mood_hours=2.0)
    platform.held[MOOD] = np.full(400, 0.4, np.float32)
    platform.acted, author = _liked(platform, act)
    live_on(world, platform)
    wanted = 0.4 * 0.5**0.5 + step * np.bincount(author, minlength=400)
    assert moods(platform) == pytest.approx(np.clip(wanted, -1, 1), abs=1e-5)
    platform.acted = Acts.joined([])
    for _ in range(40):
        live_on(world, platform)
    assert np.abs(moods(platform)).max() < 1e-5


def test_moods_of_newcomers_are_even() -> None:
    world, platform = _world(mood_hours=2.0)
    platform.held[MOOD] = np.full(400, 0.4, np.float32)
    world.create_agents(3)
    assert moods(platform)[398:].tolist() == pytest.approx([0.4, 0.4, 0, 0, 0])


def test_an_interest_is_taken_up_from_what_one_likes() -> None:
    world, platform = _world(drift=1.0)
    before = world.agents.interests.copy()
    platform.acted, _ = _liked(platform)
    tags = platform.posts.tags[: platform.acted.agent.size]
    live_on(world, platform)
    after = world.agents.interests
    for agent, tag in enumerate(tags.tolist()):
        fresh = tag & ~int(before[agent])
        assert int(after[agent]) == int(before[agent]) | (fresh & -fresh)
    live_on(world, platform)
    platform.acted = Acts.joined([])
    again = world.agents.interests.copy()
    live_on(world, platform)
    assert np.array_equal(world.agents.interests, again)


def test_who_has_many_interests_takes_up_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INTERESTS", 1)
    world, platform = _world(drift=1.0)
    before = world.agents.interests.copy()
    platform.acted, _ = _liked(platform)
    live_on(world, platform)
    assert np.array_equal(world.agents.interests, before)


def test_interests_of_those_online_fade_and_one_is_left() -> None:
    world, platform = _world(fading=1.0)
    online = platform.online
    away = np.setdiff1d(np.arange(400), online)
    before = world.agents.interests.copy()
    for _ in range(10):
        platform.acted = Acts.joined([])
        live_on(world, platform)
    assert np.bitwise_count(world.agents.interests[online]).max() == 1
    assert np.array_equal(world.agents.interests[away], before[away])


def test_inner_life_goes_on_after_a_save_as_if_never_stopped() -> None:
    world, _ = _world(fading=0.5, drift=0.5, mood_hours=6.0, newcomers=0.3)
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(4)
    assert again.digest() == world.digest()

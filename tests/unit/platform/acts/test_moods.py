"""Moods that decay, interests that are taken up and fade."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import Act, Platform, RulePolicy, World
from sim.platform.acts import relations as module
from sim.platform.acts.log import ActColumns
from sim.platform.acts.relations import live_on
from sim.world.base import MOOD


def _world(**settings: Any) -> tuple[World, Platform]:
    world = World.create(agents=400, mean_degree=6, seed=7)
    platform = world.open_platform(posting=0.2, **settings)
    world.step(1)
    return world, platform


def _liked(platform: Platform, act: Act = Act.LIKE) -> tuple[ActColumns, np.ndarray]:
    """Let each member act on one message; returns the acts and the authors."""
    posts = platform.posts
    count = min(len(posts), 40)
    messages = np.arange(posts.first, posts.first + count, dtype=np.uint32)
    author = posts.author[:count]
    return ActColumns.of(np.arange(count, dtype=np.uint32), act, messages, author), author


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
    assert platform.moods == pytest.approx(np.clip(wanted, -1, 1), abs=1e-5)
    platform.acted = ActColumns.joined([])
    for _ in range(40):
        live_on(world, platform)
    assert np.abs(platform.moods).max() < 1e-5


def test_moods_of_newcomers_are_even() -> None:
    world, platform = _world(mood_hours=2.0)
    platform.held[MOOD] = np.full(400, 0.4, np.float32)
    world.create_agents(3)
    assert platform.moods[398:].tolist() == pytest.approx([0.4, 0.4, 0, 0, 0])


def test_a_mood_is_worth_a_quarter_of_character() -> None:
    world, platform = _world(mood_hours=2.0)
    plain = world.agents.personality.astype(int)
    platform.held[MOOD] = np.array([1.0, -1.0, 0.5] + [0.0] * 397, np.float32)
    bent = platform.effective_personality.astype(int)
    sway = np.zeros(400, int)
    sway[:3] = 64, -64, 32
    assert np.abs(bent[:, 3] - np.clip(plain[:, 3] + sway, 0, 255)).max() <= 1
    assert np.abs(bent[:, 4] - np.clip(plain[:, 4] - sway, 0, 255)).max() <= 1
    assert np.array_equal(bent[:, :3], plain[:, :3])
    assert platform.effective_personality is platform.effective_personality
    world.change_agents([5], agreeableness=1.0)
    assert platform.effective_personality[5, 3] == 255
    world.create_agents(2)
    assert len(platform.effective_personality) == 402
    calm, still = _world()
    still.held[MOOD] = np.ones(400, np.float32)
    assert np.array_equal(still.effective_personality, calm.agents.personality)


def test_members_in_a_good_mood_like_more_and_mute_less() -> None:
    rates = {"likes": 0.5, "mutes": 0.3, "reposts": 0.0, "replies": 0.0, "quotes": 0.0}
    done = []
    for mood in (-1.0, 1.0):
        world = World.create(agents=400, mean_degree=8, seed=3)
        platform = world.open_platform(mood_hours=1e5, policy=RulePolicy(**rates), posting=0.5)
        platform.held[MOOD] = np.full(400, mood, np.float32)
        world.step(3)
        counts = [platform.log.count(tick, act) for act in (Act.LIKE, Act.MUTE) for tick in (1, 2)]
        done.append((sum(counts[:2]), sum(counts[2:])))
    (sad_likes, sad_mutes), (glad_likes, glad_mutes) = done
    assert glad_likes > 1.2 * sad_likes
    assert sad_mutes > 1.2 * glad_mutes


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
    platform.acted = ActColumns.joined([])
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
        platform.acted = ActColumns.joined([])
        live_on(world, platform)
    assert np.bitwise_count(world.agents.interests[online]).max() == 1
    assert np.array_equal(world.agents.interests[away], before[away])


def test_inner_life_goes_on_after_a_save_as_if_never_stopped() -> None:
    world, _ = _world(fading=0.5, drift=0.5, mood_hours=6.0, newcomers=0.3)
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(4)
    assert again.digest() == world.digest()

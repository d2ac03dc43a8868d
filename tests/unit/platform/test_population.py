"""Newcomers, churn and hours of one's own on a platform."""

from __future__ import annotations

import numpy as np
import pytest

from sim import Act, Lifecycle, World


def _world(**settings: object) -> World:
    world = World.create(agents=2000, mean_degree=4, seed=7)
    world.open_platform(posting=0.01, **settings)  # type: ignore[arg-type]
    return world


def test_newcomers_join_and_sign_up_at_the_rate_of_the_settings() -> None:
    world = _world(newcomers=0.24)
    world.step(12)
    joined = len(world.agents) - 2000
    assert joined == pytest.approx(2000 * (np.exp(0.12) - 1), rel=0.05)
    assert world.platform is not None
    assert world.platform.log.count(world.tick, Act.SIGN_UP) > 0
    assert len(world.platform.members) == len(world.agents) == world.ties.agents
    assert [act.kind for act in world.trail.acts] == ["create", "open_platform"]


def test_who_leaves_is_deactivated_and_its_move_remembered() -> None:
    world = _world(churn=0.5)
    world.step(12)
    left = np.flatnonzero(world.agents.status == Lifecycle.DEACTIVATED)
    chance = 1 - 0.5**0.5
    assert abs(left.size - 2000 * chance) < 4 * np.sqrt(2000 * chance * (1 - chance))
    moves = world.moves()
    assert sorted(moves.agent.tolist()) == left.tolist()
    assert set(moves.tick.tolist()) == set(range(1, 13))


def test_turnover_goes_on_after_a_save_as_if_never_stopped() -> None:
    world = _world(newcomers=0.3, churn=0.3)
    world.take_profiles([{"hours": [0.5] * 24}] * 40)
    world.step(3)
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(3)
    assert again.digest() == world.digest()


def test_members_with_hours_of_their_own_keep_to_them() -> None:
    world = _world()
    night = [1.0] * 6 + [0.0] * 18
    world.take_profiles([{"hours": night}] * 30)
    world.change_agents([3], status="paused")
    assert world.platform is not None
    seen = []
    for _ in range(8):
        world.step(1)
        online = world.platform.online
        assert np.all(online[1:] > online[:-1])
        seen.append(online[online < 30].tolist())
    wanted = [agent for agent in range(30) if agent != 3]
    assert seen == [wanted] * 6 + [[]] * 2

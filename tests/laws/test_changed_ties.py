"""Ties that changed are ties like any: every model does on them what it does on ties just made."""

from __future__ import annotations

import numpy as np
import pytest

from sim import World, names

AGENTS = 80


def changed() -> World:
    """A world whose rows moved, grew and shrank, with trust, friends and mutes."""
    world = World.create(AGENTS, "small-world", 6, 4, trust="uniform:0.5-1", rewiring=0.2)
    world.ties.reversed()
    rng = np.random.default_rng(2)
    for _ in range(4):
        arcs = rng.integers(0, AGENTS, (2, 60))
        world.ties.change(arcs[0], arcs[1], rng.random(60) < 0.6, trust=rng.random(60))
    world.befriend([1, 2, 3], [11, 12, 13])
    world.mute([4, 5], [8, 9])
    return world


def in_turn(world: World) -> None:
    """Change ties under a message on its way."""
    rng = np.random.default_rng(world.tick)
    arcs = rng.integers(0, AGENTS, (2, 12))
    apart = arcs[0] != arcs[1]
    world.remove_ties(arcs[0], arcs[1])
    world.follow(arcs[0][apart], arcs[1][apart])


@pytest.mark.parametrize("model", names("propagation"))
def test_a_model_runs_on_changed_ties_as_on_the_same_ties_just_made(model: str) -> None:
    world = changed()
    again = World.restore(*world.dump())
    stories = [w.inject("A word.", seeds=[0, 7, 40], model=model) for w in (world, again)]
    for _ in range(4):
        for each in (world, again):
            each.step(1)
        assert [story.status for story in stories] == [stories[0].status] * 2
        assert "failed" not in {story.status for story in stories}, stories[0].error
        assert world.digest() == again.digest()
        in_turn(world)
        in_turn(again)
        assert world.digest() == again.digest()
        again = World.restore(*again.dump())
        stories[1] = again.cascades[0]

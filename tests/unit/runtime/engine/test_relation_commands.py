"""What members do about each other in a live world, and done again from a journal."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from sim import World
from sim.runtime.frames import communities as layout
from sim.runtime.journal.acts import perform
from sim.world.commands import COMMANDS, name_of
from sim.world.log import words_of

PAIRS: tuple[object, ...] = ([1, 2], [0, 3])
GROUPS: dict[str, tuple[object, ...]] = {
    "create_group": ("gardeners", 4),
    "join_group": ([1, 2], "owls"),
    "leave_group": ([4], "owls"),
    "learn": ([1, 1, 2], [0, 0, 3], [True, False, True], 0.1),
}


def small() -> World:
    return World.create(agents=20, mean_degree=4, seed=5)


PAIRED = ("follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute")


@pytest.mark.parametrize("name", [*PAIRED, "remove_ties", *GROUPS])
def test_an_act_done_again_from_json_leaves_the_same_world(name: str) -> None:
    one, other = small(), small()
    for world in (one, other):
        world.befriend([1, 4], [0, 5])
        world.mute(2, 3)
        world.block(6, 7)
        world.groups.create("owls")
        world.groups.join([4], "owls")
    said = GROUPS.get(name, PAIRS)
    COMMANDS[name].apply(one, *said)
    perform(other, name, json.loads(json.dumps(said)))
    assert one.digest() == other.digest()
    assert other.trail.acts[-1].kind == name
    assert words_of(other.trail.acts[-1].said)[0] == list(said)
    assert name_of(COMMANDS[name].apply) == name


def test_large_networks_are_not_pictured_anew_for_each_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_AT_ONCE_TIES", 5)
    world = World.create(agents=60, mean_degree=6, seed=5, network="planted-communities")
    pictures: list[object] = []

    def at_once(act: Callable[[], object]) -> None:
        act()

    made = layout.CommunityLayout(at_once)

    def arranged() -> int:
        made.arrange(world, pictures.append)
        if made._thread is not None:
            made._thread.join()
        return len(pictures)

    assert arranged() == arranged() == 1
    world.follow([0], [1])
    assert arranged() == 2, "the first change"
    world.unfollow([0], [1])
    assert arranged() == 2
    world.follow(np.arange(1, 40), 0)
    assert arranged() == 3

"""Copies for undo hold what minds remember compressed, and the budget counts it."""

import gc
import tracemalloc
from typing import Any

import pytest

from sim import World
from sim.platform.platform import PlatformSnapshot, commanded, dump_platform
from sim.runtime import UndoHistory
from sim.runtime.journal.acts import perform
from tests.unit.runtime.minds_world import platform_of

MEMBERS = 60


@pytest.fixture(scope="module")
def world() -> World:
    """A world in which sixty members remember much, got letters, made plans."""
    found = World.create(agents=120, mean_degree=8, seed=7, platform={"rhythm": "flat"})
    perform(found, "step", (2,))
    perform(found, "give_minds", (list(range(MEMBERS)), "model", "be kind — süß"))
    perform(found, "wake_minds", (True,))
    rows: list[dict[str, Any]] = [
        {
            "member": member,
            "source": "model",
            "acts": [{"act": "post", "text": f"Post {member}."}],
            "memory": [[k, f"{member} read of it, as number {k} says", k, 3] for k in range(64)],
            "plan": ["ask", "answer"],
            "why": ["slow"],
            "kept": [[f"key {member}", "a reply"]],
        }
        for member in range(MEMBERS)
    ]
    perform(found, "decide", (rows,))
    return found


def test_a_copy_says_of_minds_what_the_platform_said(world: World) -> None:
    platform = platform_of(world)
    then = PlatformSnapshot(platform)
    meta, columns = dump_platform(platform)
    assert repr(then.dump()[0]) == repr(meta)
    assert sorted(then.dump()[1]) == sorted(columns)
    assert commanded(then)[0] == commanded(platform)[0]


def test_copies_of_minds_are_small_and_counted(world: World) -> None:
    platform = platform_of(world)
    gc.collect()
    tracemalloc.start()
    said = platform.minds.dump()
    plain = tracemalloc.get_traced_memory()[0]
    then = PlatformSnapshot(platform)
    held = tracemalloc.get_traced_memory()[0] - plain
    tracemalloc.stop()
    assert said["memories"][0][1][0][0] == 0
    assert held < plain / 3
    past = UndoHistory(world, now=lambda: 0.0)
    past.note()
    packed = len(platform.minds.packed())
    assert past.nbytes > packed > 2_000
    assert packed in {each.nbytes for each in then.arrays()}

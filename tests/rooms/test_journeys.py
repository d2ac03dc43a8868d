"""The journeys of sim/README.md are walked: what it names is called, in the order it says."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Self

import pytest

from sim import Thinker, World
from sim.world.minds.minds import take_decisions
from tests.rooms.house import ROOT
from tests.screens.test_app import frame_of, seen, until
from tests.screens.test_app_real import hubbub
from tests.unit.runtime.minds_world import Script, minded, run

GUIDE = (ROOT / "sim" / "README.md").read_text().partition("## Four journeys")[2]
JOURNEYS: dict[str, str] = dict(re.findall(r"\*\*([^*]+)\*\*(.*?)(?=\n\n|\Z)", GUIDE, re.DOTALL))


def said(journey: str) -> list[str]:
    """Return the functions that a journey names, as file and qualified name."""
    named: list[str] = re.findall(r"`([a-z_/]+\.[A-Za-z_.]+)`", JOURNEYS[journey])
    return [each for each in named if not each.endswith((".py", ".PHASES"))]


class Walk:
    """What is called while it lasts, once each, in this thread and in those that join or begin."""

    def __init__(self) -> None:
        self._codes: dict[CodeType, None] = {}

    def __enter__(self) -> Self:
        threading.setprofile(self._look)
        self.join()
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def join(self, *_world: object) -> None:
        """Look at this thread from now on, and forget what was called before."""
        self._codes.clear()
        sys.setprofile(self._look)

    def _look(self, frame: FrameType, event: str, _value: object) -> None:
        if event == "call":
            self._codes.setdefault(frame.f_code)

    @property
    def calls(self) -> list[str]:
        """The functions of the product by file and qualified name, in order of their first call."""
        room = f"{ROOT}{os.sep}"
        found = []
        for code in self._codes:
            if code.co_filename.startswith(room):
                file = code.co_filename.removeprefix(room).removesuffix(".py")
                found.append(f"{file.removeprefix('sim/')}.{code.co_qualname}")
        return found


def in_order(journey: str, calls: list[str]) -> None:
    """Check that a journey names what was called, and each after the one before it."""
    named = said(journey)
    assert len(named) > 8
    missing = [name for name in named if name not in calls]
    assert not missing
    assert [calls.index(name) for name in named] == sorted(calls.index(name) for name in named)


def test_a_message_travels_as_the_guide_says() -> None:
    world = World.create(200, mean_degree=6, seed=1)
    with Walk() as walk:
        world.inject("Hello.", seeds="random:3", model="sir")
        world.step(1)
    in_order("A message", walk.calls)


def test_a_tick_of_the_platform_goes_as_the_guide_says() -> None:
    world = World.create(200, mean_degree=6, seed=1, platform={"posting": 0.5, "rhythm": "flat"})
    world.step(3)
    with Walk() as walk:
        world.step(1)
    in_order("A tick of the platform", walk.calls)


async def test_a_key_goes_as_the_guide_says(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await until(pilot, lambda: "7,624 members" in seen(app))
        tick = frame_of(app).tick
        with Walk() as walk:
            await app.simulation.call(walk.join)
            await pilot.press("full_stop")
            await until(pilot, lambda: frame_of(app).tick == tick + 1)
            await pilot.pause()
            await app.simulation.call(lambda _: sys.setprofile(None))
    named = said("A key")
    assert [name for name in named if name not in walk.calls] == []


def test_a_decision_goes_as_the_guide_says() -> None:
    world = minded("model", members=3)
    answers = Script(lambda _: '{"acts": [{"act": "do nothing"}]}')
    run(world, Thinker(answers), 2)
    world.step(1)
    platform = world.platform
    assert platform is not None
    with Walk() as walk:
        take_decisions(world, platform, Thinker(answers).think(world))
        world.step(1)
    in_order("A mind's decision", walk.calls)


@pytest.mark.parametrize("journey", ["A message", "A key"])
def test_a_name_that_is_gone_would_be_found(journey: str) -> None:
    with pytest.raises(AssertionError):
        in_order(journey, said(journey)[1:])

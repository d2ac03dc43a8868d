"""Models tell numbers and lines of their own; what they tell is data, and made safe."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from sim import Cascade, PropagationModel, World
from sim.cli.results import result
from sim.core import registry
from sim.runtime import Simulation
from sim.runtime.frames.focus import ModelReports
from sim.testing import tiny_world


class Talker(PropagationModel):
    """Says what it is told to."""

    def step(self, cascade: Any, contacts: Any, draws: Any) -> None:
        """Do nothing."""

    def is_quiet(self, cascade: Any, contacts: Any) -> bool:
        return False

    def metrics(self, cascade: Cascade) -> Any:
        return {"heat": 1.5, "sh\x1b[2Jout": 2, "none": math.nan, "word": "no", "big": 10**400}

    def panel(self, cascade: Cascade) -> Any:
        return ("\x1b[31mred", f"{cascade.size} of {cascade.agents}", "x" * 500, *"abcdefgh")


class Faulty(Talker):
    """Fails at telling."""

    def metrics(self, cascade: Cascade) -> Any:
        raise SystemExit(3)

    def panel(self, cascade: Cascade) -> Any:
        raise KeyError("lost")


class Odd(Talker):
    """Tells what is no mapping and no list."""

    def metrics(self, cascade: Cascade) -> Any:
        return 5

    def panel(self, cascade: Cascade) -> Any:
        return "one line"


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    registry.load_plugins()
    for cls in (Talker, Faulty, Odd):
        registry.register(f"test-{cls.__name__.lower()}")(cls)
    yield
    for cls in (Talker, Faulty, Odd):
        del registry._known["propagation"][cls.plugin_name]


def told(model: str) -> tuple[World, Cascade]:
    world = tiny_world()
    story = world.inject("Hello.", seeds=[0, 1], model=model)
    world.step(2)
    return world, story


def test_numbers_have_clean_names_and_lines_are_clean_clipped_and_few() -> None:
    _, story = told("test-talker")
    metrics, lines = ModelReports().metrics(story), ModelReports().panel(story)
    assert [name for name, _ in metrics] == ["heat", "sh\ufffd[2Jout", "none"]
    assert metrics[0][1] == 1.5
    assert lines[:2] == ("\ufffd[31mred", "2 of 60")
    assert (len(lines), len(lines[2])) == (8, 120)


def test_what_fails_is_named_and_asked_no_more_after_three_times() -> None:
    _, story = told("test-faulty")
    telling = ModelReports()
    said = [telling.panel(story) for _ in range(5)]
    assert said == [said[0]] * 3 + [()] * 2
    assert said[0][0].startswith(
        "panel() raised KeyError: 'lost' (test_propagation_reports.py, line "
    )
    assert [telling.metrics(story) for _ in range(5)] == [()] * 5


def test_odd_shapes_harm_nobody() -> None:
    _, story = told("test-odd")
    assert ModelReports().metrics(story) == ()
    assert ModelReports().panel(story) == ("one line",)


def test_a_queued_message_is_not_asked() -> None:
    story = tiny_world().inject("Later.", seeds=[0], model="test-faulty", at=5)
    assert ModelReports().panel(story) == ()


async def test_the_frame_and_the_results_carry_them(world: World) -> None:
    async with Simulation(world) as simulation:
        await simulation.inject("Hello.", seeds=[1], model="test-talker")
        await simulation.step()
        focus = simulation.frame.focus
    assert focus is not None
    assert dict(focus.metrics)["heat"] == 1.5
    assert focus.panel[1] == "1 of 2000"
    found = result(world, world.cascades, command="", seconds=0.0)
    assert found["cascades"][0]["metrics"]["heat"] == 1.5

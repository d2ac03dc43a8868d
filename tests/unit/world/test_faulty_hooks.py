"""Whatever a plugin raises in whichever of its methods: it is named, and the world goes on."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim import (
    FriendRecommender,
    Intervention,
    Metric,
    Phase,
    Policy,
    PropagationModel,
    Recommender,
    World,
    register,
)
from sim.core import registry
from sim.errors import PluginError
from sim.runtime import Simulation
from sim.spread.cascade.faults import said_by
from sim.testing import tiny_world
from sim.world import fenced


class Unspeakable(Exception):  # noqa: N818
    """Fails where its words are asked for."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Own(BaseException):
    """Is no Exception, as some libraries have it."""


FAULTS = {
    "plain": lambda: ValueError("two\nlines"),
    "unspeakable": Unspeakable,
    "own": lambda: Own("mine"),
    "cancel": lambda: KeyboardInterrupt("over"),
    "exit": lambda: SystemExit("over"),
    "closed": lambda: GeneratorExit("over"),
}


@pytest.fixture
def named() -> Iterator[Callable[[Any], str]]:
    """Register a class for one test; returns its name."""
    registry.names()
    before = {kind: dict(known) for kind, known in registry._known.items()}

    def enter(cls: Any) -> str:
        register(f"test-{cls.__name__.lower()}")(cls)
        return f"test-{cls.__name__.lower()}"

    yield enter
    registry._known.clear()
    registry._known.update(before)


def small(**platform: Any) -> World:
    told = {"rhythm": "flat", "posting": 0.4} | platform
    return World.create(agents=60, mean_degree=8, seed=7, platform=told)


def unsure(named: Any, fault: Any, base: type, method: str, **more: Any) -> str:
    """Register a plugin that fails in a method; returns its name."""

    def fails(*_: Any) -> Any:
        raise fault()

    body = {method: fails, "__module__": __name__, **more}
    return str(named(type("Unsure", (base,), body)))


def refused(named: Any, fault: Any, method: str) -> str:
    world, model = small(), unsure(named, fault, PropagationModel, method)
    with pytest.raises(PluginError, match="test-unsure") as told:
        world.inject("x", seeds=[0], model=model)
    assert len(world.cascades) == 0
    return str(told.value)


def checking(named: Any, fault: Any) -> str:
    return refused(named, fault, "check")


def suiting(named: Any, fault: Any) -> str:
    return refused(named, fault, "suits")


def stepping(named: Any, fault: Any) -> str:
    world = small()
    story = world.inject("x", seeds=[0], model=unsure(named, fault, PropagationModel, "step"))
    world.step(2)
    assert story.status == "failed"
    return str(story.error)


def hosted(**settings: Any) -> str:
    """Run a platform, and return the one fault that it tells."""
    world = small(**settings)
    world.step(3)
    assert world.platform is not None
    assert len(world.platform.faults) == 1
    return world.platform.faults[0]


def deciding(named: Any, fault: Any) -> str:
    return hosted(policy=unsure(named, fault, Policy, "probabilities"))


def ranking(named: Any, fault: Any) -> str:
    return hosted(recommender=unsure(named, fault, Recommender, "score"))


def preparing(named: Any, fault: Any) -> str:
    more = {"score": lambda _, candidates: candidates.likes}
    return hosted(recommender=unsure(named, fault, Recommender, "prepare", **more))


def proposing(named: Any, fault: Any) -> str:
    world = small(friends=unsure(named, fault, FriendRecommender, "suggest"), meeting=1.0)
    world.step(2)
    assert world.platform is not None
    assert world.platform.friends is None
    return world.platform.faults[0]


def taking(named: Any, fault: Any) -> str:
    unsure(named, fault, Metric, "take", says="what nobody counts", unit="agents")
    world = small()
    metrics = world.open_metrics()
    world.step(2)
    assert len(metrics.faults) == 1
    return metrics.faults[0]


def doing(named: Any, fault: Any) -> str:
    world = small()
    world.at(1, unsure(named, fault, Intervention, "do", says="do nothing"))
    world.step(3)
    assert world.interventions[0].failed
    return str(world.interventions[0])


def running(named: Any, fault: Any) -> str:
    def broken(world: World) -> None:
        raise fault()

    world = small()
    world.phases.append(fenced(Phase("test-broken", "fails", broken)))
    world.step(2)
    assert world.tick == 2
    return world.remarks[0]


HOOKS = (checking, suiting, stepping, deciding, ranking, preparing, proposing, taking, doing,
         running)  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("hook", HOOKS)
def test_whatever_a_plugin_raises_is_said_in_one_line(named: Any, hook: Any, kind: str) -> None:
    fault: Any = FAULTS[kind]
    said = hook(named, fault)
    assert type(fault()).__name__ in said
    assert "\n" not in said
    assert "test" in said
    assert "no words" not in said


def test_what_is_said_of_an_error_has_its_place() -> None:
    with pytest.raises(ValueError, match="two") as told:
        int("two\nlines")
    assert said_by(told.value).startswith("ValueError: invalid literal for int()")
    assert "(test_faulty_hooks.py, line " in said_by(told.value)
    assert said_by(Unspeakable()) == "Unspeakable"
    assert said_by(PluginError("mine", "score() returned NaN")) == "score() returned NaN"


def leave(_world: World) -> None:
    raise SystemExit("enough")


def test_a_phase_that_fails_three_times_is_left_out() -> None:
    world = tiny_world()
    calls: list[int] = []

    def broken(world: World) -> None:
        calls.append(world.tick)
        leave(world)

    world.phases.append(fenced(Phase("broken", "fails", broken)))
    world.step(6)
    assert calls == [1, 2, 3]
    assert world.tick == 6
    place = r"\(test_faulty_hooks\.py, line \d+\)"
    assert re.fullmatch(
        rf"The phase 'broken' failed in tick 1: SystemExit: enough {place}\.", world.remarks[0]
    )
    assert re.search(
        rf"SystemExit: enough {place}; it is left out from now on\.$", world.remarks[2]
    )


def test_a_phase_that_works_runs_in_every_tick() -> None:
    world = tiny_world()
    seen: list[int] = []
    world.phases.insert(0, fenced(Phase("fine", "notes", lambda world: seen.append(world.tick))))
    world.step(3)
    assert (seen, world.remarks) == ([1, 2, 3], ())


async def test_a_running_simulation_shows_what_failed() -> None:
    world = tiny_world()
    world.phases.append(fenced(Phase("broken", "fails", leave)))
    async with Simulation(world) as simulation:
        await simulation.step(2)
        assert "The phase 'broken' failed in tick 2" in str(simulation.frame.banner)
        assert simulation.frame.state == "paused"

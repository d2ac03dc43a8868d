"""Small worlds, and models that misbehave."""

import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sim import PropagationModel, World
from sim.core import registry
from sim.errors import ParameterError
from sim.runtime import IsolatedSimulation, Simulation
from sim.runtime.preview import plan
from tests.unit.runtime.isolating import Thread
from tests.unit.runtime.worlds import PATIENCE, Gate, blocked_until


@pytest.fixture
def world() -> World:
    """Two thousand agents, ten listeners each."""
    return World.create(agents=2000, mean_degree=10, seed=7)


@pytest.fixture
async def simulation(world: World) -> AsyncIterator[Simulation]:
    async with Simulation(world) as opened:
        yield opened


@pytest.fixture
async def isolated(world: World) -> AsyncIterator[Simulation]:
    async with IsolatedSimulation(world, name="here", spawn=Thread) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.hub"


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    blocked_until(lambda: not set(threading.enumerate()) - before)


@pytest.fixture
def gate(world: World) -> Iterator[Gate]:
    """A gate in the world that holds its first tick."""
    gate = Gate()
    world.phases.append(gate.phase)
    yield gate
    gate.open()  # of a test that failed: its engine must end


@pytest.fixture
def counter(world: World) -> Gate:
    """A gate in the world that counts ticks and holds none."""
    gate = Gate(at=None)
    world.phases.append(gate.phase)
    return gate


@pytest.fixture
def patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pilots of plans run to their end, however busy the machine is."""
    monkeypatch.setattr(
        "sim.runtime.engine.thread_client.make_plan", partial(plan, budget=PATIENCE)
    )


@pytest.fixture
def misbehaving() -> Iterator[str]:
    """The name of a model that raises in its third tick, registered for one test."""
    name = "test-misbehaving"

    class Misbehaving(PropagationModel):
        """Raises in its third tick; two parameters must not be equal."""

        left: int = 1
        right: int = 2

        def check(self) -> None:
            if self.left == self.right:
                raise ParameterError("left and right must differ.")

        def step(self, cascade: Any, contacts: Any, draws: Any, *_: Any) -> None:
            if draws.tick >= cascade.started_at + 3:
                raise ZeroDivisionError("a third is too much")

        def is_quiet(self, *_: Any) -> bool:
            return False

    registry.load_plugins()
    registry.register(name)(Misbehaving)
    yield name
    del registry._known["propagation"][name]

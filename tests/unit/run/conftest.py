"""Small worlds, and models that misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sim.core import registry
from sim.errors import ParameterError
from sim.run import Simulation
from sim.spread.model import PropagationModel
from sim.world.world import World


@pytest.fixture
def world() -> World:
    """Two thousand agents, ten listeners each."""
    return World.create(agents=2000, mean_degree=10, seed=7)


@pytest.fixture
async def simulation(world: World) -> AsyncIterator[Simulation]:
    async with Simulation(world) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


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

"""A simulation and the event loop that it was entered in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sim import Simulation, World
from sim.errors import InputError

ASKED: dict[str, Callable[[Simulation, Any], Awaitable[object]]] = {
    "a step": lambda simulation, _: simulation.step(),
    "a pause": lambda simulation, _: simulation.pause(),
    "a message": lambda simulation, _: simulation.inject("Hello.", seeds=[1], model="sir"),
    "the end of a message": lambda _, session: session.done(),
    "the end": lambda simulation, _: simulation.__aexit__(),
}


@pytest.mark.parametrize("isolated", [False, True])
def test_another_loop_is_refused_in_one_sentence(isolated: bool) -> None:
    own = asyncio.new_event_loop()
    simulation = Simulation(World.create(agents=30, mean_degree=4, seed=1), isolated=isolated)
    own.run_until_complete(simulation.__aenter__())
    session = own.run_until_complete(simulation.inject("Hi.", seeds=[1], model="sir"))

    async def other(ask: Callable[[Simulation, Any], Awaitable[object]]) -> None:
        with pytest.raises(InputError, match=r"lives in the event loop .* use it there"):
            await ask(simulation, session)

    for ask in ASKED.values():
        asyncio.run(other(ask))
    assert simulation.frame.tick == 0
    assert own.run_until_complete(simulation.step()) == 1
    own.run_until_complete(simulation.__aexit__())
    own.close()

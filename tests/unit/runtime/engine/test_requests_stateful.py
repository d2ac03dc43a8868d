"""Whatever the order of commands: the world is the one that the same calls would have made."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sim import World
from sim.errors import InputError
from sim.runtime import Simulation
from sim.runtime.frames.sessions import ENDED
from tests.unit.runtime.worlds import PATIENCE

T = TypeVar("T")

MODELS = ("independent-cascade", "linear-threshold", "si", "sir", "sis")
people = st.lists(st.integers(0, 59), min_size=1, max_size=5)


def small_world() -> World:
    return World.create(agents=60, network="planted-communities", mean_degree=4, seed=11)


class Commands(RuleBasedStateMachine):
    """A simulation beside a twin world to which the same is done directly."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.twin = small_world()
        self.twin.max_running = 2
        self.simulation = Simulation(small_world(), max_running=2)
        self.revision = -1
        self.run(self.simulation.__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def teardown(self) -> None:
        self.run(self.simulation.__aexit__(None, None, None))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    @rule(seeds=people, model=st.sampled_from(MODELS), priority=st.integers(0, 2))
    def inject(self, seeds: list[int], model: str, priority: int) -> None:
        options = {"seeds": np.array(seeds), "model": model, "priority": priority}
        session = self.run(self.simulation.inject("news", **options))  # type: ignore[arg-type]
        assert session.id == self.twin.inject("news", **options).id  # type: ignore[arg-type]

    @rule(ticks=st.integers(0, 4))
    def step(self, ticks: int) -> None:
        assert self.run(self.simulation.step(ticks)) == ticks
        self.twin.step(ticks)

    @rule(ticks=st.lists(st.integers(0, 2), max_size=4))
    def step_all_at_once(self, ticks: list[int]) -> None:
        async def together() -> list[int]:
            return await asyncio.gather(*(self.simulation.step(n) for n in ticks))

        assert self.run(together()) == ticks
        self.twin.step(sum(ticks))

    @rule(rate=st.sampled_from([None, 500.0]))
    def play_and_pause(self, rate: float | None) -> None:
        async def both() -> None:
            await self.simulation.play(rate)
            await asyncio.sleep(0.005)
            await self.simulation.pause()

        self.run(both())
        self.twin.step(self.simulation.frame.tick - self.twin.tick)

    @precondition(lambda self: self.twin.cascades)
    @rule(which=st.integers(0, 30))
    def cancel(self, which: int) -> None:
        number = which % len(self.twin.cascades)
        self.run(self.simulation.cancel(number))
        self.twin.cascades[number].cancel()

    @precondition(lambda self: any(c.model_name == "si" and c.alive for c in self.twin.cascades))
    @rule(beta=st.floats(0.01, 1.0))
    def set_parameter(self, beta: float) -> None:
        cascade = next(c for c in self.twin.cascades if c.model_name == "si" and c.alive)
        self.run(self.simulation.set_parameter(cascade.id, "beta", beta))
        cascade.revise(beta=beta)

    @rule(which=st.none() | st.integers(0, 5))
    def focus(self, which: int | None) -> None:
        known = which is None or which < len(self.twin.cascades)
        try:
            self.run(self.simulation.focus(which))
        except InputError:
            assert not known
        else:
            assert known

    @rule()
    def refuse_nonsense(self) -> None:
        async def nonsense() -> tuple[object, ...]:
            return await asyncio.gather(
                self.simulation.inject("", seeds=[0], model="si"),
                self.simulation.inject("x", seeds=[0], model="no-such-model"),
                self.simulation.play(-1),
                return_exceptions=True,
            )

        assert all(isinstance(error, InputError) for error in self.run(nonsense()))

    @invariant()
    def world_is_that_of_the_twin(self) -> None:
        assert self.run(self.simulation.call(World.digest)) == self.twin.digest()

    @invariant()
    def frame_tells_the_truth(self) -> None:
        frame = self.simulation.frame
        assert frame.revision > self.revision
        self.revision = frame.revision
        assert (frame.tick, frame.state) == (self.twin.tick, "paused")
        rows = [(row.id, row.status, row.size) for row in frame.sessions]
        assert rows == [(c.id, c.status, c.size) for c in self.twin.cascades]
        assert sum(row.status == "running" for row in frame.sessions) <= 2
        for cascade in self.twin.cascades:
            if cascade.status in ENDED:
                assert self.run(self.simulation.session(cascade.id).done()).status == cascade.status

    @precondition(lambda self: self.twin.cascades)
    @invariant()
    def focus_and_communities_count_right(self) -> None:
        focus, groups = self.simulation.frame.focus, self.simulation.frame.communities
        assert focus is not None
        assert groups is not None
        cascade = self.twin.cascades[focus.id]
        np.testing.assert_array_equal(focus.history, cascade.history)
        whole = ~np.isnan(focus.r)
        np.testing.assert_array_equal(focus.r[whole], cascade.r[whole])
        assert np.isnan(focus.r[:1]).all()  # the seeds' own stands apart
        assert (focus.depth, focus.breadth) == (cascade.depth, cascade.breadth)
        assert groups.adopted.sum() == cascade.size


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)

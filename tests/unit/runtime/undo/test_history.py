"""A world goes back to any tick in memory, and forward again, bit for bit."""

from typing import Any

import numpy as np
import pytest

from sim import Lifecycle, Phase, Simulation, World, names, spec
from sim.errors import Cancelled, HubbubError, InputError
from sim.platform import Flag
from sim.platform.platform import PlatformSnapshot
from sim.runtime import UndoHistory
from sim.runtime.undo_history import OutOfReachError, owners, same
from sim.store.journal.state import whole_state
from sim.world.state.snapshot import arrays_of
from tests.raising import raises

BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]


def started(model: str = "sir", messages: int = 1, **parameters: Any) -> World:
    world = World.create(agents=100, mean_degree=6, seed=5)
    for number in range(messages):
        world.inject(f"News {number}", seeds=[number, number + 9], model=model, **parameters)
    return world


def always() -> float:
    """Be a clock by which copying takes no time: a copy is taken at every tick."""
    return 0.0


def walked(past: UndoHistory, ticks: int) -> dict[int, str]:
    """Step, and return the digest of each tick as it was shown."""
    shown = {past.world.tick: past.world.digest()}
    for _ in range(ticks):
        past.step()
        shown[past.world.tick] = past.world.digest()
    return shown


def goes(past: UndoHistory, shown: dict[int, str], *ticks: int) -> None:
    """Go to each of these ticks: the world is as it was shown there."""
    for tick in ticks:
        past.go_to(tick)
        assert past.world.digest() == shown[tick]


@pytest.mark.parametrize("model", BUILT_IN)
def test_every_tick_of_every_model_comes_back_and_its_future_too(model: str) -> None:
    world = started(model, messages=3)
    past = UndoHistory(world, now=always)
    shown = walked(past, 3)
    world.cascades[0].cancel()
    past.told()
    shown |= walked(past, 3)
    goes(past, shown, 5, 4, 3, 2, 0)
    assert past.forward() == 6
    assert world.digest() == shown[6]


def test_who_was_banned_by_an_intervention_is_so_after_going_back() -> None:
    past = UndoHistory(started(), now=always)
    past.world.at(3, "ban", agents="ids:5,6")
    past.world.at(5, "shock", factor=0.5, agents="ids:7")
    shown = walked(past, 8)
    for tick in (6, 4, 2, 7):
        assert past.go_to(tick) == tick
        assert past.world.digest() == shown[tick]
        banned = np.flatnonzero(past.world.agents.status == int(Lifecycle.BANNED))
        assert banned.tolist() == ([5, 6] if tick > 3 else [])


def test_plain_ticks_between_two_copies_are_run_again() -> None:
    world = started("sir", beta=0.3, gamma=0.1)
    clock = iter(range(10_000))
    past = UndoHistory(world, now=lambda: float(next(clock)))  # a copy takes a second: few are
    shown = walked(past, 20)
    assert len(past.undo_points) == 1
    goes(past, shown, 19, 7, 0)
    past.forward(12)
    assert (world.tick, world.digest()) == (12, shown[12])
    assert past.forward() == 20
    assert world.digest() == shown[20]


def test_running_on_without_a_new_command_is_the_same_future() -> None:
    world = started()
    past = UndoHistory(world, now=always)
    shown = walked(past, 8)
    past.back(5)
    assert walked(past, 2) == {tick: shown[tick] for tick in (3, 4, 5)}
    assert past.last == 8
    past.forward()
    assert world.digest() == shown[8]


def test_something_new_ends_the_way_forward() -> None:
    world = started()
    past = UndoHistory(world, now=always)
    walked(past, 8)
    past.back(5)
    world.inject("Another way.", seeds=[50], model="si")
    past.told()
    assert past.last == 3
    raises(OutOfReachError, "Nothing to redo", past.forward)
    walked(past, 1)
    raises(OutOfReachError, "Nothing to redo", past.forward, 1)


def test_running_past_a_tick_without_the_command_given_there_is_another_way() -> None:
    world = started()
    past = UndoHistory(world, now=always)
    walked(past, 4)
    world.inject("Late.", seeds=[50], model="si")
    past.told()
    walked(past, 4)
    past.go_to(2)
    walked(past, 3)
    assert past.last == 5
    assert world.made == 1


@pytest.mark.parametrize(("changes", "last"), [(False, 8), (True, 3)])
def test_a_call_that_changed_nothing_leaves_the_way_forward(changes: bool, last: int) -> None:
    world = started()
    past = UndoHistory(world, now=always)
    walked(past, 8)
    past.back(5)
    if changes:
        world.agents.set_status([7], "paused")
    past.told(surely=False)
    assert past.last == last
    past.told(surely=False)
    walked(past, 1)
    assert past.last == max(last, 4)


def test_a_doubtful_call_at_a_tick_without_a_copy_counts_as_a_change() -> None:
    clock = iter(range(10_000))
    past = UndoHistory(started(), now=lambda: float(next(clock)))
    walked(past, 3)
    past.told(surely=False)
    past.leave()
    assert past.undo_points[-1].tick == 3


def test_agents_ties_and_opinions_go_back_too() -> None:
    world = started()
    world.opinions.hold("bridge", np.zeros(100))
    past = UndoHistory(world, now=always)
    shown = walked(past, 3)
    world.create_agents(5)
    world.add_ties([0, 1], [100, 101])
    world.agents.set_community(np.zeros(105, np.int32), ["All"])
    world.opinions.write("bridge", np.full(105, 0.5))
    world.max_running = 7
    past.told()
    shown |= walked(past, 3)
    goes(past, shown, 2, 6, 5, 0, 3)
    assert len(world.agents) == 105


def test_a_phase_of_ones_own_may_change_agents_in_a_tick() -> None:
    world = started()
    change = lambda world: world.agents.set_interests([0], [world.tick % 2])  # noqa: E731
    world.phases.append(Phase("mood", "agent 0 changes its mind", change))
    past = UndoHistory(world, now=always)
    shown = walked(past, 4)
    goes(past, shown, 3, 2, 1, 0)


def test_beyond_the_memory_a_sentence_says_what_to_do() -> None:
    world = World.create(agents=5000, mean_degree=6, seed=5)
    world.inject("News", seeds=[1], model="sir", beta=0.5, gamma=0.1)
    past = UndoHistory(world, 1 << 18, now=always)
    shown = walked(past, 40)
    assert 0 < past.first < 40
    assert past.nbytes < 1 << 19
    raises(OutOfReachError, r"reaches back to tick .* keep a journal", past.go_to, 0)
    assert world.digest() == shown[40]
    past.go_to(past.first)
    assert world.digest() == shown[world.tick]
    world.step()
    past.leave()
    assert past.nbytes < 1 << 19


def test_with_no_memory_nothing_is_kept() -> None:
    past = UndoHistory(started(), 0)
    walked(past, 3)
    assert past.undo_points == []
    raises(OutOfReachError, "No copies are kept", past.back)
    assert past.world.tick == 3


@pytest.mark.parametrize("tick", [-1, 2.5, True, 9])
def test_what_is_no_tick_of_its_past_or_future_is_refused(tick: Any) -> None:
    past = UndoHistory(started())
    walked(past, 2)
    with pytest.raises(InputError):
        past.go_to(tick)
    assert past.world.tick == 2


def test_a_cancelled_way_leaves_the_world_where_it_was() -> None:
    clock = iter(range(10_000))
    past = UndoHistory(started(), now=lambda: float(next(clock)))
    shown = walked(past, 12)

    def stop(stage: str, _share: float) -> None:
        if stage.endswith("tick 5"):
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        past.go_to(8, report=stop)
    assert (past.world.tick, past.world.digest()) == (12, shown[12])
    goes(past, shown, 8)


def test_a_copy_that_something_wrote_into_is_refused() -> None:
    past = UndoHistory(started("sir", beta=0.5), now=always)
    shown = walked(past, 5)
    past.undo_points[2].twin.cascades[0].held["state"].values[:] = 1
    raises(HubbubError, "copy of tick 2 in memory is not what it was", past.go_to, 2)
    assert past.world.digest() == shown[5]
    goes(past, shown, 3)


def test_a_world_rebuilt_elsewhere_takes_over_and_what_lies_ahead_is_kept() -> None:
    world = started()
    past = UndoHistory(world, now=always)
    shown = walked(past, 9)
    past.undo_points = past.undo_points[6:]
    other = started()
    other.step(3)
    past.rebased(other)
    assert world.digest() == shown[3]
    raises(OutOfReachError, "possible from tick 6 to 9", past.go_to, 4)
    goes(past, shown, 7)
    past.go_to(6)
    other.step(1)
    past.rebased(other)
    assert past.first == 4


def test_two_columns_are_the_same_bit_for_bit_or_not() -> None:
    column = np.array([1.0, np.nan, -0.0])
    assert same(column, column.copy())
    assert not same(column, np.array([1.0, np.nan, 0.0]))
    assert not same(column, column.astype(np.float32))
    assert not same(column, column[:2])
    assert not same(np.zeros((2, 3)), np.zeros((3, 2)).T)


def test_a_longer_future_than_past_gives_way_first() -> None:
    world = World.create(agents=5000, mean_degree=6, seed=5)
    world.inject("News", seeds=[1], model="sir", beta=0.5, gamma=0.1)
    past = UndoHistory(world, 1 << 30, now=always)
    walked(past, 12)
    past.go_to(2)
    assert len(past.future) == 10
    past.budget = 1
    past.told(surely=False)
    past.leave()
    world.agents.set_status([7], "paused")
    world.agents.set_status([7], "active")
    past.note()
    past._fresh = 1 << 20
    past._keep_to_budget()
    assert len(past.undo_points) == 1
    assert len(past.future) < 10


def test_a_platform_goes_back_and_stays_the_same_object() -> None:
    world = World.create(agents=200, mean_degree=6, seed=5, platform=True)
    world.inject("News", seeds=[1], model="sir", beta=0.3, gamma=0.1)
    past, platform = UndoHistory(world, now=always), world.platform
    assert platform is not None
    policy, phases = platform.policy, list(world.phases)
    shown = walked(past, 5)
    goes(past, shown, 4, 1, 0)
    assert walked(past, 5) == shown
    assert (world.platform, platform.policy) == (platform, policy)
    assert world.phases == phases
    assert past.nbytes > 0


def test_a_platform_that_was_opened_on_the_way_is_not_there_before() -> None:
    world = started()
    past = UndoHistory(world, now=always)
    shown = walked(past, 2)
    plain = list(world.phases)
    world.open_platform()
    past.told()
    shown |= walked(past, 3)
    past.go_to(1)
    assert (world.platform, world.phases) == (None, plain)
    assert world.digest() == shown[1]
    past.forward()
    assert world.digest() == shown[5]
    past.go_to(3)
    assert walked(past, 2) == {tick: shown[tick] for tick in (3, 4, 5)}


def test_the_budget_counts_who_mutes_and_blocks_whom() -> None:
    world = World.create(agents=500, mean_degree=8, seed=2)
    world.mute([0, 1], [2, 3])
    past = UndoHistory(world, 1 << 30)
    past.step(3)
    counted = {id(owner) for owner in owners(past.undo_points[-1].twin)}
    held = list(arrays_of(past.undo_points[-1].twin.relationships))
    assert held
    assert {id(array) for array in held if array.base is None} <= counted


@pytest.mark.parametrize("back", [1, 3])
async def test_a_platform_runs_on_after_a_command_in_its_past(back: int) -> None:
    world = World.create(agents=60, mean_degree=6, seed=7, platform={"posting": 0.5})
    async with Simulation(world) as simulation:
        for _ in range(4):
            await simulation.step(1)
            await simulation.call(lambda world: world.tick)
        await simulation.back(back)
        await simulation.call(lambda world: world.tick)
        assert (await simulation.reach()).last == 4  # nothing was changed
        await simulation.do("give_minds", [1, 2])
        assert await simulation.step(1) == 1
        assert (await simulation.reach()).last == 5 - back


def test_a_copy_of_a_platform_tells_what_commands_changed() -> None:
    world = World.create(agents=60, mean_degree=6, seed=7, platform={"posting": 0.5})
    world.step(2)
    platform = world.platform
    assert platform is not None
    before, still = whole_state(world), PlatformSnapshot(platform)
    world.platform = still  # type: ignore[assignment]  # as in the copies of the past
    assert whole_state(world) == before
    world.platform = platform
    platform.posts.mark(platform.posts.first, Flag.LABELLED)
    assert whole_state(world) != before

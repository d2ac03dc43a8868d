"""A frame tells the truth about its moment, and cannot be changed."""

import dataclasses

import numpy as np
import pytest

from sim import World
from sim.runtime import Frame, Simulation
from sim.runtime.frames.focus import MOST_COLUMNS
from tests.unit.runtime.worlds import present, until

MODELS = ["independent-cascade", "linear-threshold", "sir", "sis", "si"]


def arrays(frame: Frame) -> list[np.ndarray]:
    parts = (frame.focus, frame.communities)
    found = []
    for part in parts:
        assert part is not None
        values = (getattr(part, field.name) for field in dataclasses.fields(part))
        found += [value for value in values if isinstance(value, np.ndarray)]
    return found


@pytest.fixture
def grouped() -> World:
    return World.create(agents=3000, network="planted-communities", mean_degree=10, seed=3)


async def test_frames_are_immutable(grouped: World) -> None:
    async with Simulation(grouped) as simulation:
        await simulation.inject("news", seeds=[1, 2, 3], model="sir")
        await simulation.step(3)
        frame = simulation.frame
    assert len(arrays(frame)) == 17
    for array in arrays(frame):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.tick = 5  # type: ignore[misc]


async def test_old_frames_stay_as_they_were(grouped: World) -> None:
    async with Simulation(grouped) as simulation:
        await simulation.inject("news", seeds=[1, 2, 3], model="sir", beta=0.2)
        await simulation.step(2)
        frame = simulation.frame
        kept = [array.copy() for array in arrays(frame)]
        await simulation.step(200)
        for array, copy in zip(arrays(frame), kept, strict=True):
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("model", MODELS)
async def test_focus_equals_its_cascade(world: World, simulation: Simulation, model: str) -> None:
    session = await simulation.inject("news", seeds=list(range(40)), model=model)
    for ticks in (1, 3, 20):
        await simulation.step(ticks)
        focus, cascade = simulation.frame.focus, session.cascade
        assert focus is not None
        np.testing.assert_array_equal(focus.history, cascade.history)
        np.testing.assert_array_equal(focus.new, cascade.new_adopters)
        assert np.array_equal(focus.seeds_r, cascade.r[0], equal_nan=True)
        whole = cascade.r[1 : focus.cohort + 1] if cascade.alive else cascade.r[1:]
        np.testing.assert_array_equal(focus.r[1 : whole.size + 1], whole)
        assert np.isnan(focus.r[[0, *range(whole.size + 1, focus.r.size)]]).all()
        assert (focus.depth, focus.breadth) == (cascade.depth, cascade.breadth)
        assert focus.virality == pytest.approx(cascade.virality)
        assert focus.speed == cascade.speed
        assert (focus.reached, focus.seeds) == (cascade.size, 40)


async def test_virality_can_wait(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runtime.frames.focus._QUICK", 10)
    session = await simulation.inject("news", seeds=[1, 2, 3], model="sir", beta=0.3)
    await simulation.step(4)
    await until(lambda: getattr(simulation.frame.focus, "virality_size", 0) == session.size)
    assert present(simulation.frame.focus).virality == pytest.approx(session.cascade.virality)


async def test_focus_taken_up_late_equals_focus_kept_from_the_start(world: World) -> None:
    async with Simulation(world) as simulation:
        first = await simulation.inject("first", seeds=[1, 2], model="sir")
        await simulation.inject("second", seeds=[3, 4], model="sir")
        await simulation.focus(first.id)
        await simulation.step(9)
        kept = simulation.frame.focus
        await simulation.focus(None)
        second = simulation.frame.focus
        await simulation.focus(first.id)
        late = simulation.frame.focus
    assert kept is not None
    assert late is not None
    assert (kept.id, present(second).id, late.id) == (0, 1, 0)
    for name in ("history", "new", "r"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(late, name))
    assert (kept.depth, kept.breadth, kept.virality) == (late.depth, late.breadth, late.virality)


async def test_focus_of_a_queued_message_is_empty_until_it_starts(world: World) -> None:
    async with Simulation(world, max_running=1) as simulation:
        await simulation.inject("first", seeds=[1], model="sis")
        waiting = await simulation.inject("second", seeds=[2], model="si", priority=3)
        focus = present(simulation.frame.focus)
        assert (focus.status, focus.history.shape, focus.new.size) == ("queued", (0, 2), 0)
        await simulation.cancel(0)
        await simulation.step(2)
        focus = present(simulation.frame.focus)
        assert focus.status == "running"
        np.testing.assert_array_equal(focus.history, waiting.cascade.history)


async def test_communities_count_their_own_adopters_over_time(grouped: World) -> None:
    async with Simulation(grouped) as simulation:
        session = await simulation.inject("news", seeds=[1, 2, 3], model="sir", beta=0.3)
        await simulation.step(6)
        groups = present(simulation.frame.communities)
    adopted_at = session.cascade.adopted_at
    for row, label in enumerate(groups.labels.tolist()):
        if label < 0:
            continue
        members = np.flatnonzero(grouped.agents.community == label)
        when = adopted_at[members]
        assert groups.sizes[row] == members.size
        assert groups.adopted[row] == (when >= 0).sum()
        shares = [(when >= 0)[when <= tick].sum() / members.size for tick in range(7)]
        np.testing.assert_allclose(groups.heat[row], shares, rtol=1e-6)
        assert groups.onset[row] == (when[when >= 0].min() if (when >= 0).any() else -1)
    np.testing.assert_array_equal(groups.heat_ticks, np.arange(7))
    assert groups.adopted.sum() == session.size
    assert groups.sizes.sum() == 3000


async def test_heat_never_has_more_than_400_columns_and_ends_at_the_truth(grouped: World) -> None:
    async with Simulation(grouped) as simulation:
        await simulation.step(5)
        await simulation.inject("news", seeds=[1, 2, 3], model="sis", beta=0.02, gamma=0.1)
        for ticks in (390, 30, 1000):
            await simulation.step(ticks)
            groups = present(simulation.frame.communities)
            columns = groups.heat.shape[1]
            assert MOST_COLUMNS // 2 <= columns == groups.heat_ticks.size <= MOST_COLUMNS
            assert groups.heat_ticks[-1] == simulation.frame.tick
            np.testing.assert_allclose(groups.heat[:, -1] * groups.sizes, groups.adopted, rtol=1e-5)
            assert (np.diff(groups.heat, axis=1) >= 0).all()


async def test_frame_of_an_empty_world_is_whole(world: World, simulation: Simulation) -> None:
    frame = simulation.frame
    assert (frame.focus, frame.communities, frame.sessions) == (None, None, ())
    assert (frame.agents, frame.day, frame.hour) == (2000, 1, 0.0)
    assert frame.memory_bytes > 10_000_000
    await simulation.step(25)
    assert (simulation.frame.day, simulation.frame.hour) == (2, 1.0)
    assert [name for name, _ in simulation.frame.phase_ms] == [p.name for p in world.phases]


async def test_part_of_a_frame_that_did_not_change_is_the_same_object(grouped: World) -> None:
    async with Simulation(grouped) as simulation:
        await simulation.inject("news", seeds=[1], model="si")
        before = simulation.frame
        await simulation.pause()
        after = simulation.frame
    assert after.revision > before.revision
    assert after.focus is before.focus
    assert after.communities is before.communities


async def test_log_of_events_is_clean_and_bounded(simulation: Simulation) -> None:
    for number in range(120):
        await simulation.inject(f"\x1b]0;owned\x07 {number}\n[/x]", seeds=[1], model="si")
        await simulation.cancel(number)
    events = simulation.frame.events
    assert len(events) == 200
    assert not any("\x1b" in line or "\n" in line or "\x07" in line for _, line in events)

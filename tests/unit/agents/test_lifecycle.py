"""The stages of a life, and the log of its moves."""

from itertools import product

import numpy as np
import pytest

from sim import Agents, Lifecycle
from sim.agents.lifecycle import MOVES, MoveLog, leavers, lifecycle, newcomers, per_tick
from sim.agents.profiles import Hours
from sim.core.scratch import is_filed
from sim.errors import InputError, UnknownNameError
from tests.raising import raises


def at(stage: Lifecycle) -> Agents:
    meta, columns = Agents.create(3, seed=7).dump()
    status = columns["status"].copy()
    status[:] = stage
    return Agents.restore(meta, {**columns, "status": status})


@pytest.mark.parametrize(("origin", "goal"), [*product(Lifecycle, Lifecycle)])
def test_exactly_the_moves_of_the_table_are_legal(origin: Lifecycle, goal: Lifecycle) -> None:
    agents = at(origin)
    if goal in MOVES[origin] or goal == origin:
        agents.set_status([0, 2], goal)
        assert agents.status.tolist() == [goal, origin, goal]
    else:
        with pytest.raises(InputError, match=f"Agent 0 is {origin.name.lower()} and cannot"):
            agents.set_status([0, 2], goal)
        assert agents.status.tolist() == [origin] * 3


def test_an_illegal_move_names_the_agent_and_where_it_could_go() -> None:
    agents = at(Lifecycle.ACTIVE)
    agents.set_status(1, "banned")
    with pytest.raises(InputError) as caught:
        agents.set_status([0, 1], "idle")
    assert str(caught.value) == (
        "Agent 1 is banned and cannot become idle; from banned it can go to: active, destroyed."
    )
    assert agents.status.tolist() == [1, 6, 1]
    with pytest.raises(InputError, match="from destroyed it can go to: nowhere"):
        at(Lifecycle.DESTROYED).set_status(0, Lifecycle.ACTIVE)


def test_every_stage_but_the_last_can_be_left_and_reached() -> None:
    assert all(MOVES[stage] for stage in Lifecycle if stage is not Lifecycle.DESTROYED)
    assert all(Lifecycle.DESTROYED in goals for stage, goals in MOVES.items() if stage < 7)


def test_stages_go_by_name_and_number() -> None:
    assert lifecycle("Banned") is lifecycle(6) is Lifecycle.BANNED
    raises(UnknownNameError, "Did you mean 'active'", lifecycle, "actve")
    raises(InputError, "0 to 7, got 8", lifecycle, 8)


def test_only_active_agents_are_active() -> None:
    agents = Agents.create(8, seed=7)
    agents.set_status([2, 5], "idle")
    assert agents.is_active([[1, 2], [5, 6]]).tolist() == [[True, False], [False, True]]


_A, _P = Lifecycle.ACTIVE, Lifecycle.PAUSED


def _log() -> MoveLog:
    agents = Agents.create(6, seed=1)
    for tick, who, stage in ((0, [1, 2], "paused"), (3, [2], "active"), (5, [1, 3], "paused")):
        agents.lore.moves.now = tick
        agents.set_status(who, stage)
    return agents.lore.moves


def test_moves_are_remembered_by_time_and_by_agent() -> None:
    log = _log()
    assert log.all().tick.tolist() == [0, 0, 3, 5]  # agent 1 stood still at 5
    assert log.between(1, 4).agent.tolist() == [2]
    assert log.between(3).agent.tolist() == [2, 3]
    assert log.between(agent=2).after.tolist() == [_P, _A]
    assert log.nbytes == 40


def test_moves_survive_dump_and_copy() -> None:
    log = _log()
    again, twin = MoveLog.restore(log.dump(), 6), log.copied()
    assert (again.now, MoveLog().dump(), len(MoveLog.restore({}, 6))) == (5, {}, 0)
    log.note(np.array([4], np.uint32), np.array([_A], np.uint8), _P)
    for each in (again, twin):
        assert each.all().agent.tolist() == [1, 2, 2, 3]


def test_the_oldest_of_too_many_moves_are_forgotten() -> None:
    log = MoveLog(most=3)
    for tick in range(4):
        log.now = tick
        log.note(np.array([tick, 9], np.uint32), np.array([_A, _A], np.uint8), _P)
    assert log.all().tick.tolist() == [2, 3, 3]
    assert log.between(2).agent.tolist() == [9, 3, 9]
    assert (len(log), log.made) == (3, 8)


def test_many_old_moves_lie_in_a_file_and_copies_share_them() -> None:
    log = MoveLog(most=1 << 16)
    for tick in range(2_000):
        log.now = tick
        log.note(np.arange(10, dtype=np.uint32), np.full(10, _A, np.uint8), _P)
    twin = log.copied()
    log.note(np.array([9], np.uint32), np.array([_A], np.uint8), _P)
    filed = [chunk for chunk in log._chunks if is_filed(chunk.agent)]
    assert sum(chunk.agent.size for chunk in filed) > 15_000
    assert all(one is other for one, other in zip(filed, twin._chunks, strict=False))
    assert log.all().tick[:-1].tolist() == [tick for tick in range(2_000) for _ in range(10)]
    assert twin.all().agent.tolist() == [*range(10)] * 2_000


@pytest.mark.parametrize(
    ("name", "value"),
    [("tick", [3, 0, 0, 0]), ("agent", [9, 0, 0, 0]), ("after", [8, 0, 0, 0]), ("before", [1])],
)
def test_moves_that_do_not_fit_are_refused(name: str, value: list[int]) -> None:
    with pytest.raises(InputError):
        MoveLog.restore(_log().dump() | {name: np.array(value)}, 6)
    with pytest.raises(InputError, match=f"column '{name}' of the log of moves is missing"):
        MoveLog.restore({key: row for key, row in _log().dump().items() if key != name}, 6)


def _hours() -> Hours:
    hours = Hours()
    hours.put([5, 2], np.repeat([[1.0], [0.0]], 24, axis=1))
    return hours


def test_hours_of_ones_own_stand_over_the_rest() -> None:
    hours = _hours()
    online, can = np.array([0, 2, 4], np.uint32), np.array([True, True])
    assert hours.agents.tolist() == [2, 5]
    assert hours.wake(online, can, np.array([0.5, 0.5]), 30.5).tolist() == [0, 4, 5]
    assert hours.wake(online, ~can, np.array([0.5, 0.5]), 3.0).tolist() == [0, 4]


def test_hours_can_be_given_again_and_survive_dump() -> None:
    hours = _hours()
    twin = hours.copied()
    hours.put([2], np.full((1, 24), 0.25))
    assert Hours.restore(hours.dump(), 6).chances[:, 0].tolist() == [0.25, 1.0]
    assert twin.chances[:, 0].tolist() == [0.0, 1.0]
    assert (Hours().dump(), len(Hours.restore({}, 6)), hours.nbytes) == ({}, 0, 200)


@pytest.mark.parametrize(("count", "value"), [(24, 1.5), (23, 0.5), (24, np.nan)])
def test_hours_that_are_no_chances_are_refused(count: int, value: float) -> None:
    raises(InputError, "24 chances", Hours().put, [1], np.full((1, count), value))
    raises(InputError, "not among 5", Hours.restore, _hours().dump(), 5)
    raises(InputError, "need the columns", Hours.restore, {"agents": np.zeros(1, np.uint32)}, 5)


def test_a_share_of_a_day_is_shared_out_over_its_ticks() -> None:
    assert 1 - (1 - per_tick(0.3, 60)) ** 24 == pytest.approx(0.3)
    assert per_tick(0.3, 24 * 60) == pytest.approx(0.3)
    raises(InputError, r"in \[0, 1\]", per_tick, 1.5, 60)


def test_leavers_are_active_and_as_many_as_were_asked() -> None:
    agents = Agents.create(20_000, seed=3)
    agents.set_status(np.arange(10_000), "paused")
    left = leavers(agents.status, 7, 5, 0.2, 24 * 60)
    assert left.min() >= 10_000
    assert abs(left.size - 2000) < 4 * np.sqrt(10_000 * 0.2 * 0.8)
    assert np.array_equal(left, leavers(agents.status, 7, 5, 0.2, 24 * 60))
    assert leavers(agents.status, 7, 5, 0.0, 60).size == 0


def test_newcomers_are_on_average_the_share_of_a_day() -> None:
    counts = [newcomers(1000, 7, tick, 0.07, 60) for tick in range(2400)]
    assert set(counts) == {2, 3}
    assert np.mean(counts) == pytest.approx(1000 * 0.07 / 24, abs=4 * 0.28 / np.sqrt(2400))
    raises(InputError, "at least 0", newcomers, 10, 7, 0, -0.1, 60)

"""Stages of an agent's life."""

from itertools import product

import pytest

from sim.agents.columns import Agents
from sim.agents.lifecycle import MOVES, Lifecycle, lifecycle
from sim.errors import InputError, UnknownNameError


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


def test_destruction_is_final() -> None:
    agents = at(Lifecycle.DESTROYED)
    with pytest.raises(InputError, match="from destroyed it can go to: nowhere"):
        agents.set_status(0, Lifecycle.ACTIVE)


def test_every_stage_but_the_last_can_be_left_and_reached() -> None:
    assert all(MOVES[stage] for stage in Lifecycle if stage is not Lifecycle.DESTROYED)
    assert all(Lifecycle.DESTROYED in goals for stage, goals in MOVES.items() if stage < 7)


def test_stages_go_by_name_and_number() -> None:
    assert lifecycle("Banned") is lifecycle(6) is Lifecycle.BANNED
    with pytest.raises(UnknownNameError, match="Did you mean 'active'"):
        lifecycle("actve")
    with pytest.raises(InputError, match="0 to 7, got 8"):
        lifecycle(8)


def test_only_active_agents_are_active() -> None:
    agents = Agents.create(8, seed=7)
    agents.set_status([2, 5], "idle")
    assert agents.is_active([[1, 2], [5, 6]]).tolist() == [[True, False], [False, True]]

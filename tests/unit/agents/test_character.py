"""What follows from personality, by the formulas that the module states."""

import numpy as np
import pytest

from sim import Agents, World
from sim.agents.character import ARCHETYPES, archetype, credulity, expertise, verification
from sim.errors import InputError
from sim.world.base import AgentColumns

TRAITS: list[list[float]] = [[0, 0, 1, 0, 0], [1, 1, 0, 1, 0], [0.2, 0.2, 0.2, 0.2, 1.0],
                             [0.8, 0.8, 0.2, 0.2, 0.2], [0.2, 0.2, 0.8, 0.8, 0.2], [0.2] * 5,
                             [0.2] * 5]  # fmt: skip


def _agents() -> Agents:
    agents = Agents.create(7, seed=3)
    agents.set_personality(range(7), TRAITS)
    agents.set_activity(range(7), [0.9, 0.5, 0.5, 0.5, 0.3, 0.5, 0.05])
    return agents


def test_credulity_is_as_stated_from_end_to_end() -> None:
    assert credulity(_agents())[:2].tolist() == [1.0, 0.0]
    assert credulity(Agents.create(20_000, seed=3)).mean() == pytest.approx(0.5, abs=0.005)


def test_verification_grows_with_openness_and_diligence_and_is_drawn_once() -> None:
    agents = Agents.create(20_000, seed=3)
    found = verification(agents)
    rest = found - 0.35 * (agents.personality[:, :2] / 255).sum(axis=1)
    assert 0 <= rest.min() <= rest.max() < 0.3
    assert rest.mean() == pytest.approx(0.15, abs=4 * 0.3 / np.sqrt(12 * 20_000))
    assert np.array_equal(found[:50], verification(Agents.create(50, seed=3)))


def test_archetypes_are_as_stated() -> None:
    names = [ARCHETYPES[code] for code in archetype(_agents())]
    assert names == ["creator", "expert", "critic", "expert", "connector", "regular", "lurker"]


def test_expertise_is_high_in_own_interests_of_few() -> None:
    agents = Agents.create(20_000, seed=3)
    agents.set_personality(range(20_000), np.full((20_000, 5), 1.0))
    agents.set_interests(range(20_000), np.full(20_000, 1, np.uint64))
    own, other = expertise(agents, np.arange(20_000), 0), expertise(agents, np.arange(20_000), 1)
    assert own.mean() == pytest.approx(1 / 3, abs=0.01)
    assert other.mean() == pytest.approx(1 / 30, abs=0.001)
    assert np.array_equal(expertise(agents, [7, 7], [0, 1]), [own[7], other[7]])
    with pytest.raises(InputError, match="bits 0 to 55"):
        expertise(agents, 0, 56)


def test_models_and_conditions_read_them() -> None:
    world = World.from_edges([0], [1], 50, seed=3)
    people = AgentColumns(world.agents)
    assert np.array_equal(people.column("credulity"), credulity(world.agents))
    assert people.column("archetype").dtype == np.uint8
    assert not people.column("verification").flags.writeable
    wanted = np.flatnonzero(verification(world.agents) > 0.5)
    assert world.agents_where("verification > .5").tolist() == wanted.tolist()


def test_columns_are_made_anew_when_personalities_change() -> None:
    world = World.from_edges([0], [1], 5)
    people = AgentColumns(world.agents)
    people.column("openness"), people.column("credulity")
    world.change_agents([2], openness=1.0)
    assert people.column("openness")[2] == 1.0
    assert np.array_equal(people.column("credulity"), credulity(world.agents))

"""A real world in a file: it goes on as if it had never stopped."""

from pathlib import Path

import pytest

from sim.store import info, load, save
from sim.world.world import World


@pytest.fixture
def world() -> World:
    """Three hundred agents, one message on its way."""
    world = World.create(agents=300, mean_degree=8, seed=7)
    world.inject("The bridge is closed.", seeds=[0, 33], model="sir", beta=0.2, gamma=0.1)
    world.step(3)
    return world


def test_a_world_comes_back_equal(world: World, tmp_path: Path) -> None:
    save(world, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    assert again.digest() == world.digest()
    assert again.cascades[0].size == world.cascades[0].size


def test_a_loaded_world_goes_on_as_if_it_had_never_stopped(world: World, tmp_path: Path) -> None:
    save(world, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    for each in (world, again):
        each.step(5)
    assert again.digest() == world.digest()


def test_a_file_says_what_world_it_holds(world: World, tmp_path: Path) -> None:
    save(world, tmp_path / "a.hub")
    found = info(tmp_path / "a.hub")
    assert (found.agents, found.ties) == (300, world.ties.count)
    assert (found.tick, found.seed, found.models) == (3, 7, ("sir",))
    assert [plugin.name for plugin in found.plugins] == ["sir"]

"""Messages that ended leave memory, and nothing else about them changes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim import World, load, save
from sim.core import scratch as spill
from sim.core.scratch import is_filed
from sim.runtime import UndoHistory
from sim.world import phases as ended
from sim.world.records import PACKED_BYTES
from sim.world.state.snapshot import still

MODELS: dict[str, dict[str, Any]] = {
    "independent-cascade": {"probability": 0.2},
    "sir": {"beta": 0.3, "gamma": 0.5},
    "linear-threshold": {},
    "maki-thompson": {},
    "competitive-threshold": {},
    "deffuant": {},
    "sir-continuous": {"beta": 0.3, "gamma": 0.5},
}


@pytest.fixture(params=["at once", "never"])
def laying(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Lay by everything at once, or nothing."""
    lay(monkeypatch, request.param)
    return str(request.param)


def lay(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    most = 1 << 60 if when == "never" else 0
    monkeypatch.setattr(ended, "ENOUGH_BYTES", most)
    monkeypatch.setattr(ended, "RUNNING_BYTES", most)
    monkeypatch.setattr(ended, "LARGE_RECORD", 0)
    if when == "packed":
        monkeypatch.setattr(ended, "AT_HAND", 0)
    monkeypatch.setattr(spill, "LEAST_BYTES", 1)


def story(model: str) -> Iterator[str]:
    """Live through an end, somebody who joins, an awakening and a second end; digests."""
    world = World.create(agents=600, mean_degree=8, seed=4)
    told = world.inject("The bridge is closed.", seeds=[0, 5], model=model, **MODELS[model])
    if model.startswith("competitive"):
        world.inject("The bridge is open.", seeds=[7], model=model, **MODELS[model])
    world.step(60)
    if told.alive:
        told.cancel()
        world.step()
    yield world.digest()
    world.create_agents(3)
    world.step(2)
    yield world.digest()
    assert World.restore(*world.dump()).digest() == world.digest()
    late = world.inject("Still closed.", seeds=[9], model=model, **MODELS[model])
    world.step(3)
    yield world.digest()
    if told.status == "quiet" and model == "independent-cascade":
        told.revise(probability=0.9)
        world.step(4)
        yield world.digest()
    yield f"{told.adopters.tolist()} {told.depth} {told.virality:.6f} {late.size}"
    yield str(sorted((name, len(str(c))) for name, c in told.columns.items() if name != "done"))


@pytest.mark.parametrize("model", sorted(MODELS))
def test_what_is_laid_by_changes_no_world(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(monkeypatch, "never")
    expected = list(story(model))
    for when in ("at once", "packed"):
        lay(monkeypatch, when)
        assert list(story(model)) == expected, when


def ended_world() -> World:
    world = World.create(agents=20_000, mean_degree=10, seed=2)
    for number in range(5):
        world.inject(f"News {number}", seeds=[number], model="sir", beta=0.4, gamma=0.9)
    world.step(60)
    assert not any(cascade.alive for cascade in world.cascades)
    return world


def test_records_of_ended_messages_take_no_memory(laying: str) -> None:
    world = ended_world()
    large = [a for each in world.cascades for a in each.arrays() if a.nbytes >= 1024]
    assert large
    assert {is_filed(array) for array in large} == {laying == "at once"}
    assert (sum(cascade.nbytes for cascade in world.cascades) < 10_000) == (laying == "at once")


def test_copies_of_ended_messages_share_what_was_laid_by(monkeypatch: pytest.MonkeyPatch) -> None:
    lay(monkeypatch, "at once")
    world = ended_world()
    copies: list[str] = []

    def copied(name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        copies.append(name)
        return np.array(column)

    twin = still(world, copied)
    assert not [name for name in copies if name.startswith("cascade.")]
    before = twin.digest()
    assert before == world.digest()
    world.cascades[0].revise(beta=1.0, gamma=0.05)
    world.step(5)
    assert twin.digest() == before != world.digest()


def test_a_world_goes_back_behind_the_end_of_its_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    lay(monkeypatch, "at once")
    world = World.create(agents=2000, mean_degree=8, seed=3)
    first = world.inject("News", seeds=[1], model="sir", beta=0.5, gamma=0.5)
    past, shown = UndoHistory(world, 1 << 30), {}
    while first.alive:
        past.step()
        shown[world.tick] = world.digest()
    past.step(5)
    for tick in sorted(shown, reverse=True):
        past.go_to(tick)
        assert world.digest() == shown[tick]
    assert world.cascades == [first]


def test_a_running_record_in_a_file_grows_on(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for when in ("never", "at once"):
        lay(monkeypatch, when)
        world = World.create(agents=3000, mean_degree=8, seed=3)
        told = world.inject("News", seeds=[1], model="si", beta=0.05)
        for _ in range(12):
            world.step()
            assert is_filed(told.log._agents) == (when == "at once")
        digests.append(world.digest())
    assert digests[0] == digests[1]


def test_a_plugin_that_leaves_no_array_costs_only_its_message() -> None:
    world = World.create(agents=50, mean_degree=4, seed=1)
    told = world.inject("News", seeds=[1], model="si", beta=0.05)
    told.columns["odd"] = None
    told.cancel()
    told.lay_by(world.spill.moved)
    assert told.laid


def test_a_message_that_reached_more_than_fit_a_packed_record_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "AT_HAND", 0)
    agents = PACKED_BYTES + 1
    world = World.create(agents=agents, mean_degree=2, seed=1)
    world.inject("x", seeds=range(agents), model="independent-cascade", probability=0.0)
    world.step(3)
    assert not world.cascades.loose
    assert world.cascades[0].size == agents
    save(world, tmp_path / "large.hub")
    again = load(tmp_path / "large.hub")
    assert (again.cascades[0].size, again.digest()) == (agents, world.digest())

"""A world whose plugin is missing opens, shows everything, and says what it lacks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim import World, load_file, spec
from sim.core import registry
from sim.errors import InputError, ParameterError
from sim.runtime import Simulation
from sim.store import load, save
from sim.testing import tiny_world
from sim.world.state.state import LostModel

SOURCE = '''
from sim import Compartments, Field, after, contact, register

@register("gossip-of-the-tests")
class Gossip(Compartments):
    """Spreads."""
    version = "{version}"
    tell: float = Field(0.5, ge=0, le={most}, description="chance")
    states = {states}
    seeded = "teller"
    rules = (contact("ignorant", "teller", by="teller", chance="tell"),)
'''
NAME = "gossip-of-the-tests"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    registry._known["propagation"].pop(NAME, None)


def loaded(
    folder: Path, version: str = "1", most: int = 1, states: Any = ("ignorant", "teller")
) -> Path:
    path = folder / "gossip.py"
    path.write_text(SOURCE.format(version=version, most=most, states=states))
    load_file(path)
    return path


def saved(folder: Path) -> tuple[World, Path]:
    loaded(folder)
    world = tiny_world()
    world.inject("Psst.", seeds=[0, 1], model=NAME, tell=0.3)
    world.inject("Hear.", seeds=[2], model="si")
    world.step(3)
    save(world, folder / "a.hub")
    return world, folder / "a.hub"


def test_a_world_without_its_plugin_shows_everything(tmp_path: Path) -> None:
    world, path = saved(tmp_path)
    del registry._known["propagation"][NAME]
    again = load(path)
    lost = again.cascades[0]
    assert isinstance(lost.model, LostModel)
    assert (lost.status, lost.model_name, lost.states) == ("running", NAME, ("ignorant", "teller"))
    assert lost.counts == world.cascades[0].counts
    assert lost.now == -1  # which states hold it only the model could say
    assert lost.size == world.cascades[0].size
    assert lost.model.values() == {"tell": 0.3}
    assert lost.history.tolist() == world.cascades[0].history.tolist()
    assert again.digest() == world.digest()
    (remark,) = again.remarks
    assert remark.startswith(f"The model '{NAME}' is not here (version 1, SHA-256 ")
    assert str(tmp_path / "gossip.py") in remark


def test_its_cascade_stops_with_a_sentence_and_the_others_go_on(tmp_path: Path) -> None:
    world, path = saved(tmp_path)
    del registry._known["propagation"][NAME]
    again = load(path)
    again.step(3)
    world.step(3)
    lost, other = again.cascades
    assert lost.status == "failed"
    assert "is not here" in str(lost.error)
    assert "enable or name its plugin" in str(lost.error)
    assert other.history.tolist() == world.cascades[1].history.tolist()
    with pytest.raises(ParameterError, match="is not here"):
        lost.revise(tell=0.5)


def test_saved_again_it_knows_what_it_lacks_and_goes_on_with_it(tmp_path: Path) -> None:
    world, path = saved(tmp_path)
    before = world.dump()[0]["plugins"]
    del registry._known["propagation"][NAME]
    save(load(path), tmp_path / "b.hub")
    assert load(tmp_path / "b.hub").dump()[0]["plugins"] == before
    load_file(tmp_path / "gossip.py")
    whole = load(tmp_path / "b.hub")
    whole.step(5)
    world.step(5)
    assert whole.remarks == ()
    assert whole.digest() == world.digest()


def test_a_changed_plugin_is_remarked_on(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    loaded(tmp_path, version="2")
    (remark,) = load(path).remarks
    assert "has changed since the world was saved: version 2" in remark
    assert load(path).cascades[0].status == "running"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"most": 0}, "does not take what was saved"),
        ({"states": ("ignorant", "teller", "bored")}, "with 3 states and not 2"),
    ],
)
def test_a_plugin_that_cannot_go_on_is_lost(tmp_path: Path, change: Any, sentence: str) -> None:
    _, path = saved(tmp_path)
    loaded(tmp_path, **change)
    again = load(path)
    assert sentence in again.remarks[0]
    again.step()
    assert again.cascades[0].status == "failed"


def test_a_snapshot_that_says_little_still_opens(tmp_path: Path) -> None:
    world, _ = saved(tmp_path)
    meta, columns = world.dump()
    del registry._known["propagation"][NAME]
    again = World.restore(meta | {"plugins": []}, columns)
    assert again.cascades[0].states == ("state 1", "state 2")
    assert again.remarks == (
        f"The model '{NAME}' is not here; enable or name its plugin and open the world again.",
    )


def test_a_cascade_keeps_the_class_and_the_record_that_started_it(tmp_path: Path) -> None:
    loaded(tmp_path)
    world = tiny_world()
    one = world.inject("Psst.", seeds=[0], model=NAME)
    first = spec(NAME).sha256
    loaded(tmp_path, version="2")
    assert type(one.model) is not type(world.inject("Psst.", seeds=[0], model=NAME).model)
    assert {(each["version"], each["sha256"]) for each in world.dump()[0]["plugins"]} == {
        ("1", first),
        ("2", spec(NAME).sha256),
    }


async def test_a_running_simulation_says_at_once_what_is_lost(tmp_path: Path) -> None:
    _, path = saved(tmp_path)
    del registry._known["propagation"][NAME]
    async with Simulation(load(path)) as simulation:
        frame = simulation.frame
        assert [row.status for row in frame.sessions] == ["failed", "running"]
        assert "is not here" in str(frame.banner)
        assert any("is not here (version 1" in line for _, line in frame.events)
        assert frame.sessions[0].size >= 2
        with pytest.raises(InputError, match="has failed; it cannot change"):
            await simulation.set_parameter(0, "tell", 0.5)

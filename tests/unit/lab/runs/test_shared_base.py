import gc
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from sim import Cascade, World
from sim.errors import FileError
from sim.lab import Messages
from sim.lab.runs import replicate as module
from sim.lab.runs.replicate import BaseFile, Run, SharedBase, opened, run_one
from sim.world.cascades import Cascades


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def lived() -> World:
    world = World.create(agents=120, mean_degree=5, seed=2, platform=True)
    world.inject("The bridge is closed.", seeds=[0, 1], model="sir", beta=0.3)
    world.opinions.hold("bridge", np.linspace(0, 1, 120), span=(0, 1))
    world.step(3)
    world.follow([5], [6])
    world.step(2)
    return world


def test_a_twin_goes_on_as_the_world_does_and_no_other_one_sees_it() -> None:
    world = lived()
    twin = opened(BaseFile.write(world)).twin()
    assert twin.digest() == world.digest()
    world.step(4)
    twin.step(4)
    assert twin.digest() == world.digest()
    world = lived()
    base = opened(BaseFile.write(world))
    one = base.twin()
    one.agents.set_status([3], 2)
    one.add_ties(np.array([7]), np.array([90]))
    one.step(3)
    assert base.twin().digest() == world.digest() != one.digest()


@pytest.mark.parametrize("model", ["si", "independent-cascade", "viral"])
def test_a_world_that_ended_is_gone_at_once(model: str) -> None:
    file = BaseFile.write(lived())
    base = opened(file)
    program = Messages([{"text": "x", "seeds": [0], "model": model}])

    def kept() -> int:
        return sum(issubclass(type(each), World | Cascade | Cascades) for each in gc.get_objects())

    run_one(base, program, 0, Run(2))
    gc.collect()
    before = kept()
    gc.disable()  # a large world leaves few objects, and the collector waits for many
    try:
        run_one(base, program, 1, Run(2))
        after = kept()
    finally:
        gc.enable()
    file.remove()
    assert after == before


def test_columns_are_mapped_and_not_written_into(apart: Path) -> None:
    file = BaseFile.write(World.create(agents=50, mean_degree=4, seed=1))
    _, columns = file.map()
    assert not columns["ties.targets"].flags.writeable
    assert isinstance(columns["ties.targets"].base.base, np.memmap)  # type: ignore[union-attr]
    file.remove()
    assert list(apart.iterdir()) == []


def test_a_twin_copies_a_lent_column_before_it_writes_into_it() -> None:
    world = lived()
    base = opened(BaseFile.write(world))
    one = base.twin()
    lent = base._columns["agents.interests"]
    assert np.shares_memory(one.agents.interests, lent)
    assert np.shares_memory(one.ties.out_degree, base._columns["ties.degree"])
    assert np.shares_memory(one.ties.in_degree, base._columns["laid.ties.in_degree"])
    assert np.shares_memory(one.ties.rows, base._columns["laid.ties.rows"])
    one.agents.set_interests([4], [7])
    one.agents.set_activity([4], [0.5])
    one.agents.set_personality([4], [[0.2] * 5])
    one.agents.grow(2)
    other = base.twin()
    assert one.agents.interests[4] == 7 != other.agents.interests[4]
    assert one.agents.personality[4].tolist() == [51] * 5
    assert len(one.agents) == 122
    assert other.digest() == world.digest()


def test_a_reverse_that_one_twin_built_the_next_have() -> None:
    base = opened(BaseFile.write(World.create(agents=50, mean_degree=4, seed=1)))
    twin = base.twin()
    assert base.twin().ties.back is None
    assert twin.ties.reverse.count == twin.ties.count
    base.learn(twin)
    assert base.twin().ties.back is not None


def test_what_a_killed_driver_left_is_removed(apart: Path) -> None:
    process = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                             capture_output=True, text=True, check=True)  # fmt: skip
    dead, here = process.stdout.strip(), module._machine()
    (apart / f"hubbub-base-{dead}-{here}-abc").mkdir()
    others = [apart / f"hubbub-base-{name}" for name in ("other", f"{dead}-0000000x-abc")]
    for folder in others:
        folder.mkdir()
    file = BaseFile.write(World.create(agents=50, mean_degree=4, seed=1))
    assert sorted(apart.iterdir()) == sorted([*others, file.folder])


def test_a_disk_without_room_is_said(apart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_lay", full)
    with pytest.raises(FileError, match=r"no room for [\d,]+ bytes of the world \(No space left"):
        BaseFile.write(World.create(agents=50, mean_degree=4, seed=1))
    assert list(apart.iterdir()) == []


def test_a_folder_that_is_not_seen_is_said_and_no_ties_are_mapped() -> None:
    file = BaseFile.write(World.create(agents=50, mean_degree=4, seed=77))
    file.remove()
    with pytest.raises(FileError, match="all machines share"):
        opened(file)
    world = World.from_edges([], [], 3)
    assert SharedBase(*BaseFile.write(world).map()).twin().digest() == world.digest()

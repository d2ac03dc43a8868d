from contextlib import nullcontext
from pathlib import Path

import pytest

from sim import World
from sim.runtime.journal.writer import JournalWriter
from sim.runtime.warming import FIRST_MODELS, PLATFORM
from sim.store import save
from sim.store.journal.journal import LEASE_FILE, folder_of
from tests.unit.cli.conftest import Hubbub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    world = World.create(agents=60, mean_degree=4, seed=3)
    world.step(2)
    save(world, tmp_path / "a.hub")
    return tmp_path / "a.hub"


def test_doctor_looks_at_a_saved_world(hubbub: Hubbub, path: Path) -> None:
    said = hubbub("doctor", "--world", path, "--json").json
    assert said["problems"] == []
    world = said["world"]
    assert (world["tick"], world["agents"], world["acts in one chain"]) == (2, 60, 2)
    assert " free in" in world["health: disk space"]
    assert "No problems found." in hubbub("doctor", "--world", path).out


def test_doctor_looks_at_a_live_world_while_it_is_open(hubbub: Hubbub, path: Path) -> None:
    world = World.create(agents=60, mean_degree=4, seed=3)
    keeper = JournalWriter(world, path.with_name("b.hub"))
    world.step()
    keeper.ticked(world)
    keeper.flush(world)
    keeper.wait()
    said = hubbub("doctor", "--world", keeper.folder.with_suffix(""), "--json").json
    keeper.close()
    assert said["problems"] == []
    assert said["world"]["open in"].startswith("process ")
    names = ("durable to tick", "entries in one chain", "checkpoints")
    assert [said["world"][name] for name in names] == [1, 1, 1]


def test_doctor_says_what_is_wrong_or_absent_of_a_world(hubbub: Hubbub, path: Path) -> None:
    world = World.create(agents=60, mean_degree=4, seed=3)
    JournalWriter(world, path.with_name("b.hub")).close()
    folder = folder_of(path.with_name("b.hub"))
    (folder / LEASE_FILE).write_text("{}")
    (folder / "journal").write_bytes(b"no journal")
    path.with_name("b.hub").write_bytes(b"no world")
    said = hubbub("doctor", "--world", path.with_name("b.hub"), "--json")
    assert said.code == 1
    problems = " ".join(said.json["problems"])
    assert "not a journal of Hubbub" in problems
    assert "looks like text" in problems
    assert "was not closed properly; recover it with hubbub recover" in problems
    said = hubbub("doctor", "--world", "absent.hub", "--json")
    assert (said.code, "absent.hub" in said.json["problems"][0]) == (1, True)


def test_doctor_compiles_what_a_first_run_calls(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, float]] = []
    monkeypatch.setattr("sim.runtime.warming._warm", set())
    monkeypatch.setattr("sim.cli.doctor.watched", lambda: nullcontext(lambda *at: told.append(at)))
    said = hubbub("doctor", "--warm")
    assert said.err.startswith("Compiled ")
    assert said.err.endswith((" kernels.\n", " kernel.\n"))
    prepared = [stage.removeprefix("preparing ") for stage, _ in told if "preparing" in stage]
    assert prepared == [*FIRST_MODELS, PLATFORM]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert told[-1] == ("ready", 1.0)

"""What is seldom asked about agents, read from the file that a world came from."""

import resource
import sqlite3
from copy import deepcopy
from pathlib import Path

import psutil
import pytest

from sim import World
from sim.errors import InputError
from sim.store import load, save
from sim.store.snapshot import opened
from sim.store.snapshot import snapshot as module
from sim.store.snapshot.snapshot import FiledRecords, leave_in_file
from tests.raising import raises


def _world() -> World:
    world = World.from_edges([0, 1], [1, 2], 200, seed=3)
    world.take_profiles([{"name": f"Member {n}", "persona": f"{n} " * 9000} for n in range(120)])
    return world


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cold") / "a.hub"
    save(_world(), place)
    return place


def _filed(world: World) -> FiledRecords:
    chunks = world.agents.lore.cold._chunks
    assert isinstance(chunks, FiledRecords)
    return chunks


def test_a_loaded_world_reads_its_texts_from_its_file(path: Path) -> None:
    world, made = load(path), _world()
    cold = world.agents.lore.cold
    assert len(_filed(world)) == cold.packed_bytes > 2 << 20
    assert cold.nbytes < 1000
    for agent in (0, 57, 119, 150):  # some of them lie across two chunks of the file
        assert world.profile(agent) == made.profile(agent)
        assert world.agents.name(agent) == made.agents.name(agent)
    assert (world.digest(), cold.packed()) == (made.digest(), made.agents.lore.cold.packed())
    assert cold.hits > 0


def test_few_texts_stay_in_memory(tmp_path: Path) -> None:
    world = World.from_edges([0], [1], 3)
    world.take_profiles([{"biography": "Baker."}])
    save(world, tmp_path / "a.hub")
    assert load(tmp_path / "a.hub").agents.lore.cold.nbytes > 0
    assert not leave_in_file(world, tmp_path / "a.hub")


def test_a_world_outlives_the_file_that_it_came_from(path: Path, tmp_path: Path) -> None:
    place = tmp_path / "b.hub"
    place.write_bytes(path.read_bytes())
    world = load(place)
    world.take_profiles([{"name": "Ada"}])
    save(world, place)
    assert load(place).digest() == world.digest()
    again = load(place)
    place.unlink()
    assert again.agents.name(0) == "Ada"
    assert again.profile(119) == world.profile(119)


def test_copies_and_other_processes_have_the_same_bytes(path: Path) -> None:
    filed = _filed(load(path))
    assert deepcopy(filed) is filed
    made, args = filed.__reduce__()  # as pickle does
    assert made(*args).read(5, 99) == filed.read(5, 99)
    assert filed.read(7, 7) == b""


@pytest.mark.parametrize("other", ["smaller", "none", "changed"])
def test_another_file_is_not_read(path: Path, tmp_path: Path, other: str) -> None:
    place, world = tmp_path / "c.hub", _world()
    if other == "smaller":
        save(World.from_edges([0], [1], 3), place)
    elif other == "changed":
        world.agents.lore.cold.put({0: {"persona": "x" * len("0 " * 9000)}})
        place = path
    assert not leave_in_file(world, place)
    assert world.profile(7).name == "Member 7"


def test_a_file_that_can_no_longer_be_read_is_told_of(path: Path) -> None:
    world = load(path)
    filed = _filed(world)
    filed.close()
    raises(InputError, "cannot be read any more", world.profile, 3)


def test_a_chunk_that_is_too_short_is_told_of(tmp_path: Path) -> None:
    place = tmp_path / "d.hub"
    with sqlite3.connect(place) as file:
        file.execute("CREATE TABLE chunks (id INTEGER PRIMARY KEY, column, number, data)")
        file.execute("INSERT INTO chunks VALUES (1, ?, 0, x'0102')", (module.COLUMN,))
    file.close()
    filed = FiledRecords(place, 2)
    assert filed.read(0, 2) == b"\x01\x02"
    raises(InputError, "2 of 3 bytes", filed.read, 0, 3)


def test_without_other_limits_it_is_what_the_machine_says() -> None:
    assert 0 < opened.available_bytes() <= psutil.virtual_memory().total


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(opened, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("50000\n")
    (tmp_path / "memory.current").write_text("30000\n")
    (tmp_path / "memory.stat").write_text("anon 1\nactive_file 2000\ninactive_file 500\n")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "free"),
    [
        ("memory.max", "50000\n", 50_000 - 30_000 + 2_500),
        ("memory.current", "99999\n", 0),  # in debt
        ("memory.max", "max\n", None),  # no limit
        ("memory.stat", "what is this\n", None),
    ],
)
def test_a_container_allows_its_limit_less_what_is_in_use(
    container: Path, file: str, text: str, free: int | None
) -> None:
    (container / file).write_text(text)
    found = opened.available_bytes()
    assert found > 50_000 if free is None else found == free


def test_the_limit_of_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda _: (taken + 10**7, taken + 10**7))
    assert 0 <= opened.available_bytes() <= 2 * 10**7

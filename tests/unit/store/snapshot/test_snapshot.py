"""What is saved is what is loaded, and the file says what it is."""

import hashlib
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psutil
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sim import World
from sim.errors import Cancelled, InputError, SnapshotError
from sim.store import load, read, save
from sim.store.snapshot import opened
from sim.store.snapshot import snapshot as module
from sim.store.snapshot.files import (
    LEAF_BYTES,
    MAGIC,
    TRAILER_BYTES,
    Trailer,
    full,
    quick,
    quick_of,
    trailer_of,
)
from sim.store.snapshot.snapshot import FiledRecords, leave_in_file
from tests.raising import raises
from tests.unit.store.fake import AnyWorld, FakeWorld, saved


@pytest.mark.parametrize("count", [1000, 100_000])  # the columns of many lie in several chunks
def test_a_loaded_world_equals_the_saved_one(tmp_path: Path, count: int) -> None:
    world = FakeWorld.create(count)
    again = read(saved(tmp_path / "a.hub", world), FakeWorld)
    assert again.digest() == world.digest()
    assert list(again.columns) == list(world.columns)
    for name, column in world.columns.items():
        assert again.columns[name].dtype == column.dtype
        np.testing.assert_array_equal(again.columns[name], column)
    again.columns["ties.targets"][0] = 5
    assert again.columns["ties.targets"][0] == 5


@given(
    arrays.arrays(
        st.sampled_from(["|b1", "|i1", "<u2", ">u4", "<i8", "<f4", ">f8"]).map(np.dtype),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    )
)
def test_any_array_of_numbers_comes_back(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray[Any, Any]
) -> None:
    path = saved(tmp_path_factory.mktemp("any") / "a.hub", AnyWorld({}, {"x": array}))
    back = read(path, AnyWorld).columns["x"]
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype.newbyteorder("<")
    assert back.shape == array.shape


def test_columns_in_fortran_order_and_with_steps_come_back(tmp_path: Path) -> None:
    table = np.arange(12).reshape(3, 4)
    world = AnyWorld({}, {"turned": table.T, "steps": table[:, ::2]})
    back = read(saved(tmp_path / "a.hub", world), AnyWorld).columns
    assert back["turned"].tolist() == table.T.tolist()
    assert back["steps"].tolist() == table[:, ::2].tolist()


@pytest.mark.parametrize(
    "column",
    [np.array(["a"]), np.array([None]), np.zeros(1, "u1,u4"), np.zeros(1, complex),
     np.zeros((1, 1, 1, 1, 1))],
    ids=["text", "objects", "records", "complex", "five dimensions"],
)  # fmt: skip
def test_what_is_no_array_is_refused(tmp_path: Path, column: np.ndarray[Any, Any]) -> None:
    raises(InputError, "Column 'x'", save, AnyWorld({}, {"x": column}), tmp_path / "a.hub")
    assert list(tmp_path.iterdir()) == []


def test_the_report_tells_path_size_and_time(tmp_path: Path) -> None:
    began = perf_counter()
    done = save(FakeWorld.create(), tmp_path / "a.hub")
    assert 0 < done.seconds <= perf_counter() - began
    assert done.path == tmp_path / "a.hub"
    assert done.bytes == (tmp_path / "a.hub").stat().st_size


def test_a_later_save_replaces_the_earlier_and_leaves_nothing_else(tmp_path: Path) -> None:
    saved(tmp_path / "a.hub", FakeWorld.create(turn=1))
    path = saved(tmp_path / "a.hub", FakeWorld.create(turn=2))
    assert read(path, FakeWorld).meta["tick"] == 2
    assert list(tmp_path.iterdir()) == [path]


def test_names_of_any_script_texts_and_links_are_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("월드.hub", "a b?mode=rw#x%20.hub", "-.hub"):
        assert read(saved(tmp_path / name), FakeWorld).meta["tick"] == 0
    monkeypatch.chdir(tmp_path)
    save(AnyWorld({}, {}), "a.hub")
    Path("link").symlink_to("a.hub")
    for name in ("a.hub", "link"):
        assert read(name, AnyWorld).columns == {}


def test_any_sqlite_client_opens_the_file_and_finds_it_sound(tmp_path: Path) -> None:
    with closing(sqlite3.connect(saved(tmp_path / "a.hub"))) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("SELECT value FROM world WHERE key = 'tick'").fetchone() == ("0",)
        rows = file.execute("SELECT column, count(*) FROM chunks GROUP BY 1").fetchall()
    assert ("ties.targets", 1) in rows


def test_both_report_each_stage_and_shares_from_0_to_1(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    save(FakeWorld.create(100_000), tmp_path / "a.hub", report=lambda *said: told.append(said))
    assert list(dict.fromkeys(stage for stage, _ in told)) == ["packing", "writing", "checking"]
    read(tmp_path / "a.hub", FakeWorld, report=lambda *said: told.append(said))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["packing", "writing", "checking", "reading", "restoring"]
    assert all(0 <= share <= 1 for _, share in told)


@pytest.mark.parametrize("stage", ["packing", "writing", "checking"])
def test_a_cancelled_save_leaves_the_old_file_alone(tmp_path: Path, stage: str) -> None:
    path = saved(tmp_path / "a.hub")
    before = path.read_bytes()
    with pytest.raises(Cancelled):
        save(FakeWorld.create(turn=1), path, report=cancel_at(stage))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stage", ["reading", "checking", "restoring"])
def test_a_load_can_be_cancelled(tmp_path: Path, stage: str) -> None:
    with pytest.raises(Cancelled):
        read(saved(tmp_path / "a.hub"), FakeWorld, report=cancel_at(stage))


def test_a_file_that_restores_to_another_world_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    raises(SnapshotError, "not the world that was saved", read, path, AnyWorld)


def test_the_file_is_closed_after_loading(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    before = open_files()
    read(path, FakeWorld)
    saved(path)
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def cancel_at(stage: str) -> Any:
    def report(said: str, _: float) -> None:
        if said == stage:
            raise Cancelled

    return report


def naive(data: bytes) -> bytes:
    """Hash leaf after leaf, then their digests, as saves/README.md tells it."""
    tree: dict[str, Any] = {"digest_size": 32, "fanout": 0, "depth": 2}
    tree |= {"leaf_size": 1 << 20, "inner_size": 32}
    leaves = [data[start : start + (1 << 20)] for start in range(0, len(data), 1 << 20)]
    digests = [
        hashlib.blake2b(leaf, node_offset=i, last_node=i == len(leaves) - 1, **tree).digest()
        for i, leaf in enumerate(leaves)
    ]
    return hashlib.blake2b(b"".join(digests), node_depth=1, last_node=True, **tree).digest()


@pytest.fixture
def written(tmp_path: Path) -> Iterator[int]:
    """An open file of five leaves and a bit."""
    path = tmp_path / "x"
    path.write_bytes(bytes(range(251)) * ((5 * LEAF_BYTES + 77) // 251))
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def naive_quick(data: bytes, strong: bytes) -> bytes:
    leaves = [data[start : start + (1 << 20)] for start in range(0, len(data), 1 << 20)]
    digests = b"".join(xxhash.xxh3_128(leaf).digest() for leaf in leaves)
    return xxhash.xxh3_128(digests + MAGIC + strong).digest()


def computed(descriptor: int, size: int) -> Trailer:
    with full(descriptor, size) as leaves:
        return trailer_of(leaves.results())


@pytest.mark.parametrize(
    "size", [1, 100, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 3 * LEAF_BYTES, 5_200_000]
)
def test_both_digests_equal_the_naive_ones(written: int, size: int) -> None:
    data = os.pread(written, size, 0)
    found = computed(written, size)
    assert found.strong == naive(data)
    assert found.quick == naive_quick(data, found.strong)
    with quick(written, size) as leaves:
        assert quick_of(leaves.results(), found.strong) == found.quick


def test_the_digests_are_these_for_ever(written: int) -> None:
    found = computed(written, 3)
    assert found.strong.hex() == KNOWN
    assert found.quick.hex() == KNOWN_QUICK


def test_lengthening_or_moving_a_byte_between_leaves_changes_both(written: int) -> None:
    sizes = [LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 2 * LEAF_BYTES]
    found = [computed(written, size) for size in sizes]
    assert len({each.strong for each in found}) == len({each.quick for each in found}) == 4


def test_a_file_shorter_than_it_said_is_an_error(written: int) -> None:
    raises(EOFError, "ends before byte 9000000", computed, written, 9_000_000)


def test_work_not_begun_is_dropped_on_the_way_out(written: int) -> None:
    with full(written, 5 * LEAF_BYTES) as leaves:
        pass
    assert all(leaf.done() for leaf in leaves._results)


def test_a_trailer_is_80_bytes_and_says_what_it_is() -> None:
    seal = Trailer(b"s" * 32, b"q" * 16)
    assert TRAILER_BYTES == len(seal.bytes) == 80
    assert Trailer.parse(seal.bytes) == seal
    assert Trailer.parse(seal.bytes[:-1]) is None
    assert Trailer.parse(bytes(80)) is None
    assert MAGIC.decode().strip("\n\0") == "HUBBUB BLAKE2b-256 tree 1 MiB"


def test_the_last_bytes_of_a_file_are_its_trailer(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.hub").read_bytes()
    assert data[-80:-48] == MAGIC
    assert data[-48:-16] == naive(data[:-80])
    assert data[-16:] == naive_quick(data[:-80], data[-48:-16])


KNOWN = "8b361cb2f2ae0a88f714b20756adf1a1fd2a3cf071a6b13eadd2ec8381f87250"
KNOWN_QUICK = "00f1427140f76da868560981a8973728"


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

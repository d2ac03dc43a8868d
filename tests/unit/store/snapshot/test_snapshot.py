"""What is saved is what is loaded, and the file says what it is."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sim.errors import Cancelled, InputError, SnapshotError
from sim.store import read, save
from tests.unit.store.fake import AnyWorld, FakeWorld, saved


def test_a_loaded_world_equals_the_saved_one(tmp_path: Path) -> None:
    world = FakeWorld.create()
    again = read(saved(tmp_path / "a.hub", world), FakeWorld)
    assert again.digest() == world.digest()
    assert list(again.columns) == list(world.columns)
    for name, column in world.columns.items():
        assert again.columns[name].dtype == column.dtype
        np.testing.assert_array_equal(again.columns[name], column)


def test_columns_of_several_chunks_come_back_whole(tmp_path: Path) -> None:
    world = FakeWorld.create(100_000)
    assert world.columns["ties.targets"].nbytes > 7 << 20
    assert read(saved(tmp_path / "a.hub", world), FakeWorld).digest() == world.digest()


def test_loaded_columns_can_be_written_to(tmp_path: Path) -> None:
    again = read(saved(tmp_path / "a.hub"), FakeWorld)
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
def test_a_column_that_is_no_array_of_numbers_is_refused(
    tmp_path: Path, column: np.ndarray[Any, Any]
) -> None:
    with pytest.raises(InputError, match="Column 'x'"):
        save(AnyWorld({}, {"x": column}), tmp_path / "a.hub")
    assert list(tmp_path.iterdir()) == []


def test_a_world_without_columns_is_saved(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub", AnyWorld({}, {}))
    assert read(path, AnyWorld).columns == {}


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


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.hub")
    path.chmod(0o600)
    saved(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_names_of_any_script_and_with_marks_of_addresses_are_paths(tmp_path: Path) -> None:
    for name in ("월드.hub", "a b?mode=rw#x%20.hub", "-.hub"):
        assert read(saved(tmp_path / name), FakeWorld).meta["tick"] == 0


def test_a_relative_path_and_a_text_path_are_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(FakeWorld.create(), "a.hub")
    assert read("a.hub", FakeWorld).meta["tick"] == 0


def test_a_link_to_a_world_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(saved(tmp_path / "a.hub"))
    assert read(tmp_path / "link", FakeWorld).meta["tick"] == 0


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
    with pytest.raises(SnapshotError, match="not the world that was saved"):
        read(path, AnyWorld)


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

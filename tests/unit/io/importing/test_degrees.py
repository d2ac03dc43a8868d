from pathlib import Path

import numpy as np
import pytest

from sim import World
from sim.errors import FileError, FormatError, InputError
from sim.io import read_degrees

PAIRS = np.array([[2, 1], [1, 1], [0, 2], [1, 0]], np.uint16)


def test_arrays_and_tables_give_the_same_pairs(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", other=np.arange(3), deg=PAIRS)
    np.save(tmp_path / "a.npy", PAIRS)
    (tmp_path / "a.csv").write_text("followers,followed\n2,1\n1,1\n0,2\n1,0\n")
    (tmp_path / "a.txt").write_text("# pairs\n2 1\n1 1\n0 2\n1 0")
    for name in ("a.npz", "a.npy", "a.csv", "a.txt"):
        pairs = read_degrees(tmp_path / name)
        assert pairs.dtype == np.int64
        assert pairs.tolist() == PAIRS.tolist()
    assert read_degrees(tmp_path / "a.npz", columns=(1, 0)).tolist() == PAIRS[:, ::-1].tolist()
    assert read_degrees(tmp_path / "a.csv", columns=("followed", 0)).tolist() == [
        [1, 2], [1, 1], [2, 0], [0, 1],
    ]  # fmt: skip


def test_pairs_make_a_world_of_these_degrees(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", deg=PAIRS)
    pairs = read_degrees(tmp_path / "a.npz")
    world = World.create(len(pairs), "configuration", degrees=pairs, seed=2)
    assert (world.ties.out_degree <= pairs[:, 0]).all()
    assert world.ties.count + world.ties.dropped.loops + world.ties.dropped.duplicates == 4


@pytest.mark.parametrize(
    "array",
    [np.arange(4), PAIRS[:0], PAIRS.astype(float), np.array([[{}, {}]], object)],
    ids=["one column", "empty", "floats", "objects"],
)
def test_a_numpy_file_without_pairs_is_refused(array: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", deg=array)
    with pytest.raises(FileError, match=r"no array of whole numbers|no usable numpy file"):
        read_degrees(tmp_path / "a.npz")


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", deg=PAIRS)
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-60])
    for name, reason in [("b.npz", "no usable numpy file"), ("c.npz", "no such file")]:
        with pytest.raises(FileError, match=reason):
            read_degrees(tmp_path / name)
    (tmp_path / "d.csv").write_text("1,2\n2,x\n")
    with pytest.raises(FormatError, match="line 2"):
        read_degrees(tmp_path / "d.csv")
    (tmp_path / "e.csv").write_text("1,2\n2,-1\n")
    with pytest.raises(FileError, match="degrees below 0"):
        read_degrees(tmp_path / "e.csv")
    with pytest.raises(InputError, match="columns of an array are 0 and 1"):
        read_degrees(tmp_path / "a.npz", columns=(0, 2))


def test_a_bomb_of_zeros_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.io.importing.table._MOST_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", deg=np.zeros((10_000, 2), np.int64))
    with pytest.raises(FileError, match="unpacks to more"):
        read_degrees(tmp_path / "a.npz")

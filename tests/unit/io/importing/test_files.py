import gzip
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from sim import World, select
from sim.errors import FileError, FormatError, InputError
from sim.io import EdgeOptions, export, import_world, read_degrees, read_labels, read_profiles
from sim.io.importing.files import opened
from sim.runtime.replay import replay
from tests.raising import raises


def _told(place: Path | str) -> str:
    with pytest.raises(FileError) as caught:
        import_world(place)
    sentence = str(caught.value)
    assert sentence.startswith(str(place))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x00\x01\x02\x03" * 50, "is a binary file"),
        (b"1 2\n\x00 3\n", "is a binary file"),
        (bytes(range(1, 256)) * 8, "is a binary file"),
        (b'{"nodes": []}', "is JSON without nodes and links"),
        (b"SQLite format 3\x00....", "is a saved world or another database"),
        (b"PK\x03\x04....", "is a zip archive"),
        (b"BZh91AY", "is packed with bzip2"),
        (b"\xfd7zXZ\x00..", "is packed with xz"),
        ("1 2\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"1 2\n" * 9_000, mtime=0)[:-40], "ends in the middle of its packed data"),
        (gzip.compress(b"1 2\n", mtime=0)[:-8] + bytes(8), "is damaged gzip data"),
        (b"\x1f\x8bno gzip at all", "is damaged gzip data"),
        (b"<html><body>Not found</body></html>", "is a web page, which is not supported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_table_are_refused_in_one_sentence(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    place = tmp_path / "file.txt"
    place.write_bytes(content)
    assert reason in _told(place)
    assert place.read_bytes() == content


def test_what_is_no_file_is_said_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place, said in (
        ("no/such/file.txt", "there is no such file"),
        (tmp_path, "is a directory"),
        (tmp_path / "pipe", "is a pipe or a device"),
        ("/dev/zero", "is a pipe or a device"),
    ):
        assert said in _told(place)
    raises(FileError, "is no path", import_world, "a\x00b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    place = tmp_path / "secret.txt"
    place.write_text("1 2\n")
    place.chmod(0)
    assert "may not be read" in _told(place)


def test_bombs_and_endless_lines_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.io.importing.files._SMALL", 1 << 20)
    place = tmp_path / "bomb.gz"
    place.write_bytes(gzip.compress(b"1 2\n" * 3_000_000))
    assert "unpacks to more than 250 times its size" in _told(place)
    place = tmp_path / "line.txt"
    place.write_bytes(b"1 2\n" + b"7" * (6 << 20))
    assert "a line of more than 1 MiB" in _told(place)


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("1 2\n")
    (tmp_path / "link.txt").symlink_to(tmp_path / "file.txt")
    with opened(tmp_path / "link.txt") as source:
        assert source.read(100) == b"1 2\n"
        assert source.share == 1.0


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
        raises(FileError, reason, read_degrees, tmp_path / name)
    (tmp_path / "d.csv").write_text("1,2\n2,x\n")
    raises(FormatError, "line 2", read_degrees, tmp_path / "d.csv")
    (tmp_path / "e.csv").write_text("1,2\n2,-1\n")
    raises(FileError, "degrees below 0", read_degrees, tmp_path / "e.csv")
    with pytest.raises(InputError, match="columns of an array are 0 and 1"):
        read_degrees(tmp_path / "a.npz", columns=(0, 2))


def test_a_bomb_of_zeros_stays_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.io.importing.table._MOST_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", deg=np.zeros((10_000, 2), np.int64))
    raises(FileError, "unpacks to more", read_degrees, tmp_path / "a.npz")


def _file(folder: Path, text: str) -> Path:
    place = folder / "labels.csv"
    place.write_text(text, encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("text", "how", "members", "community", "names"),
    [
        ("1 10\n2 9\n3 10\n", {"prefix": "department"}, [1, 2, 3, 4], [1, 0, 1, -1],
         ["department 9", "department 10"]),
        ('id,team\nann,"Red, old"\nbob,Blue\x1b[0m\n', {}, ["bob", "ann"], [0, 1],
         ["Blue\ufffd[0m", "Red, old", "team"]),
        ("days,mature,new_id\n5,True,007\n6,False,8\n", {"columns": ("new_id", "mature")}, [7, 8],
         [1, 0], ["False", "True"]),
    ],
    ids=["numbers", "words", "columns by name"],
)  # fmt: skip
def test_labels_are_ordered_made_safe_and_found_by_name(
    text: str, how: Any, members: list[Any], community: list[int], names: list[str], tmp_path: Path
) -> None:
    found = read_labels(_file(tmp_path, text), **how).community(members)
    assert (found[0].tolist(), found[1]) == (community, names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5,a\n6,a\n5,b\n", r"line 3 .* 5 had the label a"),
        ("1,a\n2\n", r"line 2 .* a line needs an id and a label"),
        ("1,a\n2,\n", r"line 2 .* a line needs an id and a label"),
        ("1,a\n,b\n", r"line 2 .* a line needs an id and a label"),
        ("id,label\n", "holds no labels"),
    ],
)
def test_labels_that_are_none_are_refused(text: str, said: str, tmp_path: Path) -> None:
    raises(FileError, said, read_labels, _file(tmp_path, text))


@pytest.mark.parametrize("ids", ["auto", "str"])
def test_ids_and_labels_like_formulas_come_back_from_exported_tables(
    tmp_path: Path, ids: Literal["auto", "str"]
) -> None:
    names = ["=1+1", "+ann", "-2", '@cem,"d"', "'=1+1", "''-2", "\uff1dy", "'s-Hage", "O'Neill"]
    every = range(len(names) - 1)
    world = World.from_edges([*every], [at + 1 for at in every], seed=7, ids=names)
    world.agents.set_community([0] * 4 + [1] * 5, ["=north", "'=north"])
    export(world, tmp_path, to="csv")
    labels = read_labels(tmp_path / "agents.csv", columns=("id", "community"))
    options = EdgeOptions(columns=("source", "target"), ids=ids)
    back = import_world(tmp_path / "ties.csv", options=options, labels=labels).world
    assert [back.agents.id(at) for at in range(9)] == names
    assert sorted(labels.of) == sorted(names)
    assert [labels.of[name] for name in names] == ["=north"] * 4 + ["'=north"] * 5
    assert [str(person.id) for person in read_profiles(tmp_path / "agents.csv")] == names


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("source,target,trust\n'=1,'@b\n", ["=1", "@b"]),
        ("source,target,trust\n'=1,'@b\n\n", ["=1", "@b"]),
        ("'=1\t=1\n", ["'=1", "=1"]),
    ],
)
def test_apostrophes_go_from_exported_tables(text: str, ids: list[str], tmp_path: Path) -> None:
    agents = import_world(_file(tmp_path, text)).world.agents
    assert [agents.id(0), agents.id(1)] == ids


def test_members_of_a_real_network_are_called_by_their_ids(tmp_path: Path) -> None:
    place = _file(tmp_path, "12 7\n7 9\n9 12\n")
    made = import_world(place, people="own").world
    agents = made.agents
    assert [agents.name(v) for v in range(3)] == [f"member {agents.id(v)}" for v in range(3)]
    assert not agents.interests.any()
    assert agents.naming().names().tolist() == [0, 1, 2]
    assert select(agents, 'name:"member 1"').tolist() == [agents.index(12)]
    again = World.restore(*made.dump())
    assert again.digest() == made.digest()
    assert again.agents.name(0) == agents.name(0)
    assert replay(made.trail.acts).world.digest() == made.digest()
    assert import_world(place).world.agents.interests.any()
    with pytest.raises(InputError, match="people must be 'own' or 'invented'"):
        import_world(place, people="mine")  # type: ignore[arg-type]

"""Arrays in scratch files read as they did in memory, and leave no name behind."""

import pickle
import platform
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core import scratch as spill
from sim.core.append_log import SharedList
from sim.core.scratch import ScratchFiles, is_filed, let_go, looked_at


@pytest.mark.parametrize("shape", [(2000,), (50, 40), (5, 2, 300)])
@pytest.mark.parametrize("dtype", ["u1", "<i8", "<f8", "?"])
def test_what_was_moved_is_as_it_was(shape: tuple[int, ...], dtype: str) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    moved = ScratchFiles().moved(array)
    let_go()
    assert (moved.dtype, moved.shape) == (array.dtype, array.shape)
    assert np.array_equal(moved, array)
    assert is_filed(moved) == (array.nbytes >= spill.LEAST_BYTES)


def test_moved_arrays_can_be_written_into_and_keep_it() -> None:
    store = ScratchFiles()
    first, second = store.moved(np.zeros(5000)), store.moved(np.ones(5000))
    first[7] = 3.0
    let_go()
    assert (first[7], first.sum(), second.sum()) == (3.0, 3.0, 5000.0)


def test_scratch_files_have_no_names_and_descriptors_go_with_them(tmp_path: Path) -> None:
    store = ScratchFiles(tmp_path)
    moved = store.moved(np.arange(100_000))
    assert list(tmp_path.iterdir()) == []
    assert int(moved.sum()) == 4999950000
    before = psutil.Process().num_fds()
    for _ in range(20):
        ScratchFiles().moved(np.arange(100_000))
    assert psutil.Process().num_fds() <= before + 4


@pytest.mark.parametrize("why", ["no folder", "disk is full"])
def test_without_room_on_the_disk_arrays_stay_in_memory(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "disk is full":
        monkeypatch.setattr(spill, "SPARE_BYTES", 1 << 62)
    store = ScratchFiles(tmp_path / "none" if why == "no folder" else tmp_path)
    array = np.arange(100_000)
    assert store.moved(array) is array
    room = store.room(array.nbytes)
    copy = room.hold(array)
    assert not room.is_filed
    assert np.array_equal(copy, array)
    assert copy is not array


def test_a_place_holds_one_array_after_the_other() -> None:
    room = ScratchFiles().room(80_000)
    first = room.hold(np.arange(10_000))
    second = room.hold(np.arange(20_000, dtype=np.int32).reshape(-1, 4)[::-1])
    assert np.shares_memory(first, second)
    assert second[0].tolist() == [19996, 19997, 19998, 19999]


@pytest.mark.parametrize("why", ["there is room", "disk is full"])
def test_joined_arrays_stand_one_behind_the_other(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "disk is full":
        monkeypatch.setattr(spill, "SPARE_BYTES", 1 << 62)
    store = ScratchFiles(tmp_path)
    first = store.moved(np.arange(5000, dtype=np.uint32))
    parts = [first, np.empty(0, np.uint32), np.arange(6000, dtype=np.uint32)[::2], first[7:9]]
    joined = store.joined(parts)
    assert is_filed(joined) == (why == "there is room")
    assert joined.dtype == np.uint32
    assert np.array_equal(joined, np.concatenate(parts))


def test_files_are_shared_until_they_are_full_and_joining_casts_as_numpy() -> None:
    parts: list[npt.NDArray[Any]] = [np.arange(3, dtype=np.uint8), np.arange(4, dtype=np.int64)]
    joined = ScratchFiles().joined(parts)
    assert joined.dtype == np.int64
    assert joined.tolist() == [0, 1, 2, 0, 1, 2, 3]
    store = ScratchFiles()
    moved = [store.moved(np.full(300_000, number)) for number in range(20)]
    assert [int(each[0]) for each in moved] == list(range(20))
    assert store.bytes == 20 * 300_000 * 8


def test_scratch_files_stay_with_their_process() -> None:
    store = ScratchFiles()
    moved = store.moved(np.arange(5000))
    assert deepcopy(store) is store
    other = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
    assert other.bytes == 0
    assert np.array_equal(pickle.loads(pickle.dumps(moved)), moved)  # noqa: S301 - our own


def test_looking_at_much_gives_memory_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(spill, "let_go", lambda: told.append(1))
    monkeypatch.setattr(spill, "_looked", 0)
    for _ in range(4):
        looked_at(40 << 20)
    assert len(told) == 2


_HEAPS = """
import ctypes, sys, threading
from sim import World
World.create(agents=50, mean_degree=4, seed=1)
gate = threading.Barrier(5)
def work():
    gate.wait()
    bytearray(5_000)
    gate.wait()
for _ in range(4):
    threading.Thread(target=work).start()
gate.wait()
gate.wait()
libc = ctypes.CDLL("libc.so.6")
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
with open(sys.argv[1]) as said:
    print(said.read().count("<heap nr"))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_that_come_after_a_world_have_no_heaps_of_their_own(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", _HEAPS, str(tmp_path / "said")]
    assert subprocess.run(asked, capture_output=True, check=True).stdout.split() == [b"1"]


Steps = list[tuple[str, int, int]]
STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "own", "settle", "copy"]), st.integers(0, 9),
              st.integers(0, 99)),
    max_size=40,
)  # fmt: skip


@given(STEPS)
def test_lists_and_copies_are_each_as_a_list_of_its_own(steps: Steps) -> None:
    lists: list[SharedList[int]] = [SharedList([1, 2, 3], {1: 2})]
    plain = [[1, 2, 3]]
    for what, which, value in steps:
        own, same = lists[which % len(lists)], plain[which % len(lists)]
        places = list(own.own)
        if what == "append":
            own.append(value)
            same.append(value)
        elif what == "own":
            own.append(value, is_own=True)
            same.append(value)
        elif what == "settle" and places:
            place = places[value % len(places)]
            own.settle(place, value)
            same[place] = value
        elif what == "copy":
            changed = {place: value + n for n, place in enumerate(places)}
            lists.append(own.copied(changed))
            plain.append([changed.get(place, each) for place, each in enumerate(same)])
        assert [list(each) for each in lists] == plain
        assert [list(each.own) for each in lists] == [sorted(each.own) for each in lists]


def test_it_is_read_as_any_sequence() -> None:
    names = SharedList(["a", "b", "c", "d"], {2: "c"})
    assert (len(names), names[2], names[-1]) == (4, "c", "d")
    assert names[1:] == ["b", "c", "d"]
    assert names[::-2] == ["d", "b"]
    assert "c" in names
    assert names.index("c") == 2
    with pytest.raises(IndexError):
        names[4]
    assert names == SharedList(["a", "b", "c", "d"])
    assert names != SharedList(["a"])
    assert names != ["a", "b", "c", "d"]


def test_a_copy_has_the_same_items_of_its_own_unless_it_is_given_others() -> None:
    names = SharedList(["a", "b"], {1: "b"})
    twin = names.copied()
    names.settle(1, "c")
    assert list(twin) == ["a", "b"]
    assert list(names) == ["a", "c"]

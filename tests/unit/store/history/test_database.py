"""The history database: every act and post of a world's line on the disk, and none of another's."""

import queue
import shutil
import sqlite3
import threading
import tracemalloc
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Act, World, load, save
from sim.errors import FileError, SnapshotError
from sim.platform.acts.log import NOBODY, ActColumns
from sim.platform.acts.tick_record import KINDS, PostedMessages, ending
from sim.runtime import recorded
from sim.runtime.journal.history import HistoryWriter
from sim.store import Record, read_history, record_of, saves
from sim.store.history import database as acts_file
from sim.store.history import database as acts_packing
from sim.store.history.acts import ActIndex, RecordedAct
from sim.store.history.database import (
    HistoryDatabase,
    TickDecisions,
    copy_history,
    drop_history,
    history_file,
    move_history,
    require_ours,
)
from sim.store.snapshot.gates import DamagedError
from tests.faults.test_versions import laid
from tests.raising import raises
from tests.unit.runtime.worlds import present
from tests.unit.store.fake import FakeWorld, disk_full

ROW = st.tuples(
    st.integers(0, 200_000), st.integers(0, len(Act) - 1), st.integers(0, 5_000),
    st.one_of(st.integers(0, 200_000), st.just(NOBODY)),
)  # fmt: skip


def hosted(**told: Any) -> World:
    """Return a small world whose log keeps everything: what the database is held to."""
    return World.create(agents=200, mean_degree=8, seed=7, platform={"log_ticks": 10_000} | told)


def rows_of(record: Record) -> list[tuple[int, ...]]:
    return sorted(
        (tick, *row)
        for tick, acts in record.acts()
        for row in zip(*(column.tolist() for column in acts), strict=True)
    )


def written(record: Record) -> list[tuple[Any, ...]]:
    return [
        (wall.tick, wall.first, *(column.tolist() for column in wall.wrote), wall.texts)
        for wall in record.walls()
        if wall.wrote.author.size
    ]


def only_disk(world: World, path: Path) -> Record:
    """Return what the disk alone knows of a world."""
    return record_of(ActIndex.of(world, 0), path)


def kept(world: World, file: HistoryDatabase) -> None:
    """Let a tick pass, and put it into a file."""
    world.step()
    assert world.platform is not None
    file.put(ending(world.platform))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.hub"


@given(st.lists(ROW, min_size=1, max_size=60), st.integers(5_001, 9_000))
def test_acts_come_back_by_members(rows: list[tuple[int, ...]], following: int) -> None:
    acts = ActColumns.of(*(np.array(column) for column in zip(*rows, strict=True)))
    parts = [*acts_packing.packed_acts(acts, following)]
    back = ActColumns.joined([acts_packing.acts_of(*part, following) for part in parts])
    told = zip(*(column.tolist() for column in back), strict=True)
    assert [*told] == sorted(rows, key=lambda row: row[0])
    assert all(who // acts_packing.PART in {part for part, *_ in parts} for who, *_ in rows)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        (lambda data: acts_packing.acts_of(0, 3, data, 9), b"no"),
        (lambda data: acts_packing.acts_of(0, 1 << 40, data, 9), b""),
        (lambda data: acts_packing.acts_of(0, -1, data, 9), b""),
        (lambda data: acts_packing.wrote_of(3, data), b"no"),
        (lambda data: acts_packing.texts_of(data), b"no"),
        (lambda data: acts_packing.decisions_of(data), b"no"),
    ],
)
def test_bytes_that_are_none_of_ours_are_damage(what: Any, data: bytes) -> None:
    for forged in (data, zlib.compress(b"\xc1"), zlib.compress(b"[1]"), zlib.compress(bytes(99))):
        raises(DamagedError, "", what, forged)


def test_an_act_that_there_is_not_is_damage() -> None:
    acts = ActColumns.of([1], [200])
    with pytest.raises(DamagedError, match="an act that there is not"):
        acts_packing.acts_of(*next(acts_packing.packed_acts(acts, 9)), 9)


def test_the_disk_has_every_act_and_post_that_memory_has(path: Path) -> None:
    world = hosted(posting=0.3)
    with recorded(world, path) as recording:
        world.platform.act(3, "post", text="Hello, all.")  # type: ignore[union-attr]
        world.step(60)
    assert present(recording).trouble is None
    disk, memory = only_disk(world, path), record_of(world)
    assert disk.ticks == memory.ticks == [*range(1, 61)]
    assert disk.missing == []
    assert rows_of(disk) == rows_of(memory)
    seen = [wall for wall in written(disk) if wall[0] > 60 - world.platform.settings.window]  # type: ignore[union-attr]
    assert seen == written(memory)
    assert {text for wall in disk.walls() for text in wall.texts.values()} == {"Hello, all."}
    platform = present(world.platform)
    assert len(rows_of(disk)) == int(platform.log.counted[1].sum())


def test_where_room_is_short_ticks_of_a_way_that_was_left_go_first(path: Path) -> None:
    world = hosted(posting=0.3)
    recording = HistoryWriter(world, path)
    world.step(12)
    other = World.restore(*world.dump())
    world.step(24)
    present(other.platform).act(3, "post", text="Elsewhere.")
    recording.follow(other)
    other.step(2)
    recording.wait()
    assert recording._file is not None
    with closing(sqlite3.connect(history_file(path))) as file:
        recording._file._most_bytes = acts_file._used(file) - 1
    other.step(1)
    recording.close()
    assert only_disk(other, path).ticks == [*range(1, 16)]
    assert 12 <= len(only_disk(world, path).ticks) < 36


def test_where_a_history_may_take_no_room_nothing_is_written(path: Path) -> None:
    world, other = hosted(), hosted()
    writer = HistoryWriter(world, path, most_mb=0)
    writer.follow(other)
    other.step(2)
    writer.decided(other, [])
    writer.wait()
    assert (writer.trouble, writer.behind > 1 << 20) == (None, True)
    writer.close()
    assert writer.world is other
    assert not history_file(path).exists()
    with recorded(other, None) as nobody:
        assert nobody is None


def test_what_a_member_did_is_found_without_the_others(path: Path) -> None:
    world = hosted()
    with recorded(world, path):
        world.step(40)
    platform, record = world.platform, only_disk(world, path)
    assert platform is not None
    for agent in range(0, 200, 17):
        told = [
            (d.tick, d.act, d.message % (1 << 32), d.other % (1 << 32)) for d in record.of(agent)
        ]
        assert sorted(told) == sorted(platform.log.of(agent))
    some = next(deed for agent in range(200) for deed in record.of(agent) if deed.other >= 0)
    assert some in record.of(some.agent, some.other)
    assert all(d.other == some.other for d in record.of(some.agent, some.other))
    assert all(5 <= deed.tick <= 9 for deed in record.of(some.agent, first=5, last=9))


def test_a_message_is_found_by_its_number_and_by_the_act_that_posted_it(path: Path) -> None:
    world = hosted(posting=0.5)
    with recorded(world, path):
        world.step(30)
    platform = present(world.platform)
    for record in (only_disk(world, path), record_of(world)):
        posts = {wall.first + i: wall for wall in record.walls() for i in range(wall.wrote[0].size)}
        assert sorted(posts) == [*range(platform.posts.next)]
        for number in (0, len(posts) // 2, len(posts) - 1):
            found = present(record.post(number))
            assert found.row[0] == posts[number].wrote.author[number - posts[number].first]
        assert record.post(len(posts)) is None
        assert record.post(-1) is None
        deeds = [deed for agent in range(200) for deed in record.of(agent)]
        for act, kind in ((Act.REPLY, 2), (Act.POST, 0)):
            deed = next(each for each in deeds if each.act is act)
            wrote = present(record.behind(deed))
            assert (wrote.tick, wrote.row[0], wrote.row[4]) == (deed.tick, deed.agent, kind)
        assert record.behind(RecordedAct(3, 1, Act.REFRESH, -1, -1)) is None
        assert record.behind(RecordedAct(3, 1, Act.REPLY, 1 << 20, -1)) is None
        assert record.behind(RecordedAct(10**6, 1, Act.REPLY, 1, -1)) is None


def test_a_world_without_a_platform_leaves_no_file(path: Path) -> None:
    world = World.create(agents=50, mean_degree=4, seed=7)
    with recorded(world, path):
        world.step(3)
    assert not history_file(path).exists()
    assert record_of(world, path).missing == []
    world.open_platform()
    assert record_of(world, path).ticks == []
    assert record_of(world, path).missing == []


def test_a_forged_tick_costs_no_memory(path: Path) -> None:
    world = hosted()
    world.step(2)
    world.tick = 2**31 - 1
    tracemalloc.start()
    assert record_of(world, path).missing == [(1, 2**31 - 1)]
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_ticks_of_which_a_file_knows_nothing_are_named(path: Path) -> None:
    world = hosted(log_ticks=4)
    with recorded(world, path):
        world.step(5)
    world.step(10)
    assert record_of(world, path).missing == [(6, 11)]
    with recorded(world, path):  # what the world itself holds is written on the way
        world.step(1)
    assert only_disk(world, path).missing == [(6, 11)]
    with recorded(world, None) as nothing:
        assert nothing is None


def test_doing_ticks_again_writes_the_same_and_a_branch_leaves_the_other_alone(path: Path) -> None:
    world = hosted()
    with recorded(world, path):
        world.step(8)
        early = World.restore(*world.dump())
        world.step(8)
    before = rows_of(only_disk(world, path))
    with recorded(early, path):
        early.step(8)
    assert early.digest() == world.digest()
    assert rows_of(only_disk(early, path)) == before
    other = World.restore(*hosted().dump())
    with recorded(other, path):
        other.step(8)
        other.platform.act(7, "post", text="Another way.")  # type: ignore[union-attr]
        other.step(8)
    assert rows_of(only_disk(world, path)) == before
    assert rows_of(only_disk(other, path)) == rows_of(record_of(other)) != before
    with closing(sqlite3.connect(history_file(path))) as file:
        assert file.execute("SELECT count(*) FROM ticks").fetchone() == (16 + 8,)


def test_a_file_is_followed_beyond_what_was_saved_along_the_line_written_last(path: Path) -> None:
    world = hosted()
    with recorded(world, path):
        world.step(5)
        saved = World.restore(*world.dump())
        world.step(5)
    ahead = record_of(ActIndex.of(saved, 0), path, until=8)
    assert ahead.ticks == [*range(1, 9)]
    assert rows_of(ahead) == [row for row in rows_of(record_of(world)) if row[0] <= 8]
    assert record_of(saved, path, until=3).ticks == [*range(1, 6)]


def test_what_a_kill_left_unwritten_is_in_the_recovered_world(path: Path, tmp_path: Path) -> None:
    world = hosted(log_ticks=48)
    gate, reached = threading.Event(), threading.Event()

    class Stuck(HistoryDatabase):
        def _write(self, batch: Any) -> None:
            if any(getattr(item, "tick", 0) > 20 for item in batch):
                reached.set()
                gate.wait(60)
            super()._write(batch)

    file = Stuck(history_file(path), most_bytes=1 << 30)
    for _ in range(24):
        kept(world, file)
    assert reached.wait(60)
    killed = tmp_path / "killed.hub"
    for end in ("", "-wal"):  # what a killed process leaves
        shutil.copyfile(f"{history_file(path)}{end}", f"{history_file(killed)}{end}")
    gate.set()
    file.close()
    again = World.restore(*world.dump())
    assert only_disk(again, killed).missing
    with recorded(again, killed):
        again.step(2)
        world.step(2)
    disk = only_disk(again, killed)
    assert disk.missing == []
    assert rows_of(disk) == rows_of_everything(world, path)


def rows_of_everything(world: World, path: Path) -> list[tuple[int, ...]]:
    with recorded(world, path):
        pass
    return rows_of(only_disk(world, path))


def test_no_more_ticks_wait_for_the_disk_than_a_world_holds(path: Path) -> None:
    world = hosted(log_ticks=0)
    recording = HistoryWriter(world, path)
    for _ in range(12):
        world.step()
        assert present(recording._file).behind == 0
    recording.close()
    recording.close()
    assert only_disk(world, path).missing == []


def test_a_file_stays_under_its_limit_and_the_newest_ticks_stay(path: Path) -> None:
    world = hosted(posting=0.5, log_ticks=8)
    other = World.create(agents=200, mean_degree=8, seed=8, platform={"posting": 0.5})
    limit = 96 << 10
    for each, ticks in ((other, 30), (world, 150)):
        file = HistoryDatabase(
            history_file(path), most_bytes=limit,
            line=lambda each=each: each.platform.log.chains,  # type: ignore[misc]
        )  # fmt: skip
        for _ in range(ticks):
            kept(each, file)
        file.close()
        assert file.trouble is None
    assert history_file(path).stat().st_size <= 1.2 * limit
    record = only_disk(world, path)
    assert record.ticks[-1] == 150
    assert record.missing == [(1, record.ticks[0] - 1)]
    assert only_disk(other, path).ticks == []  # what is not on the world's line goes first


class Full(HistoryDatabase):
    """Stands for a full disk until there is room."""

    has_room = False

    def _write(self, batch: Any) -> None:
        if not self.has_room:
            disk_full()
        super()._write(batch)


def test_a_full_disk_is_said_and_what_waits_is_written_when_there_is_room(path: Path) -> None:
    world, heard = hosted(), threading.Event()
    file = Full(history_file(path), most_bytes=1 << 30, noticed=heard.set)
    kept(world, file)
    assert heard.wait(60)
    assert file.trouble == "What members do is not kept: the disk is full (a.hub.history)."
    for _ in range(acts_file.QUEUE + 3):
        kept(world, file)
    file.has_room = True
    file.wait()
    assert file.trouble is None
    file.close()
    assert only_disk(world, path).ticks[: acts_file.QUEUE] == [*range(1, acts_file.QUEUE + 1)]


def test_a_world_that_ends_does_not_wait_for_room(path: Path) -> None:
    world = hosted()
    file = Full(history_file(path), most_bytes=1 << 30)
    kept(world, file)
    file.close()
    assert "the disk is full" in str(file.trouble)


@pytest.mark.parametrize("dies_in", ["write", "noticed"])
def test_nobody_waits_for_an_owner_that_has_died(path: Path, dies_in: str) -> None:
    class Dying(Full):
        def _write(self, batch: Any) -> None:
            if dies_in == "write":
                raise SystemExit("planted")
            super()._write(batch)

    told = []

    def noticed() -> None:
        told.append(file.trouble)
        if dies_in == "noticed":
            raise SystemExit("planted")

    world = hosted()
    file = Dying(history_file(path), most_bytes=1 << 30, noticed=noticed)
    file._file = connection = sqlite3.connect(":memory:", check_same_thread=False)
    world.step()
    for _ in range(acts_file.QUEUE + acts_file.BATCH + 2):
        file.put(ending(world.platform))  # type: ignore[arg-type]
    file.wait()
    file.close()
    assert file.trouble == "What members do is not kept: planted (a.hub.history)."
    assert told[-1] == file.trouble
    raises(sqlite3.ProgrammingError, "closed", connection.execute, "SELECT 1")


def test_closing_waits_for_room_in_the_queue(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(HistoryDatabase):
        def _write(self, batch: Any) -> None:
            writing.set()
            assert goes_on.wait(60)
            super()._write(batch)

    monkeypatch.setattr(acts_file, "RETRY_SECONDS", 0.001)
    writing, goes_on, world = threading.Event(), threading.Event(), hosted()
    file = Slow(history_file(path), most_bytes=1 << 30)
    for _ in range(1 + acts_file.QUEUE):
        kept(world, file)
        assert writing.wait(60)
    threading.Timer(0.1, goes_on.set).start()
    file.close()
    assert only_disk(world, path).ticks == [*range(1, 2 + acts_file.QUEUE)]


def test_a_failed_transaction_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = hosted()
    file = HistoryDatabase(history_file(path), most_bytes=1 << 30)
    kept(world, file)
    file.wait()
    monkeypatch.setattr(acts_file, "packed_wrote", lambda _wrote: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        file._write([ending(world.platform)._replace(chain=bytes(15) + b"x")])  # type: ignore[arg-type]
    monkeypatch.undo()
    kept(world, file)
    file.close()
    assert file.trouble is None
    assert only_disk(world, path).ticks == [1, 2]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    world = hosted()
    with recorded(world, tmp_path / "no" / "a.hub") as recording:
        world.step()
    assert "What members do is not kept" in str(present(recording).trouble)


def test_a_half_made_file_is_removed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(acts_file.TABLES, "ticks", "CREATE TABLE nonsense(")
    world = hosted()
    with recorded(world, path):
        world.step()
    assert [*path.parent.iterdir()] == []


def forged(path: Path, sql: str) -> Path:
    with closing(sqlite3.connect(history_file(path), isolation_level=None)) as file:
        file.executescript(sql)
    return path


@pytest.fixture
def known(path: Path) -> tuple[World, Path]:
    world = hosted(log_ticks=0)
    with recorded(world, path):
        world.step(6)
    return world, path


@pytest.mark.parametrize(
    ("sql", "match"),
    [
        ("PRAGMA application_id=1", "not a history of Hubbub"),
        ("PRAGMA user_version=99", "newer Hubbub"),
        ("CREATE VIEW v AS SELECT 1", "other tables than ours"),
        ("CREATE TRIGGER t AFTER INSERT ON ticks BEGIN SELECT 1; END", "other tables than ours"),
        ("UPDATE acts SET data = x'00'", "damaged"),
        ("UPDATE posts SET count = 1000000000", "damaged"),
    ],
)
def test_foreign_and_forged_files_stay(known: tuple[World, Path], sql: str, match: str) -> None:
    world, path = known
    before = forged(path, sql) and history_file(path).read_bytes()
    with pytest.raises(SnapshotError, match=match):
        written(record_of(world, path)), rows_of(record_of(world, path))
    if "data" not in sql and "count" not in sql:
        with recorded(world, path) as recording:
            world.step()
        assert match in str(present(recording).trouble)
        assert history_file(path).read_bytes() == before


def test_what_is_no_regular_file_is_refused(path: Path, tmp_path: Path) -> None:
    world = hosted()
    world.step()
    place = history_file(path)
    (tmp_path / "else").write_text("hello")
    place.symlink_to(tmp_path / "else")
    raises(SnapshotError, "no regular file", record_of, world, path)
    place.unlink()
    place.write_bytes(b"hello")
    raises(SnapshotError, "not a history", record_of, world, path)
    raises(SnapshotError, "cannot be read", require_ours, tmp_path / "nowhere")


def test_decisions_of_a_tick_are_those_told_last(path: Path) -> None:
    world = hosted()
    with recorded(world, path) as recording:
        assert recording is not None
        world.step(2)
        recording.decided(world, [{"member": 3, "acts": []}])
        recording.asked("ab", [("user", "What now?")])
        reply = [2, 3, 0, "ab", "like it", "", "p", "m", 0.1, 1, 2, 3, 0, "model", 1, 3, 3]
        recording.decided(world, [{"member": 3, "acts": [], "replies": [reply], "kept": 1}])
        present(recording._file).put(TickDecisions(b"another tick", [{}]))
    found = [*only_disk(world, path).decisions()]
    assert [tick for tick, _ in found] == [2]
    (row,) = found[0][1]
    assert row["replies"][0]["prompt"] == [["user", "What now?"]]
    assert row["replies"][0]["text"] == "like it"
    assert "kept" not in row
    assert [*only_disk(world, path).decisions(first=3)] == []
    assert [*record_of(world).decisions()] == []


def test_a_history_goes_where_its_world_goes(tmp_path: Path) -> None:
    world, folder = hosted(log_ticks=0), tmp_path
    with recorded(world, folder / "a.hub"):
        world.step(9)
    save(world, folder / "a.hub")
    told = rows_of(record_of(world, folder / "a.hub"))
    saves.duplicate(folder, "a", "b")
    saves.rename(folder, "a", "c")
    assert not history_file(folder / "a.hub").exists()
    for name in ("b", "c"):
        again = load(folder / f"{name}.hub")
        assert rows_of(record_of(again, folder / f"{name}.hub")) == told != []
    for name in ("b", "c"):
        saves.delete(folder, name)
    assert [*folder.iterdir()] == []


def test_a_copy_while_somebody_writes_holds_what_is_committed(path: Path, tmp_path: Path) -> None:
    world, target = hosted(log_ticks=0), tmp_path / "b.hub"
    recording = HistoryWriter(world, path)
    world.step(6)
    copy_history(path, target)
    copy_history(path, path)
    assert only_disk(world, target).ticks == [*range(1, 7)]
    recording.close()
    copy_history(tmp_path / "none.hub", target)
    assert not history_file(target).exists()


def test_a_damaged_history_goes_along_as_it_is(path: Path, tmp_path: Path) -> None:
    history_file(path).write_bytes(b"not a database, but somebody's")
    copy_history(path, tmp_path / "b.hub")
    move_history(path, tmp_path / "c.hub")
    for name in ("b.hub", "c.hub"):
        assert history_file(tmp_path / name).read_bytes() == b"not a database, but somebody's"
    drop_history(tmp_path / "c.hub")
    assert not history_file(path).exists()
    assert not history_file(tmp_path / "c.hub").exists()


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (OSError(28, "No space left on device"), "not copied: the disk is full"),
        (sqlite3.OperationalError("disk I/O error"), "not copied: the file could not be written"),
    ],
)
def test_a_copy_that_the_disk_refuses_leaves_nothing(
    known: tuple[World, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    error: Exception, match: str,
) -> None:  # fmt: skip
    def refused(_descriptor: int) -> None:
        raise error

    monkeypatch.setattr(acts_file, "flush", refused)
    raises(FileError, match, copy_history, known[1], tmp_path / "b.hub")
    assert not history_file(tmp_path / "b.hub").exists()
    assert not [*tmp_path.glob(".*partial*")]


@pytest.fixture
def logged(path: Path, tmp_path: Path) -> tuple[World, Path]:
    """A world, and the place of its history as a killed process leaves it: with a log beside it."""
    world, left = hosted(log_ticks=0), tmp_path / "left.hub"
    recording = HistoryWriter(world, path)
    world.step(6)
    recording.wait()
    for end in ("", "-wal"):
        shutil.copy(f"{history_file(path)}{end}", f"{history_file(left)}{end}")
    recording.close()
    drop_history(path)
    return world, left


@pytest.mark.parametrize("done", range(3))
def test_a_move_that_is_cut_off_leaves_all_of_a_history_in_one_place(
    logged: tuple[World, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    def replace(path: Path, target: Path) -> Path:
        if len(renamed) == done:
            raise OSError(5, "planted")
        renamed.append(path)
        return whole(path, target)

    (world, left), target = logged, tmp_path / "b.hub"
    renamed: list[Path] = []
    whole = Path.replace
    monkeypatch.setattr(Path, "replace", replace)
    with suppress(FileError):
        move_history(left, target)
    monkeypatch.undo()
    assert sorted(only_disk(world, each).ticks for each in (left, target)) == [[], [*range(1, 7)]]


def test_a_damaged_history_moves_with_its_log_and_a_missing_one_leaves_none(tmp_path: Path) -> None:
    source, target = tmp_path / "a.hub", tmp_path / "b.hub"
    history_file(source).write_bytes(b"not a database, but somebody's")
    log = Path(f"{history_file(source)}-wal")
    log.write_bytes(b"its log")
    move_history(source, target)
    assert history_file(target).read_bytes() == b"not a database, but somebody's"
    assert Path(f"{history_file(target)}-wal").read_bytes() == b"its log"
    move_history(source, target)
    assert [*tmp_path.iterdir()] == []


def test_a_copy_that_the_disk_refuses_leaves_the_history_of_before(
    known: tuple[World, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    world, target = hosted(log_ticks=0), tmp_path / "b.hub"
    with recorded(world, target):
        world.step(4)
    monkeypatch.setattr(acts_file, "flush", refused)
    raises(FileError, "the disk is full", copy_history, known[1], target)
    assert only_disk(world, target).ticks == [1, 2, 3, 4]


def test_a_full_disk_ends_a_copy(
    known: tuple[World, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlite3.connect", disk_full)
    raises(FileError, "not copied", copy_history, known[1], tmp_path / "b.hub")


def test_a_recording_moves_with_its_world(path: Path, tmp_path: Path) -> None:
    world = hosted(log_ticks=0)
    recording = HistoryWriter(world, path)
    world.step(3)
    recording.move(path)
    recording.move(tmp_path / "b.hub")  # a.hub was never saved
    assert not history_file(path).exists()
    world.step(3)
    save(world, tmp_path / "b.hub")
    recording.move(tmp_path / "c.hub")
    twin = World.restore(*world.dump())
    recording.follow(twin)
    world.step()
    twin.step(2)
    recording.close()
    assert only_disk(load(tmp_path / "b.hub"), tmp_path / "b.hub").ticks == [*range(1, 7)]
    assert only_disk(twin, tmp_path / "c.hub").ticks == [*range(1, 9)]


def test_columns_of_messages_keep_their_types() -> None:
    empty = PostedMessages.none()
    assert [column.dtype for column in empty] == [np.dtype(kind) for kind in KINDS]
    back = acts_packing.wrote_of(0, acts_packing.packed_wrote(empty))
    assert all(column.size == 0 for column in back)


def test_a_slow_disk_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, disk_goes_on = hosted(), threading.Event()

    class Slow(HistoryDatabase):
        def _write(self, batch: Any) -> None:
            assert disk_goes_on.wait(60), "the world never waited"
            super()._write(batch)

    class Waiting(queue.Queue[Any]):
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            try:
                super().put(item, block, timeout)
            except queue.Full:
                disk_goes_on.set()  # now that the world has waited once, and will again
                raise

    with monkeypatch.context() as patch:
        patch.setattr(queue, "Queue", Waiting)
        file = Slow(history_file(path), most_bytes=1 << 30)
    for _ in range(acts_file.MOST_BEHIND):
        kept(world, file)
    assert disk_goes_on.is_set()
    file.put(ending(world.platform)._replace(chain=bytes(16)))  # type: ignore[arg-type]
    file.close()
    file.close()
    assert only_disk(world, path).missing == []


def test_a_disk_that_is_really_full_rolls_back_and_goes_on(path: Path) -> None:
    world = hosted(posting=0.5)
    file = HistoryDatabase(history_file(path), most_bytes=1 << 30)
    kept(world, file)
    file.wait()
    assert file._file is not None
    pages = file._file.execute("PRAGMA page_count").fetchone()[0]
    file._file.execute(f"PRAGMA max_page_count={pages}")
    while file.trouble is None:
        kept(world, file)
    file._file.execute("PRAGMA max_page_count=100000")
    file.wait()
    file.close()
    assert file.trouble is None
    assert only_disk(world, path).missing == []


def test_what_looks_like_ours_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.store.history.database.require_ours", lambda _path: None)
    history_file(path).write_bytes(b"not a database, but somebody's" * 9)
    world = hosted()
    with recorded(world, path) as recording:
        world.step()
    assert "file is not a database" in str(present(recording).trouble)
    assert history_file(path).read_bytes() == b"not a database, but somebody's" * 9


def test_a_page_that_was_overwritten_is_one_sentence(known: tuple[World, Path]) -> None:
    world, path = known
    place = history_file(path)
    data = bytearray(place.read_bytes())
    data[4096 + 100 :] = b"\xff" * (len(data) - 4196)
    place.write_bytes(data)
    with pytest.raises(SnapshotError):
        rows_of(record_of(world, path))


def test_the_history_of_a_file_of_the_version_before_is_read(tmp_path: Path) -> None:
    path = laid("world-1-platform", tmp_path)
    assert rows_of(present(read_history(path).record)) == rows_of(record_of(load(path))) != []


def test_a_platform_that_is_none_is_one_sentence(path: Path) -> None:
    world = FakeWorld.create()
    world.meta = world.meta | {"cascades": [], "platform": {"settings": {}}}
    save(world, path)
    raises(SnapshotError, "its log of acts cannot be read", read_history, path)
    world.meta["cascades"] = [{"id": 0}]
    save(world, path)
    raises(SnapshotError, "its history cannot be read", read_history, path)

"""What is read from asyncio is what is read at once; whoever leaves ends the query."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sim import World
from sim.core import one_line
from sim.errors import SnapshotError
from sim.runtime import recorded
from sim.store import audit, info, read_audit, read_info, record_of, save
from sim.store.history.acts import ActIndex
from sim.store.history.database import history_file
from sim.store.reading import connected, read_history_file, read_record
from sim.store.snapshot.gates import Lookup, Query

LONG = "SELECT count(*) FROM ticks a, ticks b, ticks c, ticks d, ticks e"
"""Of eighty ticks each: minutes."""


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert {
        each for each in threading.enumerate() if each not in before and each.is_alive()
    } == set()


def hosted(tmp_path: Path, ticks: int = 80) -> tuple[World, Path]:
    """Return a world and its file, beside which its history lies."""
    world = World.create(
        agents=120,
        mean_degree=8,
        seed=7,
        platform={"posting": 0.4, "log_ticks": 24, "rhythm": "flat"},
    )
    path = tmp_path / "a.hub"
    with recorded(world, path):
        world.step(ticks)
    save(world, path)
    return world, path


def endless() -> Lookup[None]:
    yield Query(LONG)


async def test_records_read_either_way_are_equal(tmp_path: Path) -> None:
    world, path = hosted(tmp_path)
    at_once, traces = record_of(world, path), ActIndex.of(world)
    record = await read_record(traces, path)
    assert record.ticks == at_once.ticks
    for agent in range(0, 120, 50):
        deeds = await read_history_file(record.file, record.find_deeds(agent))
        assert deeds == at_once.of(agent)
        for deed in deeds[:4]:
            found = await read_history_file(record.file, record.find_behind(deed))
            assert found == at_once.behind(deed)
    assert await read_history_file(record.file, record.find_post(10**9)) is None


async def test_a_record_without_a_database_is_read_from_memory(tmp_path: Path) -> None:
    world = World.create(agents=50, mean_degree=6, seed=7, platform={"rhythm": "flat"})
    world.step(5)
    record = await read_record(ActIndex.of(world), tmp_path / "none.hub")
    assert record.file is None
    assert (await read_history_file(record.file, record.find_deeds(3))) == record_of(world).of(3)


async def test_a_file_says_of_itself_the_same_either_way(tmp_path: Path) -> None:
    _, path = hosted(tmp_path, 5)
    assert await read_info(path) == info(path)
    assert await read_audit(path) == audit(path)


@pytest.mark.parametrize("harm", [b"", b"no database", b"SQLite format 3\0" + bytes(200)])
async def test_a_damaged_file_is_refused_as_when_read_at_once(tmp_path: Path, harm: bytes) -> None:
    world, path = hosted(tmp_path, 5)
    history_file(path).write_bytes(harm)
    with pytest.raises(SnapshotError) as at_once:
        record_of(world, path)
    with pytest.raises(SnapshotError) as awaited:
        await read_record(ActIndex.of(world), path)
    assert str(awaited.value) == str(at_once.value)
    path.write_bytes(harm)
    with pytest.raises(SnapshotError) as at_once:
        info(path)
    with pytest.raises(SnapshotError) as awaited:
        await read_info(path)
    assert str(awaited.value) == str(at_once.value)


async def test_damage_further_inside_is_refused_alike(tmp_path: Path) -> None:
    world, path = hosted(tmp_path)
    with closing(sqlite3.connect(history_file(path))) as file, file:
        file.execute("UPDATE acts SET data = x'00'")
    at_once, record = record_of(world, path), await read_record(ActIndex.of(world), path)
    with pytest.raises(SnapshotError) as expected:
        at_once.of(3)
    with pytest.raises(SnapshotError) as refused:
        await read_history_file(record.file, record.find_deeds(3))
    assert str(refused.value) == str(expected.value)


async def test_rows_larger_than_the_file_are_refused(tmp_path: Path) -> None:
    def forged() -> Lookup[int]:
        return len((yield Query("SELECT a.data, b.data FROM acts a, acts b")))

    _, path = hosted(tmp_path)
    with pytest.raises(SnapshotError, match="rows claim to be larger than the file"):
        await read_history_file(history_file(path), forged())


async def test_a_lookup_is_told_of_the_error_of_its_query(tmp_path: Path) -> None:
    def careful() -> Lookup[str]:
        try:
            yield Query("SELECT id FROM nowhere")
        except sqlite3.Error as error:
            return one_line(str(error), 40)
        return ""

    _, path = hosted(tmp_path, 2)
    assert await read_history_file(history_file(path), careful()) == "no such table: nowhere"


async def test_the_file_cannot_be_written(tmp_path: Path) -> None:
    def hostile() -> Lookup[None]:
        yield Query("DELETE FROM ticks")

    _, path = hosted(tmp_path, 2)
    with pytest.raises(SnapshotError, match="readonly"):
        await read_history_file(history_file(path), hostile())


async def test_leaving_ends_a_long_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = hosted(tmp_path)
    monkeypatch.setattr("sim.store.reading.QUERY_SECONDS", 3600.0)  # its time does not end it
    reading = asyncio.create_task(read_history_file(history_file(path), endless()))
    await asyncio.sleep(0.2)
    assert not reading.done()
    reading.cancel()
    await asyncio.wait([reading], timeout=30)
    assert reading.cancelled()
    # that its thread has ended is looked at behind every test


async def test_leaving_ends_waiting_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not under way cannot be interrupted: it finds its time over."""
    monkeypatch.setattr("sim.store.reading.QUERY_SECONDS", 3600.0)

    async def blocking(connection: Any, event: threading.Event) -> None:
        await connection._execute(event.wait, 60)

    _, path = hosted(tmp_path)
    held = threading.Event()

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(history_file(path))

    async with asyncio.timeout(30), connected(connect, lambda: 1 << 30) as database:
        blocked = asyncio.create_task(blocking(database._connection, held))
        waits = asyncio.create_task(database.look_up(endless()))
        await asyncio.sleep(0.05)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        held.set()
        await blocked


async def test_leaving_while_a_file_is_opened_waits_for_its_thread(tmp_path: Path) -> None:
    held = threading.Event()

    def connect() -> sqlite3.Connection:
        held.wait(60)
        return sqlite3.connect(tmp_path / "a.db", check_same_thread=False)

    async def reading() -> None:
        async with connected(connect, lambda: 1):
            raise AssertionError

    task = asyncio.create_task(reading())
    for _ in range(2):  # once more while it waits
        await asyncio.sleep(0.05)
        task.cancel()
    asyncio.get_running_loop().call_later(0.05, held.set)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_long_queries_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = hosted(tmp_path)
    monkeypatch.setattr("sim.store.reading.QUERY_SECONDS", 0.1)
    with pytest.raises(SnapshotError, match="interrupted"):
        await read_history_file(history_file(path), endless())


async def test_the_loop_stays_free_while_a_database_is_read(tmp_path: Path) -> None:
    def slow() -> Lookup[None]:
        try:
            yield Query(LONG)
        except sqlite3.OperationalError:
            return

    _, path = hosted(tmp_path)
    reading = asyncio.create_task(read_history_file(history_file(path), slow()))
    turns = 0
    while turns < 100 and not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns == 100
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


def test_a_reading_that_nobody_ended_does_not_keep_the_process(tmp_path: Path) -> None:
    _, path = hosted(tmp_path)
    code = f"""
import asyncio, os
from pathlib import Path
from sim.store.snapshot.gates import Query
from sim.store.reading import read_history_file
def endless():
    yield Query({LONG!r})
loop = asyncio.new_event_loop()
task = loop.create_task(read_history_file(Path({str(history_file(path))!r}), endless()))
loop.run_until_complete(asyncio.sleep(0.2))
print("left", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stdout == "left\n"

"""What is no whole world of ours is refused in one sentence and never touched."""

import contextlib
import gzip
import hashlib
import os
import socket
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from sim import Simulation, World
from sim.core.files import read_bounded
from sim.errors import CapacityError, FileError, PluginError, SnapshotError, UnknownNameError
from sim.runtime.saves.backups import backup
from sim.scenario.spec import toml_table
from sim.store import info, load, read, save, verify
from sim.store.history.reading import columns_of
from sim.store.journal.journal import folder_of
from sim.store.snapshot import gates, opened, schema
from sim.store.snapshot.files import TRAILER_BYTES
from sim.store.snapshot.schema import APPLICATION_ID, LARGEST_VALUE, PAGE_BYTES, VERSION
from tests.raising import raises, raises_awaited
from tests.unit.store.fake import FakeWorld, edit, patch, reseal, saved

FLIPS = 200
SCRAMBLES = 150
Change = Callable[[Path], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(tmp_path / "a.hub")


def refused(path: Path, match: str) -> SnapshotError:
    """Load a file, expect one sentence and an untouched file."""
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(SnapshotError, match=match) as caught:
        read(path, FakeWorld)
    assert hashlib.sha256(path.read_bytes()).digest() == before
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    assert sentence.isprintable()
    return caught.value


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "the file is empty"),
        (b"once upon a time", "looks like text; .*hubbub import"),
        (b"a,b\n1,2\n" * 99, "looks like text"),
        ("Brü".encode() + "ü".encode()[:1], "looks like text"),
        (b"a\xff\xfe" * 40, "looks like binary data"),
        (b"a\x01\x02\x03" * 30, "looks like binary data"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "looks like a PNG image"),
        (gzip.compress(b"1 2", mtime=0), "looks like gzip data"),
        (b"\x7fELF" + bytes(200), "not a Hubbub world file"),
        (b"SQLite format 2\0" + bytes(200), "not a Hubbub world file"),
        (b"SQLi", "truncated: only 4 bytes"),
        (b"SQLite format 3\0" + bytes(84), "another program"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, data: bytes, match: str) -> None:
    (tmp_path / "x").write_bytes(data)
    refused(tmp_path / "x", match)


def test_another_sqlite_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x")) as file:
        file.execute("CREATE TABLE world(key, value)")
    refused(tmp_path / "x", "an SQLite database of another program")


def test_what_is_no_file_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to(tmp_path / "missing")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name, match in [
            ("pipe", "a pipe, socket or device"),
            ("socket", "a pipe, socket or device"),
            ("/dev/zero", "a pipe, socket or device"),
            ("link", "a pipe, socket or device"),
            ("lost", "leads nowhere"),
            (".", "a folder"),
            ("missing.hub", "no such file"),
            ("missing/a.hub", "no such file"),
            ("pipe/a.hub", "cannot be opened"),
            ("x" * 300, "cannot be opened"),
        ]:
            raises(SnapshotError, match, read, tmp_path / name, FakeWorld)


@pytest.mark.parametrize("name", ["a\0b", "x\ud800y"])
def test_every_door_refuses_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    for door in (
        folder_of, toml_table, lambda place: save(FakeWorld.create(), place),
        lambda place: backup(tmp_path, Path(place)), lambda place: read(place, FakeWorld),
    ):  # fmt: skip
        raises(FileError, "file name", door, Path(name))
    raises(OSError, "that is no file name", read_bounded, name)


async def test_a_simulation_is_saved_to_no_name_that_is_none() -> None:
    async with Simulation(World.create(agents=9, mean_degree=2)) as simulation:
        for name in ("a\0b", "x\ud800y"):
            await raises_awaited(FileError, "file name", simulation.save(name))
            with pytest.raises(FileError, match="file name"):
                async with Simulation(
                    World.create(agents=9, mean_degree=2), path=name, journal=True
                ):
                    pass
        assert await simulation.step() == 1


def test_a_text_that_nobody_could_read_again_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.hub"
    save(FakeWorld.create(), path, note="before")
    with pytest.raises(FileError, match=r"not saved: one of its texts is longer than 67,108,864"):
        save(FakeWorld.create(), path, note="x" * (LARGEST_VALUE + 1))
    assert info(path).note == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["a.hub"]


def test_verify_refuses_what_load_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.hub"
    with monkeypatch.context() as larger:
        larger.setattr(schema, "LARGEST_VALUE", LARGEST_VALUE * 2)
        save(FakeWorld.create(), path, note="x" * (LARGEST_VALUE + 1))
    for reads in (lambda: read(path, FakeWorld), lambda: verify(path)):
        raises(SnapshotError, "string or blob too big", reads)


def test_a_file_that_becomes_a_pipe_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open
    os.mkfifo(path.with_name("pipe"))
    monkeypatch.setattr(os, "open", lambda *asked: real(path.with_name("pipe"), *asked[1:]))
    raises(SnapshotError, "a pipe", read, path, FakeWorld)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        ("os.open", PermissionError(13, "Permission denied"), "may not be read by you"),
        ("os.pread", OSError(5, "Input/output error"), "cannot be read .*Input/output error"),
        ("numpy.empty", MemoryError(), "not enough memory"),
    ],
)
def test_a_call_that_fails_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: Exception, match: str
) -> None:
    monkeypatch.setattr(call, Mock(side_effect=error))
    assert isinstance(refused(path, match), CapacityError) is isinstance(error, MemoryError)


def test_another_version_is_refused(path: Path) -> None:
    patch(path, 60, struct.pack(">I", 999))
    refused(path, rf"file version 999, this program reads up to {VERSION}\); update Hubbub")
    patch(path, 60, bytes(4))
    refused(path, "no file version 0")


@pytest.mark.parametrize("share", [0.0001, 0.001, 0.01, 0.3, 0.5, 0.9, 0.9999])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))
    refused(path, "truncated")


def test_a_file_that_ends_elsewhere_is_refused(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data + b"x")
    refused(path, "1 bytes were added")
    for cut in range(1, TRAILER_BYTES + 1):
        path.write_bytes(data[:-cut])
        refused(path, "truncated")


def test_a_damaged_trailer_is_refused(path: Path) -> None:
    size = path.stat().st_size
    patch(path, size - TRAILER_BYTES, b"X")
    refused(path, "its trailer is not a trailer")
    patch(path, size - TRAILER_BYTES, b"\n")
    for place in (TRAILER_BYTES - 32, 1):  # one in each digest
        patch(path, size - place, bytes([path.read_bytes()[-place] ^ 1]))
        refused(path, "its bytes are not those that were saved")


def test_every_one_of_many_flipped_bits_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for bit in np.random.default_rng(5).integers(0, 8 * len(data), FLIPS).tolist():
        patch(path, bit // 8, bytes([data[bit // 8] ^ (1 << bit % 8)]))
        refused(path, "damaged|another program|newer Hubbub|not a Hubbub|truncated")
        raises(SnapshotError, "", verify, path)
        patch(path, bit // 8, data[bit // 8 : bit // 8 + 1])
    assert read(path, FakeWorld).digest() == FakeWorld.create().digest()


def test_every_flipped_bit_of_the_header_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for bit in range(800):
        patch(path, bit // 8, bytes([data[bit // 8] ^ (1 << bit % 8)]))
        raises(SnapshotError, "", read, path, FakeWorld)
        patch(path, bit // 8, data[bit // 8 : bit // 8 + 1])


def test_damage_names_the_column_it_lies_in(tmp_path: Path) -> None:
    world = FakeWorld.create()
    world.columns["marked"] = np.frombuffer(b"find me here " * 20_000, np.uint8)
    path = saved(tmp_path / "a.hub", world)
    patch(path, path.read_bytes().rindex(b"find me"), b"lose")
    refused(path, "not those that were saved .*column 'marked', chunk 1 of 1 does not match")


def test_a_file_that_shrinks_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *asked: real(*asked)[: 1 << 16])
    raises(SnapshotError, r"cannot be read \(the file ends before byte", read, path, FakeWorld)


def test_a_file_that_is_replaced_while_it_is_read_is_refused(path: Path) -> None:
    def replace(stage: str, _: float) -> None:
        if stage == "reading":
            saved(path, FakeWorld.create(turn=2))

    raises(SnapshotError, "replaced while it was being read", read, path, FakeWorld, report=replace)


# Files made to harm: sealed with a right trailer, so only the gates are left


@pytest.mark.parametrize(
    ("statements", "match"),
    [
        (["CREATE VIEW v AS SELECT 1"], "its view 'v' is none"),
        (["CREATE TABLE extra(x)"], "its table 'extra' is none"),
        (["CREATE INDEX i ON world(value)"], "its index 'i' is none"),
        (["CREATE TRIGGER t AFTER UPDATE ON world BEGIN SELECT 1; END"], "its trigger 't' is none"),
        (["DROP TABLE messages"], "its table 'messages' is missing"),
        (["DROP TABLE world", "CREATE VIEW world AS SELECT 'a' AS key, 'b' AS value"],
         "its view 'world' is none"),
        (["ALTER TABLE plugins ADD COLUMN x ANY"], "its table 'plugins' is none"),
        (["UPDATE columns SET shape = '[1]' WHERE name = 'ties.targets'"], "cannot have 80000"),
        (["UPDATE columns SET shape='[9000000000000]', bytes=72000000000000, chunks=68664551"
          " WHERE name='scalar'"], "claim to be larger than the file"),
        (["UPDATE columns SET shape = '[-1, -20000]'"], "has the shape"),
        (["UPDATE columns SET shape = '[true]'"], "has the shape"),
        (["UPDATE columns SET shape = '[1,1,1,1,1]'"], "has no shape of up to 4"),
        (["UPDATE columns SET shape = '7'"], "has no shape of up to 4"),
        (["UPDATE columns SET shape = '['"], "has no readable shape"),
        (["UPDATE columns SET dtype = '|O'"], "has the type '|O'"),
        (["UPDATE columns SET \"order\" = 'F'"], "order 'F'"),
        (["UPDATE columns SET chunks = 7"], "cannot have 7 chunks"),
        (["UPDATE columns SET name = 'x'"], "two of its columns have one name"),
        (["DELETE FROM chunks WHERE column = 'scalar'"], "not those that its columns need"),
        (["INSERT INTO chunks VALUES (99, 'x', 0, '', x'')"], "not those that its columns need"),
        (["UPDATE chunks SET data = x'00'"], "has 1 bytes instead of 80000"),
        (["UPDATE chunks SET checksum = 'no'"], "does not match its checksum"),
        (["UPDATE world SET value = '{' WHERE key = 'meta'"], "metadata is not JSON"),
        (["UPDATE world SET value = '{\"a\": NaN}' WHERE key = 'meta'"], "NaN is not a number"),
        (["UPDATE world SET value = replace(hex(zeroblob(50000)), '0', '[') WHERE key = 'meta'"],
         "nested too deeply"),
        (["UPDATE world SET value = '[]' WHERE key = 'meta'"], "metadata has no keys"),
        (["DELETE FROM world WHERE key = 'meta'"], "metadata is not JSON"),
        (["DELETE FROM world WHERE key = 'digest'"], "not the world that was saved"),
        (["UPDATE world SET value = '{}' WHERE key = 'meta'"], "not the world that was saved"),
        (["UPDATE world SET value = CAST(x'ff' AS TEXT) WHERE key = 'note'"],
         "cannot be read as a Hubbub world"),
        (["PRAGMA page_size=4096", "VACUUM"], "changed by another program: wrong page size"),
    ],
)  # fmt: skip
def test_a_file_made_to_mislead_is_refused(path: Path, statements: list[str], match: str) -> None:
    edit(path, *statements)
    refused(path, match)


def test_values_of_types_that_the_tables_forbid_are_refused(path: Path) -> None:
    def loosened(table: str, *statements: str) -> None:
        """Write what STRICT forbids, then put the strict schema text back."""
        with closing(sqlite3.connect(path)) as file:
            sql = file.execute("SELECT sql FROM sqlite_master WHERE name=?", [table]).fetchone()[0]
        loose = sql.replace(" STRICT", "").replace(", WITHOUT", " WITHOUT")
        for text, then in ((loose, statements), (sql, ())):
            change = f"UPDATE sqlite_master SET sql='{text}' WHERE name='{table}'"  # noqa: S608
            edit(path, "PRAGMA writable_schema=ON", change)
            edit(path, *then)

    good = path.read_bytes()
    loosened("columns", "UPDATE columns SET shape = x'00'")
    refused(path, "values of wrong types")
    path.write_bytes(good)
    loosened("world", "UPDATE world SET value = x'00' WHERE key = 'note'")
    refused(path, "values that are not text")
    path.write_bytes(good)
    loosened("chunks", "UPDATE chunks SET data = 7")
    refused(path, "cannot be read as a Hubbub world")


def test_a_value_that_is_too_long_is_unread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "LARGEST_VALUE", 40_000)
    edit(path, "UPDATE world SET value = hex(zeroblob(50000)) WHERE key = 'note'")
    refused(path, "cannot be read as a Hubbub world .*too big")


def test_a_long_query_is_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "OPERATIONS", 1)
    monkeypatch.setattr(gates, "QUERY_SECONDS", -1.0)
    refused(path, "interrupted")


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM world", "ATTACH ':memory:' AS x", "PRAGMA trusted_schema=ON",
     "SELECT load_extension('x')", "SELECT * FROM pragma_table_info('world')",
     "CREATE TEMP TABLE x(y)", "SELECT 1 UNION SELECT 2"],
)  # fmt: skip
def test_the_gates_let_nothing_but_reading_through(path: Path, statement: str) -> None:
    with pytest.raises(SnapshotError), gates.gated(path) as file:
        file.execute(statement).fetchall()


def test_a_schema_that_is_not_utf8_is_refused(path: Path) -> None:
    schema = path.read_bytes().index(b"CREATE TABLE cascades")
    os.truncate(path, path.stat().st_size - TRAILER_BYTES)
    patch(path, schema + 7, b"\xe5\x1b[")
    reseal(path)
    refused(path, "cannot be read as a Hubbub world")


def test_rows_changed_by_another_program_are_refused(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("UPDATE messages SET content = 'x'")
    refused(path, "damaged|truncated|changed")


def test_an_empty_database_that_claims_to_be_a_world_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute(f"PRAGMA page_size={PAGE_BYTES}")
        file.execute(f"PRAGMA application_id={APPLICATION_ID}")
        file.execute(f"PRAGMA user_version={VERSION}")
    reseal(path)
    refused(path, "its table 'world' is missing")


def test_a_world_that_does_not_fit_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "available_bytes", lambda: 1_000_000)
    error = refused(path, "not enough memory: it needs 34 MB and 1 MB are free; close")
    assert isinstance(error, CapacityError)
    assert isinstance(error, MemoryError)
    assert info(path).tick == 0
    assert verify(path).columns == 6


def test_misfits_are_refused_while_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, path = World.create(agents=200, mean_degree=4, seed=1), tmp_path / "a.hub"
    for seed in range(40):
        world.inject("Done at once.", seeds=[seed], model="independent-cascade", probability=0.0)
    world.step(3)
    save(world, path)
    free = iter([1 << 40, 0])
    monkeypatch.setattr(opened, "available_bytes", lambda: next(free))
    raises(CapacityError, "not enough memory: its messages need 0 MB; close", load, path)
    assert next(free, None) is None, "nothing else was asked for"
    monkeypatch.setattr(opened, "available_bytes", lambda: 0)
    with pytest.raises(SnapshotError, match="not enough memory: its messages need"):
        columns_of(path, lambda name: name.startswith("agents."))
    monkeypatch.undo()
    assert load(path).digest() == world.digest()


@pytest.mark.parametrize("error", [KeyError("agents"), IndexError(), ValueError("x")])
def test_a_state_that_no_world_can_be_built_from_is_refused(path: Path, error: Exception) -> None:
    with pytest.raises(SnapshotError, match=f"cannot be restored .{type(error).__name__}"):
        read(path, Mock(side_effect=error))


@pytest.mark.parametrize(
    "error", [UnknownNameError("model", "x", ["y"]), PluginError("x", "raised"), CapacityError()]
)
def test_what_is_not_the_fault_of_the_file_is_passed_on(path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        read(path, Mock(side_effect=error))
    assert caught.value is error


def test_damage_under_a_right_trailer_is_refused_or_without_effect(path: Path) -> None:
    """As a hostile file would be: the digests agree, only the gates and checks are left."""
    data = path.read_bytes()[:-TRAILER_BYTES]
    values = np.random.default_rng(11)
    used = np.flatnonzero(np.frombuffer(data, np.uint8))
    for _ in range(SCRAMBLES):
        places = values.choice(used, values.integers(1, 4)).tolist()
        scrambled = bytearray(data)
        for place in places:
            scrambled[place] = int(values.integers(256))
        path.write_bytes(scrambled)
        reseal(path)
        with contextlib.suppress(SnapshotError):
            assert read(path, FakeWorld).digest() == FakeWorld.create().digest()
        for look in (info, verify):
            with contextlib.suppress(SnapshotError):
                look(path)

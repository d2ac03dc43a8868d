"""Opens files made to harm in processes with little memory and time; prints what each was told.

python -m tests.faults.hostile FOLDER
"""

import hashlib
import json
import os
import resource
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from sim.errors import HubbubError
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.store import info, load, save, verify
from sim.store.journal.journal import read_acked
from sim.store.journal.lease import holder, is_held
from sim.store.snapshot.schema import PAGE_BYTES
from tests.faults.lies import Lying, busy, lies
from tests.unit.runtime.journal_config import play, started
from tests.unit.store.fake import edit, reseal

__all__ = ["JOURNALS", "SNAPSHOTS"]

MEMORY_BYTES = 500 << 20
PROCESSOR_SECONDS = 5
Make = Callable[[Path], object]

_HUGE = (
    "UPDATE columns SET shape='[72000000000000]', bytes=72000000000000, chunks=68664551"
    " WHERE name='agents.status'"
)


def _sql(*statements: str) -> Make:
    return lambda path: edit(path, *statements)


def _bytes(offset: int, data: bytes) -> Make:
    def change(path: Path) -> None:
        whole = bytearray(path.read_bytes())
        whole[offset : offset + len(data)] = data
        path.write_bytes(whole)

    return change


def _cut(power: int) -> Make:
    return lambda path: os.truncate(path, 1 << power)


def _instead(make: Make) -> Make:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def _lie(what: str) -> Make:
    def change(path: Path) -> None:
        meta, columns = busy("sir").dump()
        lies(columns)[what](meta, columns)
        save(Lying(meta, columns), path, relational=False)

    return change


def _root(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as file:
        found = file.execute("SELECT rootpage FROM sqlite_master WHERE name=?", [table])
        return int(found.fetchone()[0])


def _endless(table: str) -> Make:
    """Let the root page of a table lead to itself, as often as a page can say."""

    def change(path: Path) -> None:
        body = bytearray(path.read_bytes()[:-80])
        root = _root(path, table)
        kinds = {13: 5, 10: 2}
        start = (root - 1) * PAGE_BYTES
        cells = 1000
        page = bytearray(PAGE_BYTES)
        content = PAGE_BYTES - 16 * cells
        kind = kinds[body[start]]
        struct.pack_into(">BHHHBI", page, 0, kind, 0, cells, content, 0, root)
        for cell in range(cells):
            at = content + 16 * cell
            struct.pack_into(">H", page, 12 + 2 * cell, at)
            struct.pack_into(">IB", page, at, root, 1)
        body[start : start + PAGE_BYTES] = page
        path.write_bytes(body)
        reseal(path)

    return change


def _wide(path: Path) -> None:
    """Let many rows be one page of rows."""
    edit(path, "INSERT INTO plugins VALUES (NULL, hex(zeroblob(9000)), '', '', '')")
    body = bytearray(path.read_bytes()[:-80])
    root = _root(path, "plugins")
    start = (root - 1) * PAGE_BYTES
    leaf = len(body) // PAGE_BYTES + 1
    body += body[start : start + PAGE_BYTES]
    page = bytearray(PAGE_BYTES)
    cells, content = 5000, PAGE_BYTES - 8 * 5000
    struct.pack_into(">BHHHBI", page, 0, 5, 0, cells, content, 0, leaf)
    for cell in range(cells):
        struct.pack_into(">H", page, 12 + 2 * cell, content + 8 * cell)
        struct.pack_into(">IB", page, content + 8 * cell, leaf, 127)
    body[start : start + PAGE_BYTES] = page
    struct.pack_into(">I", body, 28, leaf)
    path.write_bytes(body)
    reseal(path)


def _json(text: str) -> Make:
    return _sql(f"UPDATE world SET value = {text} WHERE key = 'meta'")  # noqa: S608 - ours


SNAPSHOTS: dict[str, tuple[Make, str]] = {
    **{f"cut at 2^{power}": (_cut(power), "truncated|empty|not a Hubbub") for power in range(19)},
    "empty": (lambda path: os.truncate(path, 0), "the file is empty"),
    "a folder": (_instead(lambda path: path.mkdir()), "a folder, not a world file"),
    "a pipe": (_instead(os.mkfifo), "a pipe, socket or device"),
    "a device": (_instead(lambda path: path.symlink_to("/dev/zero")), "a pipe, socket or device"),
    "a link to itself": (_instead(lambda path: path.symlink_to(path)), "cannot be opened"),
    "text": (_instead(lambda path: path.write_text("a,b\n")), "looks like text"),
    "a terabyte of nothing": (_instead(lambda path: _sparse(path)), "not a Hubbub world"),
    "a header and a terabyte": (lambda path: os.truncate(path, 1 << 40), "added behind its end"),
    "another program's": (_bytes(68, b"ELSE"), "an SQLite database of another program"),
    "a newer version": (_bytes(60, b"\0\0\3\xe7"), "written by a newer Hubbub"),
    "version 0": (_bytes(60, bytes(4)), "there is no file version 0"),
    "another page size": (_bytes(16, b"\x10\0"), "wrong page size"),
    "a page count of 2^32": (_bytes(28, b"\xff" * 4), "truncated"),
    "huge columns": (_sql(_HUGE), "claim to be larger than the file"),
    "a negative shape": (_sql("UPDATE columns SET shape='[-8]'"), "has the shape"),
    "a million dimensions": (
        _sql("UPDATE columns SET shape='[' || replace(hex(zeroblob(500000)),'0','1,') || '1]'"),
        "has no|too big|cannot have",
    ),
    "objects for numbers": (_sql("UPDATE columns SET dtype='|O'"), "has the type '|O'"),
    "two columns of one name": (_sql("UPDATE columns SET name='x'"), "two of its columns"),
    "chunks of another size": (
        _sql("UPDATE chunks SET data = zeroblob(60000000) WHERE id = (SELECT min(id) FROM chunks)"),
        "has 60000000 bytes instead of",
    ),
    "a chunk that is missing": (_sql("DELETE FROM chunks WHERE id = (SELECT max(id) FROM chunks)"),
                                "not those that its columns need"),
    "chunks swapped": (_sql("UPDATE chunks SET number = 1 - number WHERE number < 2"),
                       "not those that its columns need"),
    "a view": (_sql("CREATE VIEW v AS SELECT 1"), "its view 'v' is none"),
    "an endless view for a table": (
        _sql(
            "DROP TABLE world",
            "CREATE VIEW world AS WITH RECURSIVE r(key, value) AS (SELECT 'a', 'b' UNION ALL"
            " SELECT key, value FROM r) SELECT * FROM r",
        ),
        "its view 'world' is none|malformed database schema",
    ),
    "a trigger": (_sql("CREATE TRIGGER t AFTER UPDATE ON world BEGIN DELETE FROM world; END"),
                  "its trigger 't' is none"),
    "a virtual table": (
        _sql(
            "PRAGMA writable_schema=ON",
            "INSERT INTO sqlite_master VALUES ('table', 'f', 'f', 0,"
            " 'CREATE VIRTUAL TABLE f USING fts5(x)')",
        ),
        "its table 'f' is none",
    ),
    "a table with a default that acts": (
        _sql(
            "PRAGMA writable_schema=ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'hash TEXT NOT NULL',"
            " 'hash TEXT NOT NULL DEFAULT (hex(1))') WHERE name = 'plugins'",
        ),
        "its table 'plugins' is none|cannot be read",
    ),
    "metadata of brackets": (_json("replace(hex(zeroblob(200000)), '0', '[')"),
                             "nested too deeply"),
    "metadata of twenty million lists": (
        _json("'[' || replace(hex(zeroblob(10000000)), '0', '[],') || '1]'"),
        "too many values for its size",
    ),
    "metadata with NaN": (_json("'{\"tick\": NaN}'"), "NaN is not a number"),
    "metadata that is missing": (_sql("DELETE FROM world"), "metadata is not JSON"),
    "a table that leads to itself": (_endless("columns"), "cannot be read|larger than the file"),
    "a key table that leads to itself": (_endless("world"), "cannot be read|larger than the file"),
    "a page of rows 5000 times": (_wide, ""),
    **{
        f"lie: {what}": (_lie(what), "cannot be restored|a different Hubbub")
        for what in ("ties.targets as large as can be", "ties.degree as large as can be",
                     "agents.activity not a number", "agents.community negative",
                     "agents.activity and agents.community swapped",
                     "cascade.0.log.agents as large as can be", "cascade.0.log.agents cut",
                     "cascade.0.seeds as large as can be",
                     "cascade.0.own.state.agents as large as can be", "opinions.0 infinite",
                     "more agents than there are", "a tick of text", "a tick in the past")
    },
}  # fmt: skip
"""Name to (what is done to a good file, what must be said of it); "" also lets it be opened."""


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def _journal(*statements: str) -> Make:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "journal", isolation_level=None)) as file:
            for statement in statements:
                file.execute(statement)

    return change


def _beside(name: str, make: Make) -> Make:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)

    return change


JOURNALS: dict[str, tuple[Make, str]] = {
    "a pipe": (_beside("journal", os.mkfifo), "no journal"),
    "a link": (_beside("journal", lambda path: path.symlink_to("/etc/passwd")), "no journal"),
    "text": (_beside("journal", lambda path: path.write_text("a" * 200)), "not a journal"),
    "empty": (_beside("journal", lambda path: path.touch()), "the journal is empty"),
    "a log that is a pipe": (_beside("journal-wal", os.mkfifo), "no regular file"),
    "a log that is a link": (_beside("journal-wal", lambda path: path.symlink_to("/etc/passwd")),
                             "no regular file"),
    "a shared memory that is a link": (
        _beside("journal-shm", lambda path: path.symlink_to("/etc/passwd")),
        "no regular file",
    ),
    "a number that is a pipe": (_beside("acked", os.mkfifo), "No record of the last"),
    "a lease that is a pipe": (_beside("lease", os.mkfifo), ""),
    "a newer version": (_journal("PRAGMA user_version=99"), "written by a newer Hubbub"),
    "another program's": (_journal("PRAGMA application_id=7"), "not a journal of Hubbub"),
    "a view": (_journal("CREATE VIEW v AS SELECT 1"), "other tables than ours"),
    "a trigger": (_journal("CREATE TRIGGER t AFTER INSERT ON entries BEGIN SELECT 1; END"),
                  "other tables than ours"),
    "no tables": (
        _journal(*(f"DROP TABLE {t}" for t in ("entries", "adoptions", "metrics", "checkpoints"))),
        "has lost its tables",
    ),
    "a checkpoint elsewhere": (_journal("UPDATE checkpoints SET file='../../etc/passwd'"),
                               "names a checkpoint that has no such name"),
    "huge adoptions": (
        _journal("INSERT OR REPLACE INTO adoptions VALUES (1, 0, 7, zeroblob(400000000))"),
        "too big",
    ),
    "a command that runs for ever": (
        _journal("UPDATE entries SET command = '{\"args\":[1000000000000000]}' WHERE number = 2"),
        "does not match its digest",
    ),
    "a jump of brackets": (
        _journal(
            "UPDATE entries SET kind='jump', command=replace(hex(zeroblob(100000)), '0', '[')"
            " WHERE number=2"
        ),
        "does not match|no way through|says not where",
    ),
    "a text for a number": (
        _journal("PRAGMA ignore_check_constraints=ON", "UPDATE entries SET digest = x'00'"),
        "does not match its digest",
    ),
}  # fmt: skip


def _limited(work: Callable[[], str]) -> str:
    """Do work in a process that may take so much memory and processor time; return what it says."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reads)
        memory = psutil.Process().memory_info().vms + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        seconds = int(sum(os.times()[:2])) + PROCESSOR_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        try:
            os.write(writes, work().encode("utf-8", "replace")[:4000])
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        said = pipe.read().decode("utf-8", "replace")
    status = os.waitpid(process, 0)[1]
    return said or f"died of signal {os.WTERMSIG(status)}"


def _told(work: Callable[[], object]) -> str:
    try:
        return f"opened: {work()}"
    except HubbubError as error:
        return str(error)
    except MemoryError:
        return "out of memory"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _opened(path: Path) -> str:
    """Open a file in every way; return what was said, of which the first is how it is loaded."""

    def looked() -> str:
        world = load(path)
        world.step(2)
        return "it ran"

    works = (looked, lambda: info(path).digest, lambda: verify(path).columns)
    return "\n".join(_told(work) for work in works)


def _recovered(folder: Path) -> str:
    path = folder.with_name(folder.name.removesuffix(".live"))

    def looked() -> str:
        is_held(folder / "lease")
        return f"{holder(folder / 'lease')} {read_acked(folder)} {recover(path).findings}"

    return _told(looked)


def _hash(path: Path) -> str:
    if path.is_dir():
        return "".join(_hash(each) for each in sorted(path.iterdir()) if each.name[-4:] != "-shm")
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 1 << 34:
        return f"{path.lstat().st_mode} {path.lstat().st_size}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(folder: Path) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return for every file what was said and whether it is as it was."""
    world = busy("sir")
    good = save(world, folder / "good.hub").path.read_bytes()
    load(folder / "good.hub").step(3)  # every kernel is loaded before the first fork
    found: dict[str, dict[str, tuple[str, bool]]] = {"snapshots": {}, "journals": {}}
    for number, (name, (make, _)) in enumerate(SNAPSHOTS.items()):
        path = folder / f"{number}.hub"
        path.write_bytes(good)
        make(path)
        found["snapshots"][name] = _seen(path, lambda path=path: _opened(path))  # type: ignore[misc]
    for number, (name, (make, _)) in enumerate(JOURNALS.items()):
        path = folder / f"j{number}.hub.live"
        _kept(folder / f"j{number}.hub")
        make(path)
        found["journals"][name] = _seen(path, lambda path=path: _recovered(path))  # type: ignore[misc]
    return found


def _seen(path: Path, work: Callable[[], str]) -> tuple[str, bool]:
    before = _hash(path)
    return _limited(work), _hash(path) == before


def _kept(path: Path) -> None:
    world = started()
    keeper = JournalWriter(world, path, pacing=Pacing(None, None, None))
    play(world, keeper, 5, lambda _: None)
    keeper.close(world)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201 - the test reads it

"""A world of arrays that knows nothing but how to be saved, and hostile files made from it."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import numpy as np

from sim import save
from sim.store.snapshot.files import TRAILER_BYTES, full, trailer_of

Columns = dict[str, np.ndarray[Any, Any]]


class FakeWorld:
    """Columns of several types; ``turn`` changes all of them."""

    def __init__(self, meta: dict[str, Any], columns: Columns) -> None:
        self.meta = meta
        self.columns = columns

    @classmethod
    def create(cls, count: int = 1000, turn: int = 0) -> Self:
        values = np.random.default_rng(turn)
        meta = {
            "tick": turn,
            "seed": "7",
            "agents": {"count": count},
            "ties": 20 * count,
            "cascades": [{
                "id": 0, "text": "桥已关闭 🚧", "author": 3, "model": "sir",
                "parameters": {"beta": 0.05}, "status": "running", "size": 12, "started_at": 2,
                "created": 1,
            }],
            "plugins": [{"name": "sir", "version": "1", "kind": "propagation", "sha256": "ab"}],
        }  # fmt: skip
        columns: Columns = {
            "ties.targets": values.integers(0, count, 20 * count, dtype=np.uint32),
            "ties.trust": np.empty(0, np.uint16),
            "agents.personality": values.integers(0, 255, (count, 5), dtype=np.uint8),
            "agents.activity": values.random(count, dtype=np.float32),
            "cascade.0.seeds": np.arange(3, dtype=np.uint32),
            "scalar": np.array(turn, np.int64),
        }
        return cls(meta, columns)

    def dump(self) -> tuple[dict[str, Any], Columns]:
        return self.meta, self.columns

    def digest(self) -> str:
        state = hashlib.blake2b(json.dumps(self.meta, sort_keys=True).encode())
        for name, column in sorted(self.columns.items()):
            state.update(f"{name} {column.dtype} {column.shape}".encode() + column.tobytes())
        return state.hexdigest()


def edit(path: Path, *statements: str, seal: bool = True) -> None:
    """Change a saved file through SQLite as an attacker would, and seal it anew."""
    data = path.read_bytes()
    path.write_bytes(data[:-TRAILER_BYTES])
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode=OFF")
        for statement in statements:
            file.execute(statement)
    if seal:
        reseal(path)


def reseal(path: Path) -> None:
    """Append a right trailer to a file that has none."""
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(0, 2)
        with full(file.fileno(), size) as leaves:
            file.write(trailer_of(leaves.results()).bytes)


def patch(path: Path, offset: int, data: bytes) -> None:
    """Overwrite some bytes, leaving the trailer as it was."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def disk_full(*_: object, **__: object) -> None:
    """Fail as SQLite does where there is no room."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    raise error


def edited(live: Path, *statements: str) -> None:
    """Change the journal in a folder through SQLite, which also empties its WAL."""
    with closing(sqlite3.connect(live / "journal", isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement)


def saved(path: Path, world: FakeWorld | None = None) -> Path:
    return save(world or FakeWorld.create(), path).path


class AnyWorld(FakeWorld):
    """Columns whose digest nobody compares."""

    def digest(self) -> str:
        return "0"

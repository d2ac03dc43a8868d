"""Notes what a kept world does to the disk: SQLite through a VFS, the rest through ``os``."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw

from sim.store.journal import journal as journals
from tests.faults.disk import Op

__all__ = ["Recorder"]

VFS = "recorder"
_REAL = {
    name: getattr(os, name)
    for name in ("open", "close", "pwrite", "ftruncate", "fsync", "mkdir", "replace", "unlink")
}


class Recorder:
    """Operations under a folder, in order; used by all threads.

    Parameters
    ----------
    root
        The folder; paths in the operations are relative to it.
    """

    def __init__(self, root: Path) -> None:
        self.ops: list[Op] = []
        self._root = str(root)
        self._numbers: dict[str, int] = {}
        self._descriptors: dict[int, str] = {}
        self._lock = threading.RLock()

    def note(self, *op: Any) -> None:
        """Add an operation."""
        with self._lock:
            self.ops.append(op)

    def within(self, path: Any) -> str | None:
        """Return a path relative to the root; None for what lies elsewhere."""
        if not isinstance(path, (str, os.PathLike)):
            return None
        name = os.path.relpath(path, self._root)
        return None if name.startswith("..") else name

    def number(self, name: str) -> int:
        """Return the number of a file; made when it is new."""
        with self._lock:
            if name not in self._numbers:
                self._numbers[name] = len(self.ops)
                self.note("make", name, self._numbers[name], False)
            return self._numbers[name]

    def write(self, name: str, offset: int, data: bytes | None) -> None:
        """Note a write, or with None a new length."""
        self.note("write", self.number(name), offset, data)

    def forget(self, name: str) -> None:
        """Note that a name is gone."""
        self._numbers.pop(name, None)
        self.note("unlink", name)

    @contextmanager
    def recording(self, *, pragmas: Sequence[str] = ()) -> Iterator[None]:
        """Note everything while the block runs; ``pragmas`` come last on each connection."""
        vfs = _Vfs(self)

        def connect(path: Path, **_: Any) -> _Connection:
            return _Connection(apsw.Connection(str(path), vfs=VFS), pragmas)

        fake = SimpleNamespace(
            connect=connect, OperationalError=sqlite3.OperationalError, Error=sqlite3.Error
        )
        real = vars(journals)["sqlite3"]
        vars(journals)["sqlite3"] = fake
        try:
            for name in _REAL:
                setattr(os, name, getattr(self, f"_{name}"))
            yield
        finally:
            for name, call in _REAL.items():
                setattr(os, name, call)
            vars(journals)["sqlite3"] = real
            vfs.unregister()

    # In place of functions of ``os``; what lies elsewhere passes through

    def _open(self, path: Any, flags: int, *more: Any, **said: Any) -> int:
        descriptor: int = _REAL["open"](path, flags, *more, **said)
        name = self.within(path)
        if name is not None:
            self._descriptors[descriptor] = name
            if flags & os.O_CREAT:
                self.number(name)
        return descriptor

    def _close(self, descriptor: int) -> None:
        self._descriptors.pop(descriptor, None)
        _REAL["close"](descriptor)

    def _pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        if (name := self._descriptors.get(descriptor)) is not None:
            self.write(name, offset, bytes(data))
        written: int = _REAL["pwrite"](descriptor, data, offset)
        return written

    def _ftruncate(self, descriptor: int, size: int) -> None:
        if (name := self._descriptors.get(descriptor)) is not None:
            self.write(name, size, None)
        _REAL["ftruncate"](descriptor, size)

    def _fsync(self, descriptor: int) -> None:
        _REAL["fsync"](descriptor)
        name = self._descriptors.get(descriptor)
        if name is None:
            return
        if (Path(self._root) / name).is_dir():
            self.note("flush folder", name)
            return
        if name.endswith(".partial"):  # SQLite wrote it without being watched
            self.write(name, 0, os.pread(descriptor, os.fstat(descriptor).st_size, 0))
        self.note("flush", self.number(name))

    def _mkdir(self, path: Any, *more: Any, **said: Any) -> None:
        _REAL["mkdir"](path, *more, **said)
        if (name := self.within(path)) is not None:
            self.note("make", name, -len(self.ops), True)

    def _replace(self, old: Any, new: Any) -> None:
        _REAL["replace"](old, new)
        source, target = self.within(old), self.within(new)
        if source is not None and target is not None:
            with self._lock:
                self._numbers[target] = self._numbers.pop(source)
                self.note("rename", source, target)

    def _unlink(self, path: Any, **said: Any) -> None:
        _REAL["unlink"](path, **said)
        if (name := self.within(path)) is not None:
            self.forget(name)


class _Connection:
    """An apsw connection with the few names of a sqlite3 one that a journal uses."""

    def __init__(self, real: apsw.Connection, pragmas: Sequence[str]) -> None:
        self._real = real
        self._pragmas = list(pragmas)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> apsw.Cursor:
        if sql.startswith("BEGIN"):
            while self._pragmas:
                self._real.execute(f"PRAGMA {self._pragmas.pop()}")
        return self._real.execute(sql, tuple(values))

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> apsw.Cursor:
        return self._real.executemany(sql, rows)

    @property
    def in_transaction(self) -> bool:
        return self._real.in_transaction

    def close(self) -> None:
        self._real.close()


class _Vfs(apsw.VFS):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(VFS, "unix")
        self._recorder = recorder

    def xOpen(self, name: Any, flags: Any) -> _File:  # noqa: N802 - its name
        return _File(self._recorder, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - its name
        super().xDelete(filename, syncdir)
        if (name := self._recorder.within(filename)) is not None:
            self._recorder.forget(name)
            if syncdir:
                self._recorder.note("flush folder", str(Path(name).parent))


class _File(apsw.VFSFile):
    def __init__(self, recorder: Recorder, filename: Any, flags: Any) -> None:
        path = filename.filename() if isinstance(filename, apsw.URIFilename) else filename
        super().__init__("unix", filename, flags)
        self._recorder, self._name = recorder, recorder.within(path)
        self._is_new = False
        if self._name is not None:
            before = len(recorder.ops)
            recorder.number(self._name)
            kinds = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
            self._is_new = len(recorder.ops) > before and bool(flags[0] & kinds)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - its name
        super().xWrite(data, offset)
        if self._name is not None:
            self._recorder.write(self._name, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - its name
        super().xTruncate(newsize)
        if self._name is not None:
            self._recorder.write(self._name, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: N802 - its name
        super().xSync(flags)
        if self._name is None:
            return
        self._recorder.note("flush", self._recorder.number(self._name))
        if self._is_new:  # SQLite flushes the folder of a new log with its first flush
            self._is_new = False
            self._recorder.note("flush folder", str(Path(self._name).parent))

"""A disk that loses power: what was written, flushed and renamed is noted, and cut off anywhere.

A write counts only once its file was flushed, a name once its folder was. At a cut every sector of
512 bytes that was written and not flushed is there or not, as chance will have it, so writes come
in any order; of the changes to a folder the first so many are there.

What this does not cover: disks that say they have flushed and have not, sectors that are half
written, and folders whose changes come out of order. Of files under temporary names only what was
there at each flush is known.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

__all__ = ["SECTOR", "Disk", "Left", "Op"]

SECTOR = 512
Op = tuple[Any, ...]


@dataclass
class _File:
    flushed: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def flush(self) -> None:
        for offset, data in self.pending:
            _apply(self.flushed, offset, data)
        self.pending.clear()

    def left(self, chance: random.Random) -> bytes:
        """Return what a cut leaves: each sector on its own."""
        found, share = bytearray(self.flushed), chance.choice((0.0, 0.5, 0.9, 1.0))
        for offset, data in self.pending:
            if data is None:
                if chance.random() < share:
                    _apply(found, offset, None)
                continue
            for start, piece in _sectors(offset, data):
                if chance.random() < share:
                    _apply(found, start, piece)
        return bytes(found)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write, or with None cut to the length ``offset``."""
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
        yield offset + at, data[at:end]
        at = end


@dataclass
class _Folder:
    flushed: dict[str, int] = field(default_factory=dict)
    pending: list[tuple[str, int | None, str | None]] = field(default_factory=list)

    def flush(self) -> None:
        self.flushed = self.left(len(self.pending))
        self.pending.clear()

    def left(self, count: int) -> dict[str, int]:
        """Return its names after the first ``count`` changes that were not flushed."""
        names = dict(self.flushed)
        for name, number, gone in self.pending[:count]:
            if gone is not None:
                names.pop(gone, None)
            if number is None:
                names.pop(name, None)
            else:
                names[name] = number
        return names


@dataclass(frozen=True)
class Left:
    """What a cut left: the bytes of each file by its path, folders too (None), and the mark."""

    files: dict[str, bytes | None]
    mark: int
    at: int

    def lay_out(self, root: Path) -> None:
        """Write it into a folder."""
        root.mkdir(exist_ok=True)
        for name, content in self.files.items():
            path = root / name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.write_bytes(content)


class Disk:
    """Operations in the order in which they happened; folders and files have numbers.

    Paths are relative to a root that is there from the beginning. An operation is one of
    ``("make", path, number, is_folder)``, ``("write", number, offset, data or None)``,
    ``("flush", number)``, ``("flush folder", path)``, ``("rename", path, path)``,
    ``("unlink", path)`` and ``("mark", number)``.
    """

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._folders: dict[str, _Folder] = {".": _Folder()}
        self._now: dict[str, int] = {}
        self._mark = -1

    def left(self, ops: list[Op], cuts: list[int], chance: random.Random) -> Iterator[Left]:
        """Yield what is left when power fails before the operation of each number."""
        done = 0
        for cut in sorted(cuts):
            for op in ops[done:cut]:
                self._do(op)
            done = max(done, cut)
            yield Left(dict(self._tree(".", chance)), self._mark, cut)

    def _do(self, op: Op) -> None:
        match op:
            case ("make", path, number, is_folder):
                self._name(path, number, None)
                if is_folder:
                    self._folders[path] = _Folder()
                else:
                    self._files[number] = _File()
            case ("write", number, offset, data):
                self._files[number].pending.append((offset, data))
            case ("flush", number):
                self._files[number].flush()
            case ("flush folder", path):
                self._folders[path].flush()
            case ("rename", old, new):
                self._name(new, self._now.pop(old), old)
            case ("unlink", path):
                self._now.pop(path, None)
                self._name(path, None, None)
            case ("mark", number):
                self._mark = number

    def _name(self, path: str, number: int | None, old: str | None) -> None:
        pure = PurePath(path)
        gone = None if old is None else PurePath(old).name
        self._folders[str(pure.parent)].pending.append((pure.name, number, gone))
        if number is not None:
            self._now[path] = number

    def _tree(self, folder: str, chance: random.Random) -> Iterator[tuple[str, bytes | None]]:
        found = self._folders[folder]
        names = found.left(chance.randint(0, len(found.pending)))
        for name, number in names.items():
            path = str(PurePath(folder) / name)
            if number in self._files:
                yield path, self._files[number].left(chance)
            elif path in self._folders:
                yield path, None
                yield from self._tree(path, chance)

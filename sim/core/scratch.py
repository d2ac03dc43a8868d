"""Arrays in unnamed scratch files (memory-mapped), for data that is seldom read.

An array that is moved here reads and writes as before, but its pages lie in a file without a name:
whoever looks at them has them at hand, and nobody else pays for them. The file goes with the last
array in it, also when the process is killed. Where the disk has no room, arrays stay in memory.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)

LEAST_BYTES = 1 << 10
"""A smaller array stays where it is."""

SMALLEST_FILE, LARGEST_FILE = 16 << 20, 256 << 20
"""Bytes of a file, unless one array needs more; each has room for a quarter of what went before."""

SPARE_BYTES = 1 << 30
"""What is left free on the disk: saves come first."""

_ALIGNED = 64
_LOOKED_BYTES = 64 << 20
_mapped: WeakSet[mmap.mmap] = WeakSet()
_looked = 0


class _MappedFile:
    """A file without a name, mapped; its descriptor goes with this, the file with its arrays."""

    def __init__(self, size: int, folder: Path) -> None:
        free = os.statvfs(folder)
        if free.f_bavail * free.f_frsize < size + SPARE_BYTES:
            raise OSError(f"less than {SPARE_BYTES:,} bytes would be left free")
        self._file = tempfile.TemporaryFile(dir=folder, prefix=".hubbub-")  # noqa: SIM115
        self.descriptor = self._file.fileno()
        if hasattr(os, "posix_fallocate"):  # or a disk that fills up would kill a writer
            os.posix_fallocate(self.descriptor, 0, size)
        else:
            self._file.truncate(size)
        self.map = mmap.mmap(self.descriptor, size)
        self.size, self.taken = size, 0
        _mapped.add(self.map)

    def __del__(self) -> None:
        """Let the descriptor go: arrays have the map."""
        if hasattr(self, "_file"):
            self._file.close()


class ScratchArray:
    """A place for one array, in a scratch file where there is one."""

    __slots__ = ("_at", "_bytes", "_file", "size")

    def __init__(self, size: int, file: _MappedFile | None = None, at: int = 0) -> None:
        self.size = size
        self._file, self._at = file, at
        self._bytes: npt.NDArray[np.uint8] = (
            np.empty(size, np.uint8)
            if file is None
            else np.frombuffer(file.map, np.uint8, size, at)
        )

    @property
    def is_filed(self) -> bool:
        """Whether it lies in a file."""
        return self._file is not None

    def array(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array that lies here, (size,), as it is."""
        kind = np.dtype(dtype)
        return self._bytes[: size * kind.itemsize].view(kind)

    def hold(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Return a copy of an array of at most ``size`` bytes, C-contiguous, over what was here."""
        there = self._bytes[: array.nbytes].view(array.dtype).reshape(array.shape)
        if self._file is None or not array.flags.c_contiguous:
            np.copyto(there, array)
            return there
        self._write(self._file, array, 0)
        return there

    def joined(self, parts: Sequence[npt.NDArray[T]], dtype: np.dtype[T]) -> npt.NDArray[T]:
        """Return flat arrays one behind the other, over what was here.

        Of those that lie in files few are held at a time.
        """
        begin = 0
        for part in parts:
            held = np.ascontiguousarray(part, dtype)
            if self._file is None:
                self._bytes[begin : begin + held.nbytes].view(dtype)[:] = held
            else:
                self._write(self._file, held, begin)
            begin += held.nbytes
            looked_at(held.nbytes)
        return self._bytes[:begin].view(dtype)

    def _write(self, file: _MappedFile, array: npt.NDArray[Any], offset: int) -> None:
        left, at = array.reshape(-1).view(np.uint8).data, self._at + offset
        while left:  # twice as fast as page after page through the map, and none is held
            done = os.pwrite(file.descriptor, left, at)
            left, at = left[done:], at + done


class ScratchFiles:
    """Scratch files; the first is made when it is needed."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file: _MappedFile | None = None
        self._lock = threading.Lock()
        self.bytes = 0

    def moved(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Return an array's copy in a scratch file; as it is when small, or there is no room."""
        if array.nbytes < LEAST_BYTES:
            return array
        room = self.room(array.nbytes)
        return room.hold(array) if room.is_filed else array

    def joined(self, parts: Sequence[npt.NDArray[T]]) -> npt.NDArray[T]:
        """Return flat arrays, at least one, one behind the other, in a scratch file."""
        kind = np.result_type(*{part.dtype for part in parts})
        room = self.room(sum(part.size for part in parts) * kind.itemsize)
        return room.joined(parts, kind)

    def empty(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array to be written into, (size,)."""
        return self.room(size * np.dtype(dtype).itemsize).array(size, dtype)

    def room(self, size: int) -> ScratchArray:
        """Return a new place of so many bytes."""
        taken = -(-size // _ALIGNED) * _ALIGNED
        with self._lock:
            if self._file is None or self._file.taken + taken > self._file.size:
                self._file = self._next(taken)
            if self._file is None:
                return ScratchArray(size)
            at = self._file.taken
            self._file.taken += taken
            self.bytes += taken
            return ScratchArray(size, self._file, at)

    def _next(self, least: int) -> _MappedFile | None:
        usual = min(max(SMALLEST_FILE, self.bytes // 4), LARGEST_FILE)
        size = -(-max(usual, least) // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        try:
            return _MappedFile(size, self._folder or _folder())
        except (OSError, ValueError):  # the disk is full, or all descriptors are taken
            return None

    def __deepcopy__(self, memo: dict[int, Any]) -> ScratchFiles:
        """Return this one: a copy of what uses it may use it too."""
        return self

    def __reduce__(self) -> tuple[type[ScratchFiles], tuple[Path | None]]:
        """Go to another process without files."""
        return (ScratchFiles, (self._folder,))


@cache
def _folder() -> Path:
    # A file without a name cannot be taken by others.
    usual = Path("/var/tmp")  # noqa: S108  # nosec B108
    if not os.environ.get("TMPDIR") and usual.is_dir() and os.access(usual, os.W_OK):
        return usual
    return Path(tempfile.gettempdir())


def is_filed(array: npt.NDArray[Any]) -> bool:
    """Whether an array lies in a scratch file."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner is not None and getattr(owner, "obj", owner) in _mapped


def let_go() -> None:
    """Give back the memory of every page in scratch files; what is in them stays."""
    if sys.platform != "win32":
        for mapped in list(_mapped):
            mapped.madvise(mmap.MADV_DONTNEED)


def looked_at(size: int) -> None:
    """Say that so many bytes of arrays were read that nobody needs for now."""
    global _looked
    _looked += size
    if _looked >= _LOOKED_BYTES:
        _looked = 0
        let_go()


_ARENAS, _FROM, _TRIM = -8, -3, -1
"""Numbers of glibc's options: how many heaps, from which size memory goes back at once, and how
much may stay free at a heap's end."""

_FRUGAL_FROM = 128 << 10
"""Bytes: what a tick works with comes and goes beside small pieces that stay. In one heap, small
pieces came to lie in the holes of large ones, and a platform of 100,000 members grew by some 30 MB
an hour while it held no more. Ticks are as fast within 2 %."""


@cache
def share_heap() -> None:
    """Have all threads of the process share one heap of the C library, for as long as it lives.

    It is done before there are threads, by whatever makes a world: heaps that are there go on being
    used. Nothing is done where the C library is another.
    """
    _tune(_ARENAS, 1)


@cache
def be_frugal() -> None:
    """Have the C library give back what is freed, for as long as the process lives.

    As it is, it raises the size from which it does so to 32 MB by itself, and each thread has a
    heap of its own: a platform of a million members held 500 MB that nobody used. Large columns
    that come and go cost more then: linear-threshold among a million agents an eighth, a platform
    nothing.
    """
    share_heap()
    _tune(_FROM, _FRUGAL_FROM)
    _tune(_TRIM, 4 << 20)


def _tune(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        _libc().mallopt(option, value)


def give_back() -> None:
    """Give back what the C library holds free: after something large, in a thread that may wait."""
    with suppress(OSError, AttributeError):
        _libc().malloc_trim(0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL("libc.so.6")  # each time it is made it leaves a class behind

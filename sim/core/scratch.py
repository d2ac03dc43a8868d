"""Arrays in unnamed, memory-mapped scratch files, for data that is rarely read.

An array that is moved here is read and written as before, but its pages are in an unnamed file and
take memory only while they are in use. The file is deleted with the last array in it, even if the
process is killed. If the disk is full, arrays stay in memory.
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
"""Minimum size of an array to be moved, in bytes."""

SMALLEST_FILE, LARGEST_FILE = 16 << 20, 256 << 20
"""Bytes of a file, unless one array needs more; each has a quarter of the total before it."""

SPARE_BYTES = 1 << 30
"""Bytes left free on the disk, so that saves have room."""

_ALIGNED = 64
_LOOKED_BYTES = 64 << 20
_mapped: WeakSet[mmap.mmap] = WeakSet()
_looked = 0


class _MappedFile:
    """An unnamed, mapped file; its descriptor lives as long as this, the file as its arrays."""

    def __init__(self, size: int, folder: Path) -> None:
        free = os.statvfs(folder)
        if free.f_bavail * free.f_frsize < size + SPARE_BYTES:
            raise OSError(f"less than {SPARE_BYTES:,} bytes would be left free")
        self._file = tempfile.TemporaryFile(dir=folder, prefix=".hubbub-")  # noqa: SIM115
        self.descriptor = self._file.fileno()
        if hasattr(os, "posix_fallocate"):  # otherwise a full disk would kill a writer
            os.posix_fallocate(self.descriptor, 0, size)
        else:
            self._file.truncate(size)
        self.map = mmap.mmap(self.descriptor, size)
        self.size, self.taken = size, 0
        _mapped.add(self.map)

    def __del__(self) -> None:
        """Close the descriptor; arrays keep the mapping."""
        if hasattr(self, "_file"):
            self._file.close()


class ScratchArray:
    """Memory for one array, in a scratch file if there is one."""

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
        """Whether it is in a file."""
        return self._file is not None

    def array(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return this memory as an array, (size,)."""
        kind = np.dtype(dtype)
        return self._bytes[: size * kind.itemsize].view(kind)

    def hold(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Return a C-contiguous copy of an array (at most ``size`` bytes) in this memory."""
        there = self._bytes[: array.nbytes].view(array.dtype).reshape(array.shape)
        if self._file is None or not array.flags.c_contiguous:
            np.copyto(there, array)
            return there
        self._write(self._file, array, 0)
        return there

    def joined(self, parts: Sequence[npt.NDArray[T]], dtype: np.dtype[T]) -> npt.NDArray[T]:
        """Return flat arrays concatenated, overwriting the memory, a few pages at a time."""
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
        while left:  # twice as fast as through the mapping, and keeps no pages
            done = os.pwrite(file.descriptor, left, at)
            left, at = left[done:], at + done


class ScratchFiles:
    """Scratch files; the first is created when needed."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file: _MappedFile | None = None
        self._lock = threading.Lock()
        self.bytes = 0

    def moved(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Return a copy of an array in a scratch file, or the array if small or without space."""
        if array.nbytes < LEAST_BYTES:
            return array
        room = self.room(array.nbytes)
        return room.hold(array) if room.is_filed else array

    def joined(self, parts: Sequence[npt.NDArray[T]]) -> npt.NDArray[T]:
        """Return flat arrays, at least one, concatenated in a scratch file."""
        kind = np.result_type(*{part.dtype for part in parts})
        room = self.room(sum(part.size for part in parts) * kind.itemsize)
        return room.joined(parts, kind)

    def empty(self, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array to be written into, (size,)."""
        return self.room(size * np.dtype(dtype).itemsize).array(size, dtype)

    def room(self, size: int) -> ScratchArray:
        """Return new memory of ``size`` bytes."""
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
        except (OSError, ValueError):  # disk full, or no descriptors left
            return None

    def __deepcopy__(self, memo: dict[int, Any]) -> ScratchFiles:
        """Return itself: copies of its users may share it."""
        return self

    def __reduce__(self) -> tuple[type[ScratchFiles], tuple[Path | None]]:
        """Pickle without files."""
        return (ScratchFiles, (self._folder,))


@cache
def _folder() -> Path:
    # Others cannot open an unnamed file.
    usual = Path("/var/tmp")  # noqa: S108  # nosec B108
    if not os.environ.get("TMPDIR") and usual.is_dir() and os.access(usual, os.W_OK):
        return usual
    return Path(tempfile.gettempdir())


def is_filed(array: npt.NDArray[Any]) -> bool:
    """Return whether an array is in a scratch file."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner is not None and getattr(owner, "obj", owner) in _mapped


def let_go() -> None:
    """Release the memory of all pages in scratch files, keeping their contents."""
    if sys.platform != "win32":
        for mapped in list(_mapped):
            mapped.madvise(mmap.MADV_DONTNEED)


def looked_at(size: int) -> None:
    """Count bytes of arrays that were read and are not needed for now."""
    global _looked
    _looked += size
    if _looked >= _LOOKED_BYTES:
        _looked = 0
        let_go()


_ARENAS, _FROM, _TRIM = -8, -3, -1
"""Numbers of glibc's options: maximum heaps, size from which memory is returned at once, and free
memory allowed at the end of a heap."""

_FRUGAL_FROM = 128 << 10
"""Bytes: a tick's working memory is freed while small blocks stay. In one heap, small blocks ended
up in the holes of large ones, and a platform of 100,000 members grew by about 30 MB an hour without
holding more. The speed of ticks is the same within 2 %."""


@cache
def share_heap() -> None:
    """Make all threads of the process share one heap of the C library, permanently.

    Call it before threads start, when a world is created: existing heaps stay in use. It does
    nothing with another C library than glibc.
    """
    _tune(_ARENAS, 1)


@cache
def be_frugal() -> None:
    """Make the C library return freed memory to the system, permanently.

    By default it raises the threshold for this to 32 MB, and each thread has its own heap: a
    platform of a million members held 500 MB of unused memory. Allocating large columns costs more
    then: an eighth of the time for linear-threshold with a million agents, nothing for a platform.
    """
    share_heap()
    _tune(_FROM, _FRUGAL_FROM)
    _tune(_TRIM, 4 << 20)


def _tune(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        _libc().mallopt(option, value)


def give_back() -> None:
    """Return free memory of the C library to the system; slow, so call it after large work."""
    with suppress(OSError, AttributeError):
        _libc().malloc_trim(0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL("libc.so.6")  # cached, as each instance leaks a class

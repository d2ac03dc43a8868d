"""An opened world file, between "the header is right" and "every byte is right"."""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from sim.core.progress import Report
from sim.errors import Cancelled, CapacityError, PluginError, SnapshotError, UnknownNameError
from sim.store.journal.audit import attach
from sim.store.sans_io import Lookup, Query, look_up
from sim.store.snapshot import columns as arrays
from sim.store.snapshot.columns import ColumnEntry, Columns
from sim.store.snapshot.facts import Meta
from sim.store.snapshot.gates import DamagedError, gated
from sim.store.snapshot.header import HEADER_BYTES, check_header, open_regular, version_of
from sim.store.snapshot.json_values import from_json
from sim.store.snapshot.schema import VERSION
from sim.store.snapshot.trailer import TRAILER_BYTES, Trailer, quick, quick_of
from sim.store.snapshot.upgrades import upgrade
from sim.world.records import records, unfold

WORKING_BYTES = 32 << 20
"""Memory that loading takes beside the columns."""


PASSED_ON = (Cancelled, CapacityError, PluginError, UnknownNameError)
"""What building a world may say that is not about the file: a missing plugin, say."""


class SnapshotCapacityError(SnapshotError, CapacityError):
    """The world in this file needs more memory than is free; nothing was allocated."""


class Storable(Protocol):
    """What can be saved: a world, or anything of its shape."""

    def dump(self) -> tuple[Meta, Columns]:
        """Return the whole state: metadata for JSON, and arrays of numbers."""

    def digest(self) -> str:
        """Return hex text that is equal if and only if two states are."""


def packed(world: Storable) -> tuple[Meta, Columns]:
    """Return the whole state as a file keeps it: a world packs the messages that ended."""
    found: tuple[Meta, Columns] = getattr(world, "packed", world.dump)()
    return found


S = TypeVar("S", bound=Storable)
Restore = Callable[[Meta, Columns], S]


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A world file whose header was found right; its content is not trusted yet.

    Attributes
    ----------
    path, descriptor
        The file, open for reading.
    body
        Its bytes before the trailer.
    trailer
        What they must hash to.
    version
        Of the file format; an earlier one is upgraded on reading.
    """

    path: Path
    descriptor: int
    body: int
    trailer: Trailer
    version: int = VERSION

    def restored(self, restore: Restore[S], report: Report) -> S:
        """Read everything and build the world while a thread hashes the file.

        Nothing leaves this function, not even an error, before the digest is right.
        """
        with quick(self.descriptor, self.body) as leaves:
            try:
                world = self._built(restore, report)
            except SnapshotError as error:
                self._require_quick(leaves.results(), error.reason)
                raise
            self._require_quick(leaves.results(report), "")
        return world

    def require(self, same: bool, symptom: str = "") -> None:
        """Refuse a file whose bytes do not hash to what its trailer says."""
        if not same:
            text = "damaged or changed: its bytes are not those that were saved"
            raise SnapshotError(self.path, f"{text} ({symptom})" if symptom else text)

    def _require_quick(self, leaves: list[bytes], symptom: str) -> None:
        found = quick_of(leaves, self.trailer.strong)
        self.require(found == self.trailer.quick, symptom)

    def _built(self, restore: Restore[S], report: Report) -> S:
        meta, columns, said = self._read(report)
        report("restoring", 0.0)
        try:
            upgrade(self.version, meta, columns)
            world = restore(meta, columns)
            attach(world, said)
        except PASSED_ON:
            raise
        except Exception as error:
            raise SnapshotError(self.path, f"cannot be restored ({error!r:.200})") from error
        # An upgraded world has a digest of its own; its bytes were compared with the trailer.
        if self.version == VERSION and world.digest() != said.get("digest", ""):
            text = "what it holds is not the world that was saved; a different Hubbub wrote it"
            raise SnapshotError(self.path, text)
        return world

    def _read(self, report: Report) -> tuple[Meta, Columns, dict[str, str]]:
        with gated(self.path) as connection:
            entries = arrays.declared(connection, self.body)
            self._require_memory(entries)
            said = world_rows(connection, self.body)
            try:
                columns = arrays.read(connection, entries, report)
            except MemoryError as error:
                raise self._too_large(entries) from error
        self._require_same_file()
        meta = meta_of(self.path, said)
        unpack(self.path, meta, columns)
        return meta, columns, said

    def _require_memory(self, entries: list[ColumnEntry]) -> None:
        if sum(entry.bytes for entry in entries) + WORKING_BYTES > available_bytes():
            raise self._too_large(entries)

    def _too_large(self, entries: list[ColumnEntry]) -> SnapshotCapacityError:
        needed = (sum(entry.bytes for entry in entries) + WORKING_BYTES) / 1e6
        free = available_bytes() / 1e6
        text = f"not enough memory: it needs {needed:,.0f} MB and {free:,.0f} MB are free"
        return SnapshotCapacityError(self.path, f"{text}; close other programs and try again")

    def _require_same_file(self) -> None:
        """SQLite opened the name, the digest an earlier descriptor: they must be one file."""
        now, then = self.path.stat(), os.fstat(self.descriptor)
        if (now.st_dev, now.st_ino, now.st_mtime_ns) != (
            then.st_dev,
            then.st_ino,
            then.st_mtime_ns,
        ):
            raise SnapshotError(self.path, "replaced while it was being read; try again")


def unpack(path: Path, meta: Meta, columns: Columns) -> None:
    """Unpack the messages that ended, in place, where there is memory for them."""
    try:
        needed = sum(record.whole for record in records(columns))
        if needed and needed + WORKING_BYTES > available_bytes():
            text = f"not enough memory: its messages need {needed / 1e6:,.0f} MB"
            raise SnapshotCapacityError(path, f"{text}; close other programs and try again")
        unfold(meta, columns)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        text = f"damaged: the records of its messages cannot be read ({error!s:.200})"
        raise SnapshotError(path, text) from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[OpenedFile]:
    """Open a file and check what can be checked without SQLite: kind, header, length, trailer."""
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        header = os.pread(descriptor, HEADER_BYTES, 0)
        body = check_header(path, header, size)
        trailer = Trailer.parse(os.pread(descriptor, TRAILER_BYTES, body))
        if trailer is None:
            raise SnapshotError(path, "damaged: its trailer is not a trailer")
        yield OpenedFile(path, descriptor, body, trailer, version_of(header))
    except (OSError, EOFError) as error:
        raise SnapshotError(path, f"cannot be read ({error})") from error
    finally:
        os.close(descriptor)


def world_rows(connection: sqlite3.Connection, room: int = 256 << 20) -> dict[str, str]:
    """Return the table ``world`` of a file of ``room`` bytes."""
    return look_up(connection, find_world(), lambda: room)


def find_world() -> Lookup[dict[str, str]]:
    """Look :func:`world_rows` up."""
    rows = yield Query("SELECT key, value FROM world")
    if not all(isinstance(each, str) for row in rows for each in row):
        raise DamagedError("its table 'world' holds values that are not text")
    return dict(rows)


def meta_of(path: Path, said: dict[str, str]) -> Meta:
    """Return what :func:`world_rows` have of a world beside its columns, or refuse it."""
    try:
        meta = from_json(said.get("meta", ""))
    except ValueError as error:
        raise SnapshotError(path, f"damaged: its metadata is not JSON ({error})") from error
    if not isinstance(meta, dict):
        raise SnapshotError(path, "damaged: its metadata has no keys")
    return meta


UNLIMITED = 1 << 62
CGROUP = Path("/sys/fs/cgroup")
"""Inside a container the machine's free memory says nothing; its own limit stands here."""


def available_bytes() -> int:
    """Return the bytes that can be allocated now: of the machine, the container, the process."""
    import psutil

    machine = int(psutil.virtual_memory().available)
    taken = int(psutil.Process().memory_info().vms)
    return max(0, min(machine, _container(), _process(taken)))


def _container() -> int:
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        kept = _reclaimable((CGROUP / "memory.stat").read_text())
        return UNLIMITED if limit == "max" else int(limit) - used + kept
    except (OSError, ValueError):
        return UNLIMITED


def _reclaimable(text: str) -> int:
    """Return the bytes of cached files, which count as used and are given up on demand."""
    counts = dict(line.split() for line in text.splitlines())
    return int(counts.get("active_file", 0)) + int(counts.get("inactive_file", 0))


def _process(used: int) -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit - used

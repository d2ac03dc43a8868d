"""An opened world file: ``info``, ``verify``, restoring, and upgrades of earlier formats."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import xxhash

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import Cancelled, CapacityError, PluginError, SnapshotError, UnknownNameError
from sim.platform.acts.log import ActColumns, ActLog
from sim.platform.feed.draws_kernels import SETS
from sim.store.journal.audit import attach
from sim.store.snapshot import columns as arrays
from sim.store.snapshot.columns import ColumnEntry, Columns, Meta
from sim.store.snapshot.files import (
    HEADER_BYTES,
    NO_STRONG,
    TRAILER_BYTES,
    Trailer,
    as_path,
    check_header,
    full,
    open_regular,
    quick,
    quick_of,
    version_of,
)
from sim.store.snapshot.gates import DamagedError, Lookup, Query, bounded, gated, look_up
from sim.store.snapshot.schema import VERSION, from_json
from sim.world.records import records, unfold

Upgrade = Callable[[dict[str, Any], Columns], None]
"""Changes (meta, columns) in place; one concern each, in the order of the list."""


_TASTES = "platform.held.collaborative-filtering-"


def _own_words(meta: dict[str, Any], _columns: Columns) -> None:
    """Store the texts of injected messages on the platform."""
    if "platform" not in meta:
        return
    platform = meta["platform"]
    texts = {cascade["id"]: cascade["text"] for cascade in meta["cascades"]}
    first = platform["posts"]["first"]
    sent = {number: texts[own] for own, number in platform["injected"] if number >= first}
    written = dict(platform["written"])
    platform["written"] = [[number, text] for number, text in sorted((sent | written).items())]


def _reports_by_share(meta: dict[str, Any], _columns: Columns) -> None:
    """Let reports count per impression, unless a limit for labelling or hiding was set."""
    if "platform" not in meta:
        return
    settings = meta["platform"]["settings"]
    for name, usual in (("label", 5), ("hide", 20)):
        if settings[f"{name}_reports"] != usual:
            settings[f"{name}_share"] = 0.0


def _go_on_alone(meta: dict[str, Any], _columns: Columns) -> None:
    """Make messages that ended after leaving the feeds check for spontaneous changes."""
    for cascade in meta["cascades"]:
        if cascade["status"] == "quiet" and cascade["channel"] != "broadcast":
            cascade["rested"] = ""


def _tastes_anew(_meta: dict[str, Any], columns: Columns) -> None:
    """Relearn tastes from the log: the old ones ignored the topics of messages."""
    for name in [each for each in columns if each.startswith(_TASTES)]:
        del columns[name]


def sealed(_meta: dict[str, Any], columns: Columns) -> None:
    """Seal the ticks with acts on record; what was done before them is unknown."""
    if "platform.log.ticks" not in columns:
        return
    own = {
        name: columns[f"platform.log.{name}"] for name in ("ticks", "lengths", *ActColumns._fields)
    }
    log, stops = ActLog(0), np.cumsum(own["lengths"])
    for tick, stop, length in zip(own["ticks"], stops, own["lengths"], strict=True):
        log.seal(int(tick), [own[name][stop - length : stop] for name in ActColumns._fields])
    for name, column in log.dump().items():
        if name in {"sealed", "chains"}:
            columns[f"platform.log.{name}"] = column


def _nobody_known_online(meta: dict[str, Any], columns: Columns) -> None:
    """Mark the members online as unknown: they were not stored."""
    if "platform" in meta:
        meta["platform"]["online_at"] = -1
        columns["platform.online"] = np.empty(0, np.uint32)


def _nobody_welcomed(meta: dict[str, Any], _columns: Columns) -> None:
    """Keep members that follow no one without proposals."""
    if "platform" in meta:
        meta["platform"]["settings"]["welcome"] = 0


def _unburied(meta: dict[str, Any], _columns: Columns) -> None:
    """Remove destroyed agents from the network: they had stayed in it."""
    meta["unburied"] = True


def _seen_anew(_meta: dict[str, Any], columns: Columns) -> None:
    """Clear what members have seen: the old filter also hid a fifth of all other posts."""
    if (seen := columns.get("platform.members.seen")) is not None:
        columns["platform.members.seen"] = np.zeros((len(seen), SETS), np.uint16)


CHANGES: dict[int, tuple[Upgrade, ...]] = {
    1: (
        _own_words,
        _reports_by_share,
        _go_on_alone,
        _tastes_anew,
        sealed,
        _nobody_known_online,
        _nobody_welcomed,
        _unburied,
    ),
    2: (_seen_anew,),
}
"""From a version to the changes that make the next one."""


def upgrade(version: int, meta: dict[str, Any], columns: Columns) -> None:
    """Upgrade the contents of a file of ``version`` to the present version."""
    for number, changes in sorted(CHANGES.items()):
        if number >= version:
            for change in changes:
                change(meta, columns)


WORKING_BYTES = 32 << 20
"""Memory that loading needs besides the columns."""


PASSED_ON = (Cancelled, CapacityError, PluginError, UnknownNameError)
"""Errors on building a world that are not about the file, such as a missing plugin."""


class SnapshotCapacityError(SnapshotError, CapacityError):
    """The world in this file needs more memory than is free; nothing was allocated."""


class Storable(Protocol):
    """Anything that can be saved: a world, or an object with the same methods."""

    def dump(self) -> tuple[Meta, Columns]:
        """Return the whole state: metadata for JSON, and arrays of numbers."""

    def digest(self) -> str:
        """Return hex text that is equal if and only if two states are equal."""


def packed(world: Storable) -> tuple[Meta, Columns]:
    """Return the whole state in the form of a file: a world packs the messages that ended."""
    found: tuple[Meta, Columns] = getattr(world, "packed", world.dump)()
    return found


S = TypeVar("S", bound=Storable)
Restore = Callable[[Meta, Columns], S]


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A world file with a valid header; its contents are not trusted yet."""

    path: Path  # path, descriptor: the file, open for reading
    descriptor: int
    body: int  # its bytes before the trailer
    trailer: Trailer  # the digests that they must have
    version: int = VERSION  # of the file format; an earlier one is upgraded on reading

    def restored(self, restore: Restore[S], report: Report) -> S:
        """Build the world while a thread hashes the file; return it only if the bytes are right."""
        with quick(self.descriptor, self.body) as leaves:
            try:
                world = self._built(restore, report)
            except SnapshotError as error:
                self._require_quick(leaves.results(), error.reason)
                raise
            self._require_quick(leaves.results(report), "")
        return world

    def require(self, same: bool, symptom: str = "") -> None:
        """Raise if the bytes of a file do not have the digests in its trailer."""
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
        # An upgraded world has another digest; its bytes were compared with the trailer.
        if self.version == VERSION and world.digest() != said.get("digest", ""):
            text = "what it holds is not the world that was saved; a different Hubbub wrote it"
            raise SnapshotError(self.path, text)
        return world

    def _read(self, report: Report) -> tuple[Meta, Columns, dict[str, str]]:
        with gated(self.path) as connection:
            entries = arrays.declared(connection, self.body)
            if sum(entry.bytes for entry in entries) + WORKING_BYTES > available_bytes():
                raise self._too_large(entries)
            said = world_rows(connection, self.body)
            try:
                columns = arrays.read(connection, entries, report)
            except MemoryError as error:
                raise self._too_large(entries) from error
        # SQLite opened the name, the digest an earlier descriptor: they must be the same file.
        now, then = self.path.stat(), os.fstat(self.descriptor)
        if (now.st_dev, now.st_ino, now.st_mtime_ns) != (
            then.st_dev,
            then.st_ino,
            then.st_mtime_ns,
        ):
            raise SnapshotError(self.path, "replaced while it was being read; try again")
        meta = meta_of(self.path, said)
        unpack(self.path, meta, columns)
        return meta, columns, said

    def _too_large(self, entries: list[ColumnEntry]) -> SnapshotCapacityError:
        needed = (sum(entry.bytes for entry in entries) + WORKING_BYTES) / 1e6
        free = available_bytes() / 1e6
        text = f"not enough memory: it needs {needed:,.0f} MB and {free:,.0f} MB are free"
        return SnapshotCapacityError(self.path, f"{text}; close other programs and try again")


def unpack(path: Path, meta: Meta, columns: Columns) -> None:
    """Unpack the messages that ended, in place, if there is memory for them."""
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
    """Open a file and check what does not need SQLite: kind, header, length, trailer."""
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
    """Lookup for :func:`world_rows`."""
    rows = yield Query("SELECT key, value FROM world")
    if not all(isinstance(each, str) for row in rows for each in row):
        raise DamagedError("its table 'world' holds values that are not text")
    return dict(rows)


def meta_of(path: Path, said: dict[str, str]) -> Meta:
    """Return the metadata in :func:`world_rows`, or raise."""
    try:
        meta = from_json(said.get("meta", ""))
    except ValueError as error:
        raise SnapshotError(path, f"damaged: its metadata is not JSON ({error})") from error
    if not isinstance(meta, dict):
        raise SnapshotError(path, "damaged: its metadata has no keys")
    return meta


UNLIMITED = 1 << 62
CGROUP = Path("/sys/fs/cgroup")
"""In a container the machine's free memory is meaningless; the container's own limit is here."""


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
        # Cached files count as used, but are released on demand.
        counts = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        kept = int(counts.get("active_file", 0)) + int(counts.get("inactive_file", 0))
        return UNLIMITED if limit == "max" else int(limit) - used + kept
    except (OSError, ValueError):
        return UNLIMITED


def _process(used: int) -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit - used


NUMBER = re.compile(r"-?[0-9]{1,1000}")
"""Longer numbers take long to convert, and no count has as many digits."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that the saved world used: name, version, kind, and the hash of its file."""

    name: str
    version: str
    kind: str
    hash: str


@dataclass(frozen=True, slots=True)
class Info:
    """The facts on a world file.

    Attributes
    ----------
    path, bytes
        The file and its size.
    name, note
        For people; one clean line each, like every text here.
    agents, ties, tick, seed
        Of the world; None if the file does not say.
    models, plugins
        Names of the propagation models of its cascades, and the plugins it used.
    saved_at, versions
        Time of saving (ISO 8601, UTC), and the versions of the software.
    digest
        The world's, hex.
    relational
        Whether it also holds agents, ties and adoptions as rows.
    interactions
        Number of single contacts with times, if the network came with some.
    relations
        Number of imported ties of each type, for the first hundred types.
    recommenders
        Recommenders that rank the feeds of its platform; empty without one.
    policies
        Policies that decide what its members do there; the first is for new members.
    minds
        The minds of members, and for how many members each decides.
    checked
        How much of the file was checked, in words.
    """

    path: Path
    bytes: int
    name: str
    note: str
    agents: int | None
    ties: int | None
    tick: int | None
    seed: int | None
    models: tuple[str, ...]
    plugins: tuple[Plugin, ...]
    saved_at: str
    versions: dict[str, str] = field(hash=False)
    digest: str
    relational: bool
    interactions: int | None = None
    relations: dict[str, int] = field(default_factory=dict, hash=False)
    recommenders: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    minds: tuple[str, ...] = ()
    checked: str = "header only; `verify` checks every byte"


@dataclass(frozen=True, slots=True)
class Verification:
    """A file in which every byte is unchanged since it was saved.

    Attributes
    ----------
    path, bytes, seconds
        The file, its size, and the duration of the check.
    columns
        Number of columns that were read and compared with their checksums.
    """

    path: Path
    bytes: int
    seconds: float
    columns: int


def under_way(path: str | PathLike[str]) -> frozenset[int]:
    """Return the numbers of the running and waiting messages in a world file."""
    with opened(as_path(path)) as file, gated(file.path) as connection:
        rows = connection.execute(
            "SELECT id FROM cascades WHERE status IN ('running', 'queued') ORDER BY id"
        )
        return frozenset(int(number) for (number,) in bounded(rows, file.body))


def info(path: str | PathLike[str]) -> Info:
    """Return the facts on a world file, without reading its columns or importing any plugin.

    Raises
    ------
    SnapshotError
        If it is not a complete world file of a known version. Deeper damage is not detected:
        only the header, the length and the descriptive tables are read.
    """
    with opened(as_path(path)) as file, gated(file.path) as connection:
        return look_up(connection, find_info(file), lambda: file.body)


def find_info(file: OpenedFile) -> Lookup[Info]:
    """Lookup for :func:`info`, on a file with a valid header."""
    said = yield from find_world()
    plugins = yield Query("SELECT name, version, kind, hash FROM plugins ORDER BY id")
    tables = yield Query("SELECT name FROM sqlite_master")
    return Info(
        path=file.path,
        bytes=file.body + TRAILER_BYTES,
        name=one_line(said.get("name", "")),
        note=one_line(said.get("note", "")),
        agents=_number(said, "agents"),
        ties=_number(said, "ties"),
        tick=_number(said, "tick"),
        seed=_number(said, "seed"),
        models=tuple(_line(name) for name in _json(said, "models", list)),
        plugins=tuple(Plugin(*map(_line, row)) for row in plugins),
        saved_at=one_line(said.get("saved_at", "")),
        versions={_line(k): _line(v) for k, v in _json(said, "versions", dict).items()},
        digest=one_line(said.get("digest", "")),
        relational=("agents",) in tables,
        interactions=_number(said, "interactions"),
        relations=_typed(_json(said, "relations", list)),
        recommenders=tuple(_line(name) for name in _json(said, "recommenders", list)),
        policies=tuple(_line(name) for name in _json(said, "policies", list)),
        minds=tuple(_line(name) for name in _json(said, "minds", list)),
    )


def verify(path: str | PathLike[str], *, report: Report = quiet) -> Verification:
    """Check every byte of a world file against its digests, every column against its checksum.

    It takes the memory of a few chunks, whatever the size of the world.

    Raises
    ------
    SnapshotError
        Naming what is wrong, as ``load`` would; a world too large for this machine is no error.
    """
    started = time.perf_counter()
    with opened(as_path(path)) as file:
        begin = quick if file.trailer.strong == NO_STRONG else full
        with begin(file.descriptor, file.body) as leaves:
            try:
                with gated(file.path) as connection:
                    meta_of(file.path, world_rows(connection, file.body))
                    entries = arrays.declared(connection, file.body)
                    hashes = {entry.name: xxhash.xxh3_64() for entry in entries}
                    for entry, _, data in arrays.chunks(connection, entries, report):
                        hashes[entry.name].update(data)
                    for entry in entries:
                        if hashes[entry.name].hexdigest() != entry.checksum:
                            raise DamagedError(f"column {entry.name!r} does not match its checksum")
                count = len(entries)
            except SnapshotError as error:
                file.require(leaves.trailer() == file.trailer, error.reason)
                raise
            file.require(leaves.trailer(report) == file.trailer)
        size = file.body + TRAILER_BYTES
    return Verification(file.path, size, time.perf_counter() - started, count)


def _line(value: object) -> str:
    return one_line(str(value))


def _number(said: dict[str, str], key: str) -> int | None:
    text = said.get(key, "")
    return int(text) if NUMBER.fullmatch(text) else None


def _typed(pairs: list[Any]) -> dict[str, int]:
    """Return (type, number of ties) pairs from a table; other entries are left out."""
    fine = [each for each in pairs if isinstance(each, list) and len(each) == 2]
    return {_line(name): count for name, count in fine if isinstance(count, int)}


def _json(said: dict[str, str], key: str, kind: type[Any]) -> Any:
    try:
        value = from_json(said.get(key, ""))
    except ValueError:
        return kind()
    return value if isinstance(value, kind) else kind()

"""One replicate: a copy-on-write copy of the base world, reseeded, run under one program.

The driver writes the columns of a world to one file. A worker maps it read-only, so that all of a
machine's workers share its pages, and uses the mapped ties: a replicate copies only those parts
of the world that its ticks modify.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import warnings
import zlib
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgpack
import numpy as np
import numpy.typing as npt

from sim.core.bounds import under
from sim.core.clock import TickWarning
from sim.errors import FileError
from sim.lab.runs.measures import Measure, RunObserver, series_name
from sim.network.graph.ties import Ties
from sim.runtime.engine.output_capture import OutputCapture
from sim.runtime.engine.run_control import drive
from sim.runtime.engine.warden import on_watch
from sim.world.commands import reseed
from sim.world.state.state import digest_of, restore_world
from sim.world.world import World

if TYPE_CHECKING:
    from sim.runtime.engine.run_control import Program


_ALIGNED = 64
_PREFIX = "hubbub-base-"
_COLUMNS, _META = "columns", "meta.json"
_LAID = "laid.ties."

Columns = dict[str, npt.NDArray[Any]]


class SharedBase:
    """A world in read-only columns, from which copies are made."""

    def __init__(self, meta: dict[str, Any], columns: Columns) -> None:
        self._meta, self._columns = meta, columns
        own = under("ties.", columns)
        self._ties = Ties.restore(meta["ties"], own, under(_LAID, columns) or None)

    def twin(self) -> World:
        """Return a new copy of the world; it shares ties, and everything that no tick modifies."""
        return restore_world(World, self._meta, self._columns, ties=copy(self._ties))

    def learn(self, twin: World) -> None:
        """Keep the index of ties that a copy had to build, for the next copies."""
        if self._ties.back is None and twin.ties.back is not None:
            self._ties.reversed()


@dataclass
class BaseFile:
    """The file of a world's columns, for workers to map; only its location is pickled."""

    folder: Path
    digest: str
    lent: tuple[Any, ...] = field(default=())

    @classmethod
    def write(cls, world: World) -> BaseFile:
        """Write a world to a folder of its own; :meth:`remove` deletes it."""
        meta, columns = world.packed()
        # First remove folders that killed drivers left on this machine.
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            number, machine = (*folder.name.removeprefix(_PREFIX).split("-"), "")[:2]
            with suppress(OSError, OverflowError):
                is_here = machine == _machine() and folder.stat().st_uid == os.getuid()
                if number.isdecimal() and is_here:
                    try:
                        os.kill(int(number), 0)
                    except ProcessLookupError:
                        shutil.rmtree(folder, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{_machine()}-"))
        made = cls(folder, digest_of(meta, columns))
        try:
            _lay(folder, meta, columns | {_LAID + n: c for n, c in world.ties.laid().items()})
        except OSError as error:
            made.remove()
            raise FileError(
                folder.parent,
                f"has no room for {sum(c.nbytes for c in columns.values()):,} bytes of the world "
                f"({error.strerror}); set TMPDIR to a folder that has",
            ) from None
        return made

    def remove(self) -> None:
        """Remove the folder; processes that have mapped it keep their mapping."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def meta(self) -> dict[str, Any]:
        """The part of the world that is not a column; fits JSON."""
        said: dict[str, Any] = json.loads((self.folder / _META).read_text("utf-8"))["meta"]
        return said

    def map(self) -> tuple[dict[str, Any], Columns]:
        """Return (meta, columns); the columns are read-only and loaded lazily."""
        said = json.loads((self.folder / _META).read_text("utf-8"))
        laid = np.memmap(self.folder / _COLUMNS, np.uint8, mode="r") if said["size"] else b""
        return said["meta"], {
            name: np.frombuffer(laid, np.dtype(kind), count, start).reshape(shape)
            if (count := int(np.prod(shape)))
            else np.empty(shape, np.dtype(kind))
            for name, kind, shape, start in said["columns"]
        }


def _machine() -> str:
    """Return an id of this machine: several may share a folder, each with its own process ids."""
    return f"{zlib.crc32(os.uname().nodename.encode()):08x}"


def _lay(folder: Path, meta: Mapping[str, Any], columns: Columns) -> None:
    places, at = [], 0
    with (folder / _COLUMNS).open("wb") as file:
        for name, column in columns.items():
            whole = np.ascontiguousarray(column)
            places.append((name, whole.dtype.str, whole.shape, at))
            file.write(whole.reshape(-1).view(np.uint8).data)
            file.write(bytes(-whole.nbytes % _ALIGNED))
            at += whole.nbytes + -whole.nbytes % _ALIGNED
    said = {"meta": meta, "columns": places, "size": at}
    (folder / _META).write_text(json.dumps(said), "utf-8")


_MOST_HELD = 4
"""Base worlds kept open; they are mapped, so each costs only the indexes built of its ties."""
_held: dict[str, SharedBase] = {}
_lock = threading.Lock()


def opened(file: BaseFile) -> SharedBase:
    """Return the base of a file; a process keeps the newest few for later replicates."""
    with _lock:
        base = _held.pop(file.digest, None)
        if base is None:
            if len(_held) >= _MOST_HELD:
                del _held[next(iter(_held))]
            base = SharedBase(*_columns_of(file))
        _held[file.digest] = base
        return base


def _columns_of(file: BaseFile) -> tuple[dict[str, Any], Columns]:
    if file.lent:
        import ray

        found: tuple[dict[str, Any], Columns] = ray.get(file.lent[0])
        return found
    try:
        return file.map()
    except FileNotFoundError:
        raise FileError(
            file.folder,
            "is not seen by this worker; let TMPDIR be a folder that all machines share, "
            "or use the backend ray",
        ) from None


_MOST_REMARKS = 20
_WRONG = (
    zlib.error, KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError,
    msgpack.UnpackException,
)  # fmt: skip
"""Errors raised by bytes that hold no replicate."""


@dataclass(frozen=True)
class Run:
    """The settings that all replicates of an experiment share, apart from the program."""

    ticks: int
    measures: Mapping[str, Measure] = field(default_factory=dict)
    series: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True)
class Replicate:
    """The outcome of one replicate."""

    ticks: int
    measured: dict[str, float]
    series: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    remarks: tuple[str, ...] = ()

    def packed(self) -> bytes:
        """Return it as bytes, identical for identical outcomes."""
        said = {
            "ticks": self.ticks,
            "measured": self.measured,
            "series": {name: row.astype("<f8").tobytes() for name, row in self.series.items()},
            "remarks": list(self.remarks),
        }
        return zlib.compress(msgpack.packb(said), 1)

    @classmethod
    def unpacked(cls, data: bytes) -> Replicate:
        """Return the replicate from its packed bytes."""
        try:
            said = msgpack.unpackb(zlib.decompress(data))
            series = {
                series_name(str(n)): np.frombuffer(row, "<f8") for n, row in said["series"].items()
            }
            measured = {str(name): float(value) for name, value in said["measured"].items()}
            ticks, remarks = said["ticks"], tuple(map(str, said["remarks"]))
        except _WRONG as error:
            raise ValueError(f"no replicate: {error}") from None
        if type(ticks) is not int or any(row.size != ticks + 1 for row in series.values()):
            raise ValueError("no replicate: its series are not as long as it ran")
        return cls(ticks, measured, series, remarks)


class Watch(Protocol):
    """A program's own measurement of a run, which replaces the usual measures."""

    def after_tick(self, done: int) -> None:
        """Measure, and do, what follows a tick, before anything else happens in the world."""

    def measured(self) -> dict[str, float]:
        """Return the measures of the run."""


def run_one(base: SharedBase, program: Program, seed: int, run: Run) -> Replicate:
    """Run a program on a copy of the base world, reseeded with ``seed``.

    All further draws come from ``seed``, also those of messages that are already spreading
    (:meth:`~sim.spread.cascade.cascade.Cascade.redraw`). A seed gives all programs the same draws.
    """
    world = base.twin()
    reseed(world, seed)
    mine = on_watch()
    if mine is not None:
        mine.suit(world)
    for cascade in world.cascades.loose:
        if cascade.alive:
            cascade.redraw(seed)
    remarks: dict[str, None] = {}
    with OutputCapture(lambda line: remarks.setdefault(line)):
        observer = RunObserver(world, run.measures, run.series)
        with warnings.catch_warnings():  # models mention the length of ticks in their remarks
            warnings.simplefilter("ignore", TickWarning)
            program.begin(world)
        if getattr(program, "watches_feeds", False):
            observer.watch_feeds()
        watches = getattr(program, "watches", None)
        if watches is not None:
            observer.watch(watches(world))
        watch: Watch | None = program.watch(world) if hasattr(program, "watch") else None
        for done in drive(program, world, run.ticks):
            observer.look()
            world.step()
            world.woken.clear()
            if watch is not None:
                watch.after_tick(done)
        observer.look()
        found = observer.measured() if watch is None else watch.measured()
    base.learn(world)
    remarks |= dict.fromkeys(_faults(world))
    series = observer.series()
    vars(world.cascades).clear()  # break the reference cycles of messages and world, so that
    vars(world).clear()  # all memory is freed at once, without waiting for the collector
    return Replicate(observer.ticks, found, series, tuple(remarks)[:_MOST_REMARKS])


def _faults(world: World) -> list[str]:
    found = list(world.remarks)
    found += [f"{c.model_name}: {c.error}" for c in world.cascades.loose if c.error]
    found += [] if world.platform is None else list(world.platform.faults)
    found += _by_rules(world)
    found += [] if world.metrics is None else list(world.metrics.faults)
    return found + [str(each) for each in world.interventions if each.failed]


def _by_rules(world: World) -> list[str]:
    """Say that members decided for by a model follow the rules here, as no model is asked."""
    minds = None if world.platform is None else world.platform.minds
    if minds is None or not (minds.awake and minds.members.size):
        return []
    return [
        f"{minds.members.size:,} members with a mind go by the rules here, where no model is "
        "asked; hubbub compare WORLD --minds awake asks theirs."
    ]

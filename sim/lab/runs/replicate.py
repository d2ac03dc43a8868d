"""One replicate: a copy-on-write twin of the base world, reseeded, run under one program.

The driver lays the columns of a world into one file. A worker maps it read-only, so that all of a
machine's workers share its pages, and keeps the ties as they lie there: a replicate copies of the
world what its ticks write into, and nothing else.
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
    """A world as it lies in read-only columns, of which twins are made."""

    def __init__(self, meta: dict[str, Any], columns: Columns) -> None:
        self._meta, self._columns = meta, columns
        own = under("ties.", columns)
        self._ties = Ties.restore(meta["ties"], own, under(_LAID, columns) or None)

    def twin(self) -> World:
        """Return a world of one's own: it shares ties, and all that no tick writes into."""
        return restore_world(World, self._meta, self._columns, ties=copy(self._ties))

    def learn(self, twin: World) -> None:
        """Take over what a twin had to build of the ties, so that the next need not."""
        if self._ties.back is None and twin.ties.back is not None:
            self._ties.reversed()


@dataclass
class BaseFile:
    """Where the columns of a world lie, for workers to map; what pickles is only the place."""

    folder: Path
    digest: str
    lent: tuple[Any, ...] = field(default=())

    @classmethod
    def write(cls, world: World) -> BaseFile:
        """Lay a world down in a folder of its own; :meth:`remove` ends it."""
        meta, columns = world.packed()
        # What drivers of this machine left that were killed goes first.
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
        """Remove the folder; whoever has mapped it goes on."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def meta(self) -> dict[str, Any]:
        """What of the world is no column, fit for JSON."""
        said: dict[str, Any] = json.loads((self.folder / _META).read_text("utf-8"))["meta"]
        return said

    def map(self) -> tuple[dict[str, Any], Columns]:
        """Return (meta, columns), the columns read-only and not yet read."""
        said = json.loads((self.folder / _META).read_text("utf-8"))
        laid = np.memmap(self.folder / _COLUMNS, np.uint8, mode="r") if said["size"] else b""
        return said["meta"], {
            name: np.frombuffer(laid, np.dtype(kind), count, start).reshape(shape)
            if (count := int(np.prod(shape)))
            else np.empty(shape, np.dtype(kind))
            for name, kind, shape, start in said["columns"]
        }


def _machine() -> str:
    """Return a mark of this machine: several may share a folder, each with processes of its own."""
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
"""A base world is mapped, so one more costs what had to be built of its ties."""
_held: dict[str, SharedBase] = {}
_lock = threading.Lock()


def opened(file: BaseFile) -> SharedBase:
    """Return the base of a file; a process keeps the newest few for the replicates to come."""
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
"""What bytes raise that hold none."""


@dataclass(frozen=True)
class Run:
    """What each replicate of an experiment has in common, but for its program."""

    ticks: int
    measures: Mapping[str, Measure] = field(default_factory=dict)
    series: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True)
class Replicate:
    """What came of one."""

    ticks: int
    measured: dict[str, float]
    series: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    remarks: tuple[str, ...] = ()

    def packed(self) -> bytes:
        """Return it as bytes, the same for the same outcome."""
        said = {
            "ticks": self.ticks,
            "measured": self.measured,
            "series": {name: row.astype("<f8").tobytes() for name, row in self.series.items()},
            "remarks": list(self.remarks),
        }
        return zlib.compress(msgpack.packb(said), 1)

    @classmethod
    def unpacked(cls, data: bytes) -> Replicate:
        """Return the one that was packed."""
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
    """What a program looks for itself in each run, in place of the usual measures."""

    def after_tick(self, done: int) -> None:
        """Look at, and do, what follows a tick, before anything else is done in the world."""

    def measured(self) -> dict[str, float]:
        """Return the numbers of the run."""


def run_one(base: SharedBase, program: Program, seed: int, run: Run) -> Replicate:
    """Run a program on a twin of the base world that draws from a seed.

    What lies ahead draws from ``seed``, also of messages that are under way
    (:meth:`~sim.spread.cascade.cascade.Cascade.redraw`). Programs of one seed meet the same draws.
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
        with warnings.catch_warnings():  # of ticks' length a model speaks in its remarks
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
    vars(world.cascades).clear()  # messages and world hold each other, and messages one another:
    vars(world).clear()  # taken apart, all of it goes at once and waits for no collector
    return Replicate(observer.ticks, found, series, tuple(remarks)[:_MOST_REMARKS])


def _faults(world: World) -> list[str]:
    found = list(world.remarks)
    found += [f"{c.model_name}: {c.error}" for c in world.cascades.loose if c.error]
    found += [] if world.platform is None else list(world.platform.faults)
    found += _by_rules(world)
    found += [] if world.metrics is None else list(world.metrics.faults)
    return found + [str(each) for each in world.interventions if each.failed]


def _by_rules(world: World) -> list[str]:
    """Say that members whom a model decided for go by the rules: nobody is asked here."""
    minds = None if world.platform is None else world.platform.minds
    if minds is None or not (minds.awake and minds.members.size):
        return []
    return [
        f"{minds.members.size:,} members with a mind go by the rules here, where no model is "
        "asked; hubbub compare WORLD --minds awake asks theirs."
    ]

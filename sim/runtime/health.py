"""Health of a running world: command statistics, named checks, and the threads that run them.

A check is a function from :class:`Vitals`, the measurements, to a :class:`Finding`. A plugin
may register a check of its own::

    @health_check("queue of my plugin", unit="messages")
    def mine(vitals: Vitals) -> Finding:
        return graded(len(waiting), 100, 1000, f"{len(waiting)} messages wait.")
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from sim.agents.records import tally
from sim.core.registry import failures
from sim.core.text import one_line, plural
from sim.errors import InputError
from sim.settings.logging import Level as LogLevel
from sim.settings.logging import log
from sim.settings.settings import current
from sim.store import available_bytes

if TYPE_CHECKING:
    from sim.runtime.engine.outbox import LoopCaller
    from sim.runtime.frames.frames import Frame
    from sim.runtime.journal.writer import JournalWriter


_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Performance:
    """What :meth:`sim.runtime.Simulation.performance` returns.

    Parameters
    ----------
    operations
        Commands answered so far.
    success_rate
        Share of them that succeeded, in [0, 1]; 1.0 before the first.
    mean_response_ms
        Milliseconds from sending a command to its answer, on average.
    peak_concurrency
        Largest number of commands under way at one time.
    operations_per_second
        Commands answered per second over the last ten seconds.
    contacts_per_second
        Contacts between agents that the engine evaluated per second, over its last ticks.
    cold_hit_rate
        Share of lookups in agents' cold records that needed no unpacking, in [0, 1]; 1.0 before
        the first. For this process only: that of an isolated engine is in its health.
    """

    operations: int
    success_rate: float
    mean_response_ms: float
    peak_concurrency: int
    operations_per_second: float
    contacts_per_second: float
    cold_hit_rate: float = 1.0


class Meter:
    """Counts commands from being sent to being answered; used in one thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._opened = now()
        self._under_way = 0
        self._peak = 0
        self._answered = 0
        self._carried_out = 0
        self._seconds = 0.0
        self._recent: deque[float] = deque(maxlen=10_000)

    def began(self) -> float:
        """Record that a command is sent; return the time, to be passed to :meth:`ended`."""
        self._under_way += 1
        self._peak = max(self._peak, self._under_way)
        return self._now()

    def ended(self, began: float, *, carried_out: bool) -> None:
        """Record that the command sent at ``began`` was answered."""
        now = self._now()
        self._under_way -= 1
        self._answered += 1
        self._carried_out += carried_out
        self._seconds += now - began
        self._recent.append(now)

    def read(self, contacts_per_second: float) -> Performance:
        """Return the current figures."""
        answered, (hits, asked) = self._answered, tally()
        now = self._now()
        since = max(self._opened, now - _WINDOW_SECONDS)
        if len(self._recent) == self._recent.maxlen:  # the window is longer than the record
            since = max(since, self._recent[0])
        count = sum(moment >= since for moment in self._recent)
        return Performance(
            operations=answered,
            success_rate=self._carried_out / answered if answered else 1.0,
            mean_response_ms=1000 * self._seconds / answered if answered else 0.0,
            peak_concurrency=self._peak,
            operations_per_second=count / max(now - since, 1e-3),
            contacts_per_second=contacts_per_second,
            cold_hit_rate=hits / asked if asked else 1.0,
        )


Level = Literal["ok", "warning", "critical"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "critical")

REMEMBERED = 120
"""Values kept per check: four minutes at one value every two seconds."""

LONGEST_SENTENCE = 300
_MB = 1 << 20
_GB = 1 << 30

ROOM_WARNING, ROOM_CRITICAL = 1 << 30, 128 << 20
FREE_WARNING, FREE_CRITICAL = 512 << 20, 64 << 20
LAG_WARNING, LAG_CRITICAL = 0.25, 2.0
QUEUE_WARNING, QUEUE_CRITICAL = 100, 10_000
BEHIND_WARNING, BEHIND_CRITICAL = 1_000, 100_000
JUMP_SECONDS = 2.0
_LEAST_ASKED = 100


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """Progress of a journal: the last durable tick, waiting entries, and why it is blocked."""

    durable_tick: int
    waiting: int
    trouble: str | None

    @classmethod
    def of(cls, journal: JournalWriter | None) -> JournalStatus | None:
        """Return the progress of a journal; None without one."""
        if journal is None:
            return None
        waiting = max(journal.number - journal.durable, 0)
        return cls(journal.durable_tick, waiting, journal.trouble or journal.remark)


@dataclass(frozen=True, slots=True)
class Vitals:
    """The input of checks; measured at one moment.

    Attributes
    ----------
    tick, state
        Of the world, as a frame has them.
    room, folder
        Free bytes where the world is written, and that folder; None: unknown.
    resident, free
        Bytes of memory that the process uses, and that are still available.
    soft, hard
        The limits on ``resident`` in the settings, in bytes; None: no limit.
    journal
        Progress of the journal; None without one.
    loop_lag
        Seconds until the event loop ran a call.
    commands, queued
        Commands that wait for the engine, and messages that wait to start.
    caches
        Cache by name: (hits, lookups).
    broken_plugins
        A sentence for each plugin that could not be imported, made a message fail, or hangs.
    jump
        Seconds by which the wall clock was set forward or back since the last measurement.
    """

    tick: int = 0
    state: str = "paused"
    room: int | None = None
    folder: str = ""
    resident: int = 0
    free: int = 1 << 62
    soft: int | None = None
    hard: int | None = None
    journal: JournalStatus | None = None
    loop_lag: float = 0.0
    commands: int = 0
    queued: int = 0
    caches: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    broken_plugins: tuple[str, ...] = ()
    jump: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: a level, a sentence, and the number it is based on."""

    level: Level
    sentence: str
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A finding with the name of its check, the unit of its number, and earlier numbers.

    Attributes
    ----------
    name, unit
        Of the check.
    level, sentence, value
        Its current result.
    history
        Its newest numbers, oldest first; the last is ``value``.
    """

    name: str
    unit: str
    level: Level
    sentence: str
    value: float
    history: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """Every check at one moment.

    Attributes
    ----------
    tick
        Of the world.
    readings
        In the order in which the checks were registered.
    """

    tick: int
    readings: tuple[Reading, ...]

    @property
    def level(self) -> Level:
        """The worst level."""
        return max((reading.level for reading in self.readings), key=LEVELS.index, default="ok")

    @property
    def sentence(self) -> str:
        """What a person is shown: every problem, the worst first."""
        wrong = [reading for reading in self.readings if reading.level != "ok"]
        wrong.sort(key=lambda reading: -LEVELS.index(reading.level))
        return " ".join(reading.sentence for reading in wrong) or "No problems."

    def reading(self, name: str) -> Reading:
        """Return the reading of a check; raise ``KeyError`` if there is none."""
        for each in self.readings:
            if each.name == name:
                return each
        raise KeyError(name)


class Check(NamedTuple):
    """A registered check."""

    unit: str
    run: Callable[[Vitals], Finding | None]


CHECKS: dict[str, Check] = {}
"""All checks by name; a check that returns None does not apply to this world."""

CheckFunction = Callable[[Vitals], Finding | None]


def health_check(name: str, *, unit: str = "") -> Callable[[CheckFunction], CheckFunction]:
    """Register a check.

    Parameters
    ----------
    name
        Its name in tables; must be unique.
    unit
        Of its number.

    Raises
    ------
    InputError
        When a check of that name exists.
    """

    def registered(function: CheckFunction) -> CheckFunction:
        if name in CHECKS:
            raise InputError(f"There is a health check {name!r} already; give it another name.")
        CHECKS[name] = Check(unit, function)
        return function

    return registered


def forget(name: str) -> None:
    """Remove a check; do nothing if there is none."""
    CHECKS.pop(name, None)


def caches() -> dict[str, tuple[int, int]]:
    """Return (hits, lookups) of every cache that is counted."""
    return {"cold data": tally()} if tally()[1] else {}


class CheckHistory:
    """The latest numbers of each check; older ones are dropped."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._values: dict[str, deque[float]] = {}

    def add(self, name: str, value: float) -> tuple[float, ...]:
        """Add a number; return the numbers that are kept."""
        values = self._values.setdefault(name, deque(maxlen=self._remembered))
        values.append(value)
        return tuple(values)


def look(vitals: Vitals, history: CheckHistory | None = None) -> Health:
    """Run every check; a check that raises becomes a warning."""
    known = history or CheckHistory()
    readings = []
    for name, each in list(CHECKS.items()):
        try:
            found = each.run(vitals)
        except Exception as error:
            said = f"The check {name!r} failed: {type(error).__name__}: {error}."
            found = Finding("warning", said)
        if found is not None:
            sentence = one_line(found.sentence, LONGEST_SENTENCE)
            values = known.add(name, found.value)
            readings.append(Reading(name, each.unit, found.level, sentence, found.value, values))
    return Health(vitals.tick, tuple(readings))


def graded(value: float, warning: float, critical: float, sentence: str) -> Finding:
    """Return a finding with a level computed from a number; smaller is better."""
    level: Level = "ok" if value < warning else "warning" if value < critical else "critical"
    return Finding(level, sentence, value)


# Built-in checks


def _size(count: float) -> str:
    """Format bytes as the screen does: in MiB, from 1 GiB on in GiB."""
    return f"{count / _GB:,.1f} GiB" if count >= _GB else f"{count / _MB:,.0f} MiB"


@health_check("disk space", unit="MB")
def _room(vitals: Vitals) -> Finding | None:
    if vitals.room is None:
        return None
    said = f"{_size(vitals.room)} free in {vitals.folder}"
    level = graded(-vitals.room, -ROOM_WARNING, -ROOM_CRITICAL, "").level
    end = "." if level == "ok" else "; free some space, or saves and journal will fail."
    return Finding(level, said + end, vitals.room / _MB)


@health_check("journal", unit="entries")
def _journal(vitals: Vitals) -> Finding | None:
    if vitals.journal is None:
        return None
    if vitals.journal.trouble is not None:
        return Finding("critical", vitals.journal.trouble, vitals.journal.waiting)
    said = f"{plural(vitals.journal.waiting, 'entry', 'entries')} not on disk yet."
    return graded(vitals.journal.waiting, QUEUE_WARNING, QUEUE_CRITICAL, said)


@health_check("durable tick", unit="ticks behind")
def _durable(vitals: Vitals) -> Finding | None:
    if vitals.journal is None:
        return None
    behind = max(vitals.tick - vitals.journal.durable_tick, 0)
    said = f"Saved to tick {vitals.journal.durable_tick:,}"
    said += f"; {plural(behind, 'tick')} unsaved." if behind else ", the last one."
    return graded(behind, BEHIND_WARNING, BEHIND_CRITICAL, said)


@health_check("memory", unit="MB")
def _memory(vitals: Vitals) -> Finding:
    held = vitals.resident / _MB
    said = f"The process uses {_size(vitals.resident)}, {_size(vitals.free)} free"
    if vitals.hard is not None and vitals.resident >= vitals.hard:
        end = f"; memory_hard_mb allows {vitals.hard / _MB:,.0f}."
        return Finding("critical", said + end, held)
    if vitals.free < FREE_CRITICAL:
        return Finding("critical", f"{said}; close other programs or use a smaller world.", held)
    if vitals.soft is not None and vitals.resident >= vitals.soft:
        return Finding("warning", f"{said}; memory_soft_mb is {vitals.soft / _MB:,.0f}.", held)
    if vitals.free < FREE_WARNING:
        return Finding("warning", f"{said}; close other programs.", held)
    return Finding("ok", f"{said}.", held)


@health_check("event loop", unit="ms")
def _lag(vitals: Vitals) -> Finding:
    milliseconds = 1000 * vitals.loop_lag
    said = f"Event loop delay: {milliseconds:,.0f} ms."
    return graded(milliseconds, 1000 * LAG_WARNING, 1000 * LAG_CRITICAL, said)


@health_check("commands", unit="waiting")
def _commands(vitals: Vitals) -> Finding:
    said = f"{plural(vitals.commands, 'command')} waiting for the engine."
    return graded(vitals.commands, QUEUE_WARNING, QUEUE_CRITICAL, said)


@health_check("messages", unit="waiting")
def _messages(vitals: Vitals) -> Finding:
    return Finding("ok", f"{plural(vitals.queued, 'message')} queued.", vitals.queued)


@health_check("caches", unit="% hits")
def _cache(vitals: Vitals) -> Finding | None:
    if not vitals.caches:
        return None
    shares = {n: 100 * hits / asked for n, (hits, asked) in vitals.caches.items() if asked}
    said = ", ".join(f"{name} {share:.0f} %" for name, share in shares.items()) or "no requests"
    asked = sum(count for _, count in vitals.caches.values())
    low = min(shares.values(), default=100.0)
    level: Level = "warning" if low < 1 and asked >= _LEAST_ASKED else "ok"
    return Finding(level, f"Cache hits: {said}.", low)


@health_check("plugins", unit="failing")
def _plugins(vitals: Vitals) -> Finding:
    broken = vitals.broken_plugins
    if not broken:
        return Finding("ok", "All plugins work.")
    return Finding("warning", " ".join(broken), len(broken))


@health_check("engine")
def _engine(vitals: Vitals) -> Finding:
    if vitals.state == "failed":
        said = "The engine has stopped; save the world and open it again."
        return Finding("critical", said, 1)
    return Finding("ok", f"The engine is {vitals.state} at tick {vitals.tick:,}.")


@health_check("clock", unit="s")
def _clock(vitals: Vitals) -> Finding:
    if abs(vitals.jump) < JUMP_SECONDS:
        return Finding("ok", "The clock is steady.", vitals.jump)
    way = "forward" if vitals.jump > 0 else "back"
    said = f"The wall clock jumped {way} by {abs(vitals.jump):,.0f} s; results are not affected."
    return Finding("warning", said, vitals.jump)


PERIOD_SECONDS = 2.0
_JOIN_SECONDS = 1.0
_FRESH_SECONDS = 0.2


class HealthWatch:
    """The thread that runs an engine's checks every two seconds."""

    def __init__(
        self,
        measure: Callable[[], Vitals],
        pause: Callable[[str], None],
        post: LoopCaller,
        *,
        period: float = PERIOD_SECONDS,
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.newest: Health | None = None
        self._measure = measure
        self._pause = pause
        self._post = post
        self._period = period
        self._wall = wall
        self._now = now
        self._history = CheckHistory()
        self._clocks = (wall(), now())
        self._called: float | None = None
        self._lag = 0.0
        self._looked = 0.0
        self._held = False
        self._levels: dict[str, str] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._over.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_SECONDS)

    def look(self, within: float = _FRESH_SECONDS) -> Health:
        """Run the checks, unless that was done in the last ``within`` seconds; thread-safe."""
        with self._lock:
            if self.newest is None or self._now() - self._looked > within:
                self.newest = look(self.vitals(), self._history)
                self._looked = self._now()
            return self.newest

    def _run(self) -> None:
        while not self._over.wait(self._period):
            self._call_loop()
            health = self.look()
            self._note(health)
            self._hold(health)

    # Measurements

    def vitals(self) -> Vitals:
        """Return the current measurements."""
        return replace(self._measure(), loop_lag=self._lag, jump=self._jump())

    def _jump(self) -> float:
        """Return by how many seconds the wall clock was set forward or back."""
        wall, now = self._wall(), self._now()
        (before, then), self._clocks = self._clocks, (wall, now)
        return (wall - before) - (now - then)

    def _call_loop(self) -> None:
        """Call the event loop, and record how long the last call took, or has taken so far."""
        if self._called is not None:
            self._lag = self._now() - self._called
            return
        self._called = self._now()
        self._post(self._answered)

    def _answered(self) -> None:
        if self._called is not None:
            self._lag, self._called = self._now() - self._called, None

    # Reactions

    def _note(self, health: Health) -> None:
        """Log each check whose level changed."""
        was, self._levels = self._levels, {each.name: each.level for each in health.readings}
        for each in health.readings:
            if each.level != was.get(each.name, "ok"):
                grave: LogLevel = "info" if each.level == "ok" else "warning"
                log("health", grave, check=each.name, now=each.level, says=each.sentence)

    def _hold(self, health: Health) -> None:
        """Pause at the hard limit of memory, once each time it is reached."""
        memory = health.reading("memory")
        was_held, self._held = self._held, memory.level == "critical"
        if self._held and not was_held:
            self._pause(f"Paused before memory runs out. {memory.sentence}")


class ProcessHealthWatch:
    """Runs the checks on an engine in another process, as far as its frames allow."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._history = CheckHistory()
        self._looked = 0.0
        self._newest: Health | None = None

    def look(self, frame: Frame, within: float = 0.0) -> Health:
        """Check a frame, unless one was checked in the last ``within`` seconds."""
        if self._newest is None or self._now() - self._looked > within:
            soft, hard = memory_ceilings()
            kept = frame.kept
            vitals = Vitals(
                tick=frame.tick,
                state=frame.state,
                resident=frame.memory_bytes,
                free=available_bytes(),
                soft=soft,
                hard=hard,
                journal=None if kept is None else JournalStatus(kept.tick, 0, frame.banner),
                queued=queued_messages(frame),
                broken_plugins=broken_plugins(frame),
            )
            self._newest, self._looked = look(vitals, self._history), self._now()
        return self._newest


def queued_messages(frame: Frame | None) -> int:
    """Return the number of queued messages in a frame."""
    return 0 if frame is None else sum(row.status == "queued" for row in frame.sessions)


def broken_plugins(frame: Frame | None) -> tuple[str, ...]:
    """Return a sentence for each plugin that does not work."""
    said = [str(error) for error in failures()]
    if frame is not None:
        failed = [row for row in frame.sessions if row.status == "failed"]
        said += [f"Message #{row.id} stopped: {row.error}" for row in failed[-3:]]
        if frame.stalled is not None and frame.stalled.plugin:
            said.append(frame.stalled.sentence)
    return tuple(said)


def memory_ceilings() -> tuple[int | None, int | None]:
    """Return the soft and the hard memory limit of the settings, in bytes."""
    settings = current()
    soft, hard = settings.memory_soft_mb, settings.memory_hard_mb
    return (None if soft is None else soft << 20, None if hard is None else hard << 20)

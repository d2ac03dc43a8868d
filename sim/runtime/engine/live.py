"""The live world: effects of commands and ticks on it, and the frames that show it.

Everything here runs in the engine's thread; nothing here waits or keeps time.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt
import psutil
import xxhash

from sim.core.clock import Clock
from sim.core.events import (
    AgentCreated,
    AgentUpdated,
    CommunitiesChanged,
    Event,
    ParameterChanged,
    TiesChanged,
    WorldSaved,
)
from sim.core.progress import Report, quiet
from sim.core.registry import failures
from sim.core.text import one_line, plural
from sim.errors import FileError, InputError
from sim.runtime.bulk_operations import DetectedCommunities, assign
from sim.runtime.engine.metrics_tracker import MetricsTracker, plans_of
from sim.runtime.engine.outbox import Outbox
from sim.runtime.engine.output_capture import OutputCapture
from sim.runtime.engine.run_control import LiveProgram, Program, RateGauge, RunControl
from sim.runtime.engine.stall import RollbackState
from sim.runtime.frames.communities import CommunityLayout
from sim.runtime.frames.focus import FocusedCascade
from sim.runtime.frames.frames import Frame, SessionRow, State
from sim.runtime.frames.sessions import ENDED, CascadeTracker
from sim.runtime.journal.persistence import (
    JournalConfig,
    PendingSave,
    Persistence,
    SaveQueue,
    digest_in,
)
from sim.runtime.queries.feeds import platform_now
from sim.settings.durations import timed
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.faults import checked
from sim.spread.cascade.model import PropagationModel
from sim.world.phases import has_work
from sim.world.seeding import author_of, seeds_of
from sim.world.state.state import LostModel
from sim.world.world import World

MOST_EVENTS = 200
_MEMORY_SECONDS = 0.5
_QUIET_TICK_MS = 1.0
_ENDS = {"failed": "has failed", "cancelled": "is cancelled"}

_revisions = itertools.count()


def next_revision() -> int:
    """Return the number of a new frame; safe to call from any thread."""
    return next(_revisions)


class LiveWorld:
    """The world that an engine drives."""

    def __init__(
        self,
        world: World,
        *,
        name: str,
        path: str | None,
        outbox: Outbox,
        ended: Callable[[int, SessionRow], None],
        woken: Callable[[int], None],
        layout: CommunityLayout,
        persistence: Persistence | None = None,
    ) -> None:
        self.world = world
        self.name = name
        self.path = path
        self.persistence = persistence or Persistence(world)
        self._changes = self._unchanged = 0
        self.is_dirty = self.persistence.is_dirty
        self.saves = SaveQueue(self._target, self._saved, lambda: self.persistence)
        self.banner: str | None = None
        self._outbox = outbox
        outbox.source = name
        self.emit: Callable[[Event], None] = outbox.emit
        self.focused = FocusedCascade()
        self.contacts = RateGauge()
        self.layout = layout
        self.lines: deque[tuple[int, str]] = deque(maxlen=MOST_EVENTS)
        self._tell_ended = ended
        self._woken = woken
        self.tracker = CascadeTracker(
            world, emit=outbox.emit, is_heard=outbox.is_heard, note=self.note, ended=self._ended
        )
        self.chosen: int | None = None
        self.program: LiveProgram | None = None
        self.author = world.trail.author
        self._tick_ms = 0.0
        self._process = psutil.Process()
        self._memory = (0.0, 0)
        self._clock = Clock(world.tick_minutes)
        self.measuring = MetricsTracker(world)
        self.rollback = RollbackState()
        self.output_capture = OutputCapture(self.note)

    def open(self) -> None:
        """Do the slow part of the setup, once the engine's thread runs."""
        if self.path is not None:
            self.persistence.left.setdefault(Path(self.path).absolute(), digest_in(self.path))
        self._refocus()
        self.persistence.record(self.path)
        with self.persistence.kept(_tell_what_is_lost):
            _tell_what_is_lost(self)
        self.layout.arrange(self.world, self.focused.group_by)

    def abandon(self) -> None:
        """Publish nothing any more: the thread that runs this world was given up."""
        self.layout.stop()
        self.persistence = Persistence(self.world)
        self.emit = self._tell_ended = self._woken = _nobody

    def announce(self, sentence: str) -> None:
        """Show a sentence that a person must see now."""
        self.banner = sentence
        self.note(sentence)

    # What happens in a tick

    def tick(self) -> None:
        """Run one tick of the world, and record its effects."""
        self.persistence.past.leave()
        began = time.perf_counter()
        shown = self.focused.cascade
        before = shown.status if shown else ""
        self.rollback.before_tick(self.world)
        told = len(self.world.remarks)
        with timed("tick", tick=self.world.tick):
            self.world.step(1)
        self._announce_remarks(told)
        self._tick_ms = 1000 * (time.perf_counter() - began)
        self.is_dirty = True
        woken = [c for c in self.world.woken.values() if self.tracker.has_closed(c.id)]
        for cascade in woken:
            self._wake(cascade)
        self.world.woken.clear()
        self.tracker.look(ticked=True)
        self.contacts.read(self.tracker.contacts)
        if shown is not None and before not in ENDED:
            ran = before == "running" and shown.status in {"running", "quiet"}
            self.focused.follow(ticked=ran)
        elif shown in woken:
            self.focused.follow(ticked=False)
        if self.program is not None:
            self.program.ticked(self.world.tick)
        for sentence, event in self.measuring.ticked(self.world):
            self.note(sentence)
            if event is not None:
                self.emit(event)
        for fault in self.measuring.faults(self.world):
            self.note(fault)
            self.banner = one_line(fault)
        if self.measuring.has_new_cascades(self.world):
            self.notice()
        if said := self.persistence.ticked():
            self.note(said)
        self.rollback.after_tick(self.world)

    def _announce_remarks(self, told: int) -> None:
        for remark in self.world.remarks[told:]:
            self.announce(remark)

    @property
    def is_idle(self) -> bool:
        """Whether nothing could happen in the last tick, and it took no time."""
        return not self.tracker.alive and self._tick_ms < _QUIET_TICK_MS

    def _ended(self, number: int, row: SessionRow) -> None:
        if row.error:
            self.banner = f"Message #{number} stopped: {one_line(row.error)}"
        self._tell_ended(number, row)

    # What commands do

    def inject(
        self,
        message: dict[str, Any],
        *,
        seeds: npt.ArrayLike | str,
        author: int | str | None = None,
    ) -> Cascade:
        """Send a message; ``message`` holds the other arguments of ``World.inject``."""
        ids, writer = seeds_of(self.world, seeds, message), author_of(self.world, author)
        said, told = message | {"seeds": ids, "author": writer}, len(self.world.remarks)
        with self.persistence.done("inject", (), said):
            cascade = self.world.inject(**said)
        self.banner = None
        self._announce_remarks(told)
        self.is_dirty = True
        self.notice()
        return cascade

    def set_parameter(self, number: int, name: str, value: object) -> None:
        """Change a parameter of a session from the next tick on; an ended one may run again."""
        cascade = self.cascade(number)
        if cascade.status in {"failed", "cancelled"}:
            raise InputError(f"Message #{number} {_ENDS[cascade.status]}; it cannot change.")
        was_at_rest = not cascade.alive
        if was_at_rest:
            self._require_effect(cascade, {name: value})
        with self.persistence.done("set_parameter", (number, name, value)):
            cascade.revise(**{name: value})
        now, tick = cascade.model.values()[name], self.world.tick
        self._tell(ParameterChanged(tick=tick, cascade=number, name=name, value=now))
        self.is_dirty = True
        if was_at_rest:
            self._wake(cascade)
            self.notice()

    def _require_effect(self, cascade: Cascade, change: dict[str, object]) -> None:
        """Refuse a change after which an ended message would still have nothing to do.

        The check may let the model drop cached sums, which no journal records: that is undone.
        """
        cascade.take_up()  # arrays moved to a scratch file are never written to
        held, shown = cascade.held, cascade.shown
        cascade.held = cascade.still(lambda _, column: column.copy()).held
        before, cascade.absent = cascade.model, self.world.absent()
        cascade.model, cascade.memo = checked(before.revised(**change)), None
        try:
            if not has_work(self.world, cascade):
                raise InputError(
                    f"Message #{cascade.id} has died out, and no member can spread it with another "
                    f"{', '.join(change)}. Send it again with other parameters."
                )
        finally:
            cascade.model, cascade.held, cascade.shown = before, held, shown

    def _tell(self, event: Event) -> None:
        if isinstance(event, ParameterChanged):
            self.note(f"#{event.cascade} {event.name} = {event.value} from the next tick")
        self.emit(event)

    def _wake(self, cascade: Cascade) -> None:
        """Follow an ended message again; its record gets a row for each tick since it ended."""
        cascade.catch_up(self.world.tick + 1)
        self._woken(cascade.id)
        self.tracker.reopen(cascade)

    def cancel(self, number: int) -> None:
        """Cancel a session; one that has ended is left unchanged."""
        cascade = self.cascade(number)
        with self.persistence.done("cancel", (number,)):
            cascade.cancel()
        self.is_dirty = True
        self.notice()

    def focus(self, number: int | None) -> None:
        """Show a session; None: always the newest."""
        if number is not None:
            self.cascade(number)
        self.chosen = number
        self._refocus()

    def cascade(self, number: int) -> Cascade:
        """Return a cascade by its number."""
        known = self.world.cascades
        if (found := known.find(number)) is not None:
            return found
        there = f"they are {known[0].id} to {known[-1].id}" if known else "there is none yet"
        raise InputError(f"No session {number}; {there}.")

    def save(self, path: str | Path | None, note: str, report: Report = quiet) -> PendingSave:
        """Begin to write the world in its current state to a file."""
        mark = self.persistence.mark()
        saving = PendingSave(
            path, note, report, mark=mark, tick=self.world.tick, changes=self._changes
        )
        self.saves.begin(self.world, saving)
        return saving

    def _target(self, path: str | Path | None) -> Path:
        target = path if path is not None else self.path
        if target is None:
            raise InputError("This world has no file yet; name one to save it to.")
        is_own = self.path is not None and Path(target).absolute() == Path(self.path).absolute()
        if is_own and not self.persistence.knows(Path(target)):
            raise FileError(
                target,
                "was written by something else since this world was opened or saved there; save "
                "under another name, or move that file away",
            )
        return Path(target)

    def _saved(self, saving: PendingSave) -> None:
        """Record that a save is safe on the disk."""
        target = saving.target
        self.path, self.name, self._unchanged = str(target), target.stem, saving.changes
        self._outbox.source = self.name
        since = "" if saving.tick == self.world.tick else f", as it was at tick {saving.tick:,}"
        self.note(f"saved to {target.name}{since}")
        if said := self.persistence.saved(target, saving.mark):
            self.announce(said)
        self.emit(WorldSaved(tick=saving.tick, path=str(target)))

    def keep(self, journal_config: JournalConfig) -> None:
        """Begin a journal; saves under way were started without one."""
        self.saves.finish()
        self.persistence.begin(journal_config)

    @property
    def is_dirty(self) -> bool:
        """Whether the world was changed since the last save."""
        return self._changes != self._unchanged

    @is_dirty.setter
    def is_dirty(self, said: bool) -> None:
        if said:
            self._changes += 1
        else:
            self._unchanged = self._changes

    def call(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """Call ``function(world, ...)``, and detect what it changed."""
        before, noted = ChangeDetector.of(self.world), self.world.trail.length
        try:
            name = getattr(function, "__name__", "function")
            with timed("command", name=name), self.persistence.kept(function, *args, **keywords):
                return function(self.world, *args, **keywords)
        finally:
            after = ChangeDetector.of(self.world)
            if before != after or self.world.trail.length != noted:
                if self.world.trail.length == noted:
                    name = getattr(function, "__qualname__", "function")
                    self.world.trail.did(self.world, f"call:{name}")
                self._changed(before, after)
            self.notice()
            self.layout.arrange(self.world, self.focused.group_by)

    def sign(self, author: str) -> None:
        """Log what is done from now on, ticks too, under an author."""
        self.world.trail.seal(self.world)
        self.author = self.world.trail.author = author
        if self.persistence.keeper is not None:
            self.persistence.keeper.author = author

    def call_as(self, author: str, act: Callable[[], Any]) -> Any:
        """Return ``act()``, logged under an author."""
        before = self.author
        self.sign(author)
        try:
            return act()
        finally:
            self.sign(before)

    def _changed(self, before: ChangeDetector, after: ChangeDetector) -> None:
        """Report changes, and wake the messages for which they matter."""
        self.is_dirty = True
        for event in after.since(before):
            self._tell(event)
        if (ran := after.tick - before.tick) > 0:
            self._ran_past(ran)
        for cascade in list(self.world.cascades.loose):
            if cascade.alive and self.tracker.has_closed(cascade.id):
                self._wake(cascade)

    def _ran_past(self, ticks: int) -> None:
        """Do what is due by now, and report what a call that ran ticks skipped."""
        if self.program is None or self.program.now(self.world.tick).ended is not None:
            return
        self.program.ticked(self.world.tick)
        if ticks > 1:
            self.announce(
                f"A call ran {ticks:,} ticks at once, and {self.program.program.name} was skipped "
                "between them; run ticks with step()."
            )

    def assign(self, found: DetectedCommunities) -> None:
        """Assign the detected communities to agents."""
        said = (found.method, found.labels, found.count, found.modularity)
        with self.persistence.done("assign", said):
            assign(self.world, found)
        self.is_dirty = True
        origin = found.method.capitalize()
        self.note(f"{plural(found.count, 'community', 'communities')} found ({origin})")
        self.layout.arrange(self.world, self.focused.group_by, origin)
        changed = CommunitiesChanged(tick=self.world.tick, method=found.method, count=found.count)
        self.emit(changed)

    def note(self, line: str) -> None:
        """Add a line to the log of events."""
        self.lines.append((self.world.tick, one_line(line)))

    # A program

    def begin(self, program: Program, since: int | None = None) -> list[Cascade]:
        """Carry out a program from this tick on; return the messages that it sent at once."""
        under_way = None if self.program is None else self.program.now(self.world.tick)
        if under_way is not None and under_way.ended is None:
            raise InputError(
                f"{under_way.name} is still running, and a world plays one scenario at a time; "
                "open another world for the next one."
            )
        first, self.banner = self.world.made, None
        live = LiveProgram(program, self.world.tick if since is None else since, is_due=True)
        if since is not None:
            live.take_up(self.world, has_begun=False)
        if live.is_due:
            with self._carrying_out(live):
                if since is None:
                    program.begin(self.world)
                live.turn(self.world)
        self.program = live
        self._say_end(live)
        return [c for c in self.world.cascades if c.id >= first]

    def take_up(self, live: LiveProgram) -> None:
        """Resume a program that another engine carried out, in the world that it left.

        Actions done there may have been lost, and actions not reported as done may have been done;
        what is due at this tick is done next, once.
        """
        tick = self.world.tick
        if live.error and (live.ended is None or live.ended <= tick):
            live.fail(tick if live.ended is None else live.ended, live.error)
        elif live.ended is None or live.ended >= tick:
            live.ended, live.error = None, ""
            try:
                live.take_up(self.world, has_begun=True)
            except Exception as error:
                live.fail(tick, str(error) or type(error).__name__)
        self.program = live
        said = live.now(tick).sentence
        if live.error and said not in {text for _, text in self.lines}:
            self.announce(said)

    def take_turn(self) -> bool:
        """Let the program do what is due after a tick; return whether the program is over."""
        live = self.program
        if live is None or not live.is_due:
            return False
        if self.world.tick <= live.since:
            self.program = None
            self.note("Scenario stopped: you went back before it began")
            return False
        try:
            with self._carrying_out(live):
                is_over = live.turn(self.world)
        except Exception as error:
            live.fail(self.world.tick, str(error) or type(error).__name__)
            self.announce(live.now(self.world.tick).sentence)
            return True
        if is_over:
            self._say_end(live)
        return is_over

    @contextmanager
    def _carrying_out(self, live: LiveProgram) -> Iterator[None]:
        """Journal what a program does under its own author, as a whole or not at all."""
        told = len(self.world.remarks)
        before: list[ChangeDetector] = []

        def about() -> None:
            if self.world.trail.author == self.author:
                self.world.trail.by(self.world, live.author)
            if not before:
                self.rollback.before_command(self.world)
                before.append(ChangeDetector.of(self.world))

        try:
            with self.persistence.noting(about):
                yield
        finally:
            self.world.trail.by(self.world, self.author)
            if before:
                self.rollback.changed()
                self._changed(before[0], ChangeDetector.of(self.world))
                self._announce_remarks(told)
                self.notice()
                self.layout.arrange(self.world, self.focused.group_by)

    def _say_end(self, live: LiveProgram) -> None:
        now = live.now(self.world.tick)
        if now.ended is not None:
            self.note(now.sentence)

    # Change detection

    def notice(self) -> None:
        """Bring everything up to date after anything but a tick."""
        self.tracker.take_over()
        self.tracker.look(ticked=False)
        self._refocus()
        self.focused.follow(ticked=False)

    def arrived(self, before: int) -> None:
        """Follow every message again from scratch: the world moved to another tick."""
        if self.program is not None:
            self.program.arrived(self.world.tick, before)
        self.tracker.anew(self._woken)
        self.focused.leave()
        self._refocus()

    def _refocus(self) -> None:
        cascades = self.world.cascades
        chosen = None if self.chosen is None else cascades.find(self.chosen)
        self.focused.turn_to(chosen or (cascades[-1] if cascades else None))

    @property
    def lags(self) -> bool:
        """Whether some updates are still deferred."""
        return self.focused.lags or self.tracker.lags

    def catch_up(self) -> None:
        """Do the deferred updates."""
        if self.focused.lags:
            self.focused.catch_up()
        else:
            self.tracker.read_some_r(is_idle=True)

    # Frames

    def frame(self, state: State, drive: RunControl) -> Frame:
        """Return the frame of this moment."""
        world, kept = self.world, self.persistence.view()
        moment, moves = self._clock.moment(world.tick), state in {"playing", "stepping", "pausing"}
        if self.focused.cascade is not None:
            self.tracker.set_r(self.focused.cascade.id, *self.focused.r)
        self.tracker.read_some_r()
        return Frame(
            revision=next_revision(),
            tick=world.tick,
            day=moment.day,
            hour=moment.hour,
            state=state,
            name=self.name,
            path=self.path,
            dirty=self.is_dirty,
            agents=len(world.agents),
            ties=world.ties.count,
            seed=world.seed,
            asked_rate=drive.pace.asked,
            achieved_rate=drive.pace.achieved if moves else 0.0,
            contacts_per_second=self.contacts.rate if moves else 0.0,
            tick_ms=self._tick_ms,
            phase_ms=tuple((name, 1000 * s) for name, s in world.phase_seconds.items()),
            memory_bytes=self._memory_now(),
            sessions=self.tracker.rows(),
            focus=self.focused.focus(),
            communities=self.focused.communities(world),
            events=tuple(self.lines),
            banner=self.persistence.trouble or self.banner,
            sessions_total=self.tracker.total,
            durable_tick=None if kept is None else kept.tick,
            kept=kept,
            metrics=self.measuring.view(world),
            interventions=plans_of(world),
            platform=platform_now(world),
            program=None if self.program is None else self.program.now(world.tick),
        )

    def _memory_now(self) -> int:
        read_at, size = self._memory
        now = time.monotonic()
        if now - read_at > _MEMORY_SECONDS:
            size = int(self._process.memory_info().rss)
            self._memory = (now, size)
        return size


def _tell_what_is_lost(live: LiveWorld) -> None:
    """Report plugins that failed, are missing or changed; stop messages that need a missing one."""
    for remark in (*map(str, failures()), *live.world.remarks):
        live.note(remark)
    for cascade in live.world.cascades:
        model = cascade.model
        if cascade.alive and isinstance(model, LostModel):
            cascade.fail(f"{cascade.model_name} {type(model).lacks}")
    live.notice()


def _nobody(*_told: object) -> None:
    """Ignore the arguments."""


class ChangeDetector(NamedTuple):
    """The parts of a world's state that a call may change, for comparing two states."""

    tick: int
    agents: int
    ties: int
    version: int
    columns: tuple[tuple[str, int], ...]
    statuses: list[str]
    models: dict[int, PropagationModel]

    @classmethod
    def of(cls, world: World) -> ChangeDetector:
        """Capture the state of a world."""
        agents, cascades = world.agents, world.cascades
        columns: dict[str, npt.NDArray[Any]] = {
            "status": agents.status,
            "community": agents.community,
            "interests": agents.interests,
            "activity": agents.activity,
            "language": agents.lore.languages,
        }
        return cls(
            world.tick,
            len(agents),
            world.ties.count,
            world.ties.version,
            tuple((name, xxhash.xxh3_64_intdigest(c.data)) for name, c in columns.items()),
            [each.status for each in cascades.items],
            {each.id: each.model for each in cascades.items},
        )

    def since(self, before: ChangeDetector) -> Iterator[Event]:
        """Yield the events of changes to agents, ties and models."""
        tick, more = self.tick, self.agents - before.agents
        if more > 0:
            yield AgentCreated(tick=tick, first=before.agents, count=more)
        elif self.columns != before.columns:
            for (name, now), (_, then) in zip(self.columns, before.columns, strict=True):
                if now != then:
                    yield AgentUpdated(tick=tick, what=name)
        if self.version != before.version and self.ties != before.ties:
            yield TiesChanged(tick=tick, added=self.ties - before.ties, count=self.ties)
        for number, model in self.models.items():
            if before.models.get(number, model) is model:
                continue
            earlier = before.models[number].values()
            for name, value in model.values().items():
                if value != earlier.get(name):
                    yield ParameterChanged(tick=tick, cascade=number, name=name, value=value)

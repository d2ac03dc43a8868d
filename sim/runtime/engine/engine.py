"""The engine: the thread that owns a world, takes commands in order, runs ticks, makes frames."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sim.core.progress import named_by
from sim.core.threads import give_way
from sim.errors import Cancelled, HubbubError
from sim.runtime.engine.live import LiveWorld, next_revision
from sim.runtime.engine.run_control import RunControl, StepRequest
from sim.runtime.frames.frames import Frame, State
from sim.runtime.journal.persistence import PendingSave
from sim.runtime.journal.writer import JournalWriter
from sim.runtime.minds import DecisionRunner, attend, minds_now
from sim.store.journal.journal import JournalError


class EngineError(HubbubError):
    """The engine does not tick any more; the world can still be saved."""


class ReplacedError(EngineError):
    """Another engine took over before this one answered; ask that one."""


Settle = Callable[[Any, Exception | None], None]


@dataclass(slots=True, eq=False)
class EngineCommand:
    """Something to be done between ticks."""

    order: int
    act: Callable[[], Any]
    settle: Settle
    is_long: bool = False
    is_safe: bool = False
    is_felt: bool = False
    _first: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> bool:
        """Take it up; False when it was taken back before. Asked once, by the engine."""
        return self._first.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Take it back, in any thread; False when it has begun: then it is carried out."""
        return not self.is_felt and self._first.acquire(blocking=False)


def nothing() -> None:
    """Do nothing."""


def nobody(_told: object) -> None:
    """Tell nobody."""


def closed() -> Cancelled:
    """Return the error of whoever waits for a simulation that was closed."""
    return Cancelled("The simulation was closed before this was done.")


def outcome(act: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Return (result, error) of a call; what no future can carry is wrapped."""
    try:
        return act(), None
    except StopIteration as error:
        return None, HubbubError(f"StopIteration: {error}")
    except Exception as error:
        return None, error
    except BaseException as error:  # a plugin's sys.exit must not end the program
        return None, HubbubError(f"{type(error).__name__}: {error}")


_ANSWER_SECONDS = 0.05
"""Commands that come in a burst share a frame, but none waits longer than this for its answer."""

_BREATH_SECONDS = 0.004
_PAUSE_SECONDS = 0.0001
"""Ticks so short that they never release the interpreter would starve the screen: after 4 ms the
engine sleeps for a tenth of one."""


class Engine:
    """Drives a live world in a thread of its own."""

    def __init__(
        self,
        live: LiveWorld,
        *,
        publish: Callable[[Frame], None],
        failed: Callable[[EngineError], None],
        frames_per_second: float,
    ) -> None:
        self.live = live
        self.drive = RunControl()
        self.under_way: tuple[str, float] | None = None
        self.thinking: DecisionRunner | None = None
        self._publish = publish
        self._tell_failed = failed
        self._period = 1.0 / frames_per_second
        self._inbox: queue.SimpleQueue[EngineCommand | None] = queue.SimpleQueue()
        self._hurried: deque[Callable[[], object]] = deque()
        self._answers: list[tuple[EngineCommand, Any, Exception | None]] = []
        self._saving: list[tuple[EngineCommand, PendingSave]] = []
        self._awaited: tuple[JournalWriter, int] | None = None
        self._held: EngineCommand | None = None
        self._running: EngineCommand | None = None
        self._failure: EngineError | None = None
        self._is_busy = self._is_stopping = self._is_over = False
        self._lock = threading.Lock()
        self._last: Frame | None = None
        self._shown_at = self._breathed_at = self._asked_at = 0.0
        self._ended: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # Called from other threads

    def start(self, ended: Callable[[], None]) -> None:
        """Start the thread; ``ended`` is called as its last act."""
        self._ended = ended
        self._thread.start()

    def submit(self, command: EngineCommand) -> None:
        """Put a command at the end of the queue; after the end it is refused at once."""
        with self._lock:
            if not self._is_over:
                self._inbox.put(command)
                return
        command.settle(None, self._failure or closed())

    def run_soon(self, function: Callable[[], object]) -> None:
        """Call ``function`` between two ticks, ahead of the queue: for what only concerns views."""
        self._hurried.append(function)
        self._inbox.put(None)

    def cut(self, order: int) -> None:
        """End what was ordered to run by commands before ``order``, after the running tick."""
        self.drive.cut = max(self.drive.cut, order)

    def stop(self) -> None:
        """End the thread after the running tick; nobody waits for room on the disk any more."""
        self._is_stopping = True
        self.live.persistence.give_up()
        self._inbox.put(None)

    def abandon(self, error: Exception, owned: JournalWriter | None) -> None:
        """Leave the stuck thread behind; who waits is told ``error``, or what ``owned`` has."""
        self._publish, self._tell_failed = nobody, nobody
        self.live.abandon()
        self._failure = EngineError(str(error))
        self.stop()
        running, held = self._running, self._held  # in this order: it puts one on before it lets go
        saving, self._saving = self._saving, []
        for command in (held, running, *(command for command, _ in saving)):
            if command is not None:
                command.settle(None, error)
        self._refuse_waiting(error)
        answers, self._answers = self._answers, []
        for command, result, problem in answers:
            self._settle(owned, command, result, problem)

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return self._inbox.qsize()

    @property
    def has_failed(self) -> bool:
        """Whether it does not tick any more."""
        return self._failure is not None

    @property
    def thread(self) -> int | None:
        """The number of its thread, None before it starts."""
        return self._thread.ident

    def join(self, timeout: float) -> bool:
        """Wait for the thread's end; return whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # The thread

    def _run(self) -> None:
        give_way()
        try:
            self.live.open()
            self._show()
            with named_by(self._naming):
                while not self._is_stopping:
                    self._turn_safely()
        except BaseException as error:  # a fault of our own: nobody may be left waiting
            self._fail(error)
        finally:
            self._end()

    @contextmanager
    def _naming(self, what: str) -> Iterator[None]:
        """Have under way what a tick or a command names, while it lasts."""
        before, self.under_way = self.under_way, (what, time.monotonic())
        try:
            yield
        finally:
            self.under_way = before

    def _turn_safely(self) -> None:
        """Take a turn; what is raised outside all fences ends the ticks, and not the answers."""
        try:
            self._turn()
        except BaseException as error:
            self._fail(error)
            if self._running is not None:
                self._answers.append((self._running, None, self._failure))
                self._running = None
            time.sleep(_ANSWER_SECONDS)

    def _turn(self) -> None:
        while self._hurried:
            try:
                self._hurried.popleft()()
            except BaseException as error:
                self.live.note(f"{type(error).__name__}: {error}")
            if not self._answers:
                self._show()
        self._take_turn()
        stretch = self.drive.finished if self._held is not None else None
        if self._held is None:
            self._take()
        elif stretch is None:
            self._tick()
        elif not self._thinks():
            self._take_turn()
            self.drive.pause()
            self._answer_later(self._held, stretch.done, None)
            self._held = None

    def _thinks(self) -> bool:
        """Wait a moment for minds; return whether they think on, and nobody wants to pause."""
        return self.thinking is not None and self.thinking.waits(self.live, self.drive)

    def _take_turn(self) -> bool:
        """Let a program do what is due after a tick and its minds; return if it is over."""
        program = self.live.program
        if program is None or not program.is_due or self._failure or self._held_up:
            return False
        if self.thinking is not None and self.thinking.is_busy:
            return False
        self._answer()  # whoever waits is told first: this may be what never comes back
        self.under_way = (f"What is due at tick {self.live.world.tick:,}", time.monotonic())
        with self.live.output_capture:
            is_over = self.live.take_turn()
        self.under_way = None
        if is_over:
            self.drive.halt()
        if self.drive.gear == "paused":
            self._show()
        return is_over

    def _take(self) -> None:
        """Carry out the next command; when there is none run the next tick, or wait."""
        try:
            command = self._inbox.get_nowait()
        except queue.Empty:
            self._answer()
            command = self._wait()
        if command is not None:
            if command.begin():
                self._carry_out(command)
        elif self._failure is None and self.drive.wants_tick and self.drive.pace.wait == 0.0:
            self._tick()

    def _wait(self) -> EngineCommand | None:
        if self._failure is not None:
            return self._inbox.get()
        wait = self.drive.pace.wait if self.drive.wants_tick else None
        if wait is None or wait > _ANSWER_SECONDS:
            keeper = self._keep_up()  # have the last tick shown as durable once it is
            if keeper is not None:
                keeper.noticed = lambda: self.run_soon(nothing)
            if keeper is not None and self._awaited != (keeper, keeper.number):
                self._awaited = (keeper, keeper.number)
                keeper.when_durable(keeper.number, lambda _: self.run_soon(nothing))
            if self.live.lags:
                if wait is None:  # whoever steps on at once need not wait for it
                    with suppress(queue.Empty):
                        return self._inbox.get(timeout=_ANSWER_SECONDS)
                self.live.catch_up()
                self._show()
                return None
        if wait == 0.0:
            return None
        self._breathed_at = time.monotonic()
        with suppress(queue.Empty):
            return self._inbox.get(timeout=wait)
        return None

    def _carry_out(self, command: EngineCommand) -> None:
        self._running = command  # whatever happens from here on, it is answered
        keeper = self._keep_up()
        number = 0 if keeper is None else keeper.number
        refusal = self._failure or self._held_up
        if refusal is not None and not command.is_safe:
            self._answer_later(command, None, refusal)
            return
        if command.is_long:
            self._answer()
            self._is_busy = True
            self._show()
        self.under_way = ("Working", time.monotonic())
        result, error = self._done(command)
        self.under_way, self._is_busy = None, False
        if keeper is not None and keeper.number != number:
            command = replace(command, is_safe=False)  # it changed something: not before that stays
        if isinstance(result, PendingSave):
            self._saving.append((command, result))
            self._running = None
            result.written.add_done_callback(lambda _: self.run_soon(self._end_saves))
        elif isinstance(result, StepRequest):
            self._held, self._running = command, None
            self._answer()
            self._show()
        else:
            self._answer_later(command, result, error)

    def _end_saves(self, *, at_once: bool = False) -> None:
        """Answer whoever waits for a save that is written; ``at_once``: wait until they are."""
        self._answer()  # by the journal that has it: a save may move to another
        while self._saving and (at_once or self._saving[0][1].written.done()):
            command, saving = self._saving.pop(0)
            result, error = outcome(partial(self.live.saves.end, saving))
            self._answers.append((command, result, error))

    def _done(self, command: EngineCommand) -> tuple[Any, Exception | None]:
        """Do what a command does; after a failure with nothing round it that could fail again."""
        if self._failure is not None:
            return outcome(command.act)
        if not command.is_safe:
            self.live.rollback.before_command(self.live.world)
        with self.live.output_capture:
            result, error = outcome(command.act)
        self.live.rollback.changed()
        return result, error

    @property
    def _held_up(self) -> JournalError | None:
        """Why nothing new may happen, while the disk takes nothing more; else None."""
        return self.live.persistence.held_up

    def _keep_up(self) -> JournalWriter | None:
        """Give the journal the ticks so far, and return its keeper, if there is one."""
        keeper = self.live.persistence.keeper
        if keeper is not None:
            try:
                keeper.flush(self.live.world)
            except Exception as error:
                self._fail(error)
                return None
        return keeper

    def _tick(self) -> None:
        self._answer()
        if self._thinks() or (self.thinking is not None and self.thinking.is_busy):
            return  # they think on; or somebody pauses just now, and this tick is not to be left
        if self._take_turn():
            return
        if self._held_up is not None:
            self._show()
            time.sleep(_ANSWER_SECONDS)
            return
        self.under_way = (f"Tick {self.live.world.tick + 1:,}", time.monotonic())
        try:
            with self.live.output_capture:
                attend(self.live, self.thinking)
                self.live.tick()
                if self.thinking is not None:
                    self.thinking.begin(self.live)
        except BaseException as error:
            self._fail(error)
            return
        finally:
            self.under_way = None
        self.drive.ticked(idle=self.live.is_idle)
        now = time.monotonic()
        if now - self._shown_at >= self._period or self.drive.gear == "paused":
            self._show()
        if now - self._breathed_at > _BREATH_SECONDS:
            time.sleep(_PAUSE_SECONDS)
            self._breathed_at = time.monotonic()

    # What others get to know

    @property
    def _state(self) -> State:
        if self._failure is not None:
            return "failed"
        return "busy" if self._is_busy else self.drive.gear

    def _show(self) -> None:
        self.under_way = self.under_way or ("Updating the screen", time.monotonic())
        try:
            with self.live.output_capture:
                frame = self.live.frame(self._state, self.drive)
                if (minds := minds_now(self.live.world, self.thinking)) is not None:
                    frame = replace(frame, minds=minds)
            self._last = frame
            self._publish(frame)
        except BaseException as error:
            self._fail(error)
        finally:
            self.under_way = None
            self._shown_at = time.monotonic()

    def _answer_later(self, command: EngineCommand, result: Any, error: Exception | None) -> None:
        """Answer once the queue is empty, with one frame that shows all that was done."""
        now = time.monotonic()
        if not self._answers:
            self._asked_at = now
        self._answers.append((command, result, error))
        self._running = None
        if now - self._asked_at > _ANSWER_SECONDS:
            self._answer()

    def _answer(self) -> None:
        """Show what the commands did, then answer them in order."""
        if not self._answers:
            return
        self._show()
        self._settle_answers()

    def _settle_answers(self) -> None:
        """Answer in order; after a failure too, what the journal was told before is waited for."""
        before, keeper = self.live.persistence.keeper, self._keep_up()
        lost = self._failure if before is not keeper else None
        while self._answers:
            command, result, error = self._answers[0]
            if lost is not None and not command.is_safe:
                command.settle(None, lost)
            else:
                self._settle(self.live.persistence.owned, command, result, error)
            del self._answers[0]  # not before: whatever fails there, it is answered

    def _settle(
        self,
        keeper: JournalWriter | None,
        command: EngineCommand,
        result: Any,
        error: Exception | None,
    ) -> None:
        """Answer: at once, or when all that was done so far is on the disk."""
        at_once = command.is_safe and not command.is_long  # it changed nothing
        at_once |= self._held_up is not None and (command.is_safe or error is not None)
        if keeper is None or at_once:
            command.settle(result, error)
            return

        def tell(lost: Exception | None) -> None:
            lost = None if command.is_safe else lost
            command.settle(None if lost else result, lost or error)

        try:
            keeper.when_durable(keeper.number, tell)
        except BaseException:
            if self._failure is None:  # the engine fails of it, then comes back
                raise
            tell(self._failure)

    def _fail(self, error: BaseException) -> None:
        """Stop ticking for good; whoever waits gets to know. Raises nothing itself."""
        tell: Callable[[], object] = nothing
        if self._failure is None:
            tick = self.live.world.tick
            said = f"The engine stopped at tick {tick:,}: {_said(error)}."
            self._failure = EngineError(f"{said} Save the world and open it again.")
            self._failure.__cause__ = error
            self.live.banner = str(self._failure)
            tell = partial(self._tell_failed, self._failure)
        self.under_way, self._is_busy = None, False
        if self._held is not None:
            self._answers.append((self._held, None, self._failure))
            self._held = None
        self._each(self.live.persistence.fail, self.drive.pause, tell, self._show_failed)

    def _each(self, *acts: Callable[[], object]) -> None:
        """Do everything, whatever of it fails: there is nobody left to tell."""
        for act in acts:
            with suppress(BaseException):
                act()

    def _show_failed(self) -> None:
        if self._last is not None:  # made of the last good one: making one may be what failed
            said = str(self._failure)
            self._publish(
                replace(self._last, revision=next_revision(), state="failed", banner=said)
            )

    def _end(self) -> None:
        """Answer whatever still waits; the world is nobody's from here on."""
        error = self._failure or closed()
        for waiting in (self._held, self._running):
            if waiting is not None:
                self._answers.append((waiting, None, error))
        self._each(
            self.live.layout.stop,
            lambda: self._end_saves(at_once=True),
            lambda: self._refuse_waiting(error),
            self._settle_answers,
            lambda: self.live.persistence.close(is_whole=self._failure is None),
            self._ended,
        )

    def _refuse_waiting(self, error: Exception) -> None:
        """Take no more commands, and refuse those that still wait."""
        with self._lock:
            self._is_over = True
        with suppress(queue.Empty):
            while True:
                command = self._inbox.get_nowait()
                if command is not None and command.begin():
                    self._answers.append((command, None, error))


def _said(error: BaseException) -> str:
    """Return the kind and the words of an error, of which even the words may fail."""
    kind = type(error).__name__
    try:
        return f"{kind}: {error}".rstrip(".")
    except Exception:
        return kind

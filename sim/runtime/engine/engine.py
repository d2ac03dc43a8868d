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
    """The engine no longer ticks; the world can still be saved."""


class ReplacedError(EngineError):
    """Another engine took over before this one answered; send the request to that one."""


Settle = Callable[[Any, Exception | None], None]


@dataclass(slots=True, eq=False)
class EngineCommand:
    """A command to be carried out between ticks."""

    order: int
    act: Callable[[], Any]
    settle: Settle
    is_long: bool = False
    is_safe: bool = False
    is_felt: bool = False
    _first: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> bool:
        """Start the command; False if it was withdrawn before. Called once, by the engine."""
        return self._first.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Withdraw the command, from any thread; False if it has begun: then it is carried out."""
        return not self.is_felt and self._first.acquire(blocking=False)


def nothing() -> None:
    """Do nothing."""


def nobody(_told: object) -> None:
    """Ignore the argument."""


def closed() -> Cancelled:
    """Return the error for callers that wait for a simulation that was closed."""
    return Cancelled("The simulation was closed before this was done.")


def outcome(act: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Return (result, error) of a call; an exception that no future can carry is wrapped."""
    try:
        return act(), None
    except StopIteration as error:
        return None, HubbubError(f"StopIteration: {error}")
    except Exception as error:
        return None, error
    except BaseException as error:  # a plugin's sys.exit must not end the program
        return None, HubbubError(f"{type(error).__name__}: {error}")


_ANSWER_SECONDS = 0.05
"""Commands that arrive in a burst share a frame, but none waits longer than this for its answer."""

_BREATH_SECONDS = 0.004
_PAUSE_SECONDS = 0.0001
"""Ticks so short that they never release the interpreter would starve the screen: after 4 ms the
engine sleeps for a tenth of one."""


class Engine:
    """Drives a live world in a separate thread."""

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
        """Append a command to the queue; after the end it is refused at once."""
        with self._lock:
            if not self._is_over:
                self._inbox.put(command)
                return
        command.settle(None, self._failure or closed())

    def run_soon(self, function: Callable[[], object]) -> None:
        """Call ``function`` between two ticks, ahead of the queue; only for work on views."""
        self._hurried.append(function)
        self._inbox.put(None)

    def cut(self, order: int) -> None:
        """End runs that commands before ``order`` requested, after the running tick."""
        self.drive.cut = max(self.drive.cut, order)

    def stop(self) -> None:
        """End the thread after the running tick; no longer wait for room on the disk."""
        self._is_stopping = True
        self.live.persistence.give_up()
        self._inbox.put(None)

    def abandon(self, error: Exception, owned: JournalWriter | None) -> None:
        """Give up the stuck thread; callers get ``error``, or the result once ``owned`` has it."""
        self._publish, self._tell_failed = nobody, nobody
        self.live.abandon()
        self._failure = EngineError(str(error))
        self.stop()
        running, held = self._running, self._held  # `_held` is set before `_running` is unset
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
        """Number of waiting commands."""
        return self._inbox.qsize()

    @property
    def has_failed(self) -> bool:
        """Whether the engine no longer ticks."""
        return self._failure is not None

    @property
    def thread(self) -> int | None:
        """Identifier of the thread, None before it starts."""
        return self._thread.ident

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; return whether it has ended."""
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
        except BaseException as error:  # a fault of our own: no caller may be left waiting
            self._fail(error)
        finally:
            self._end()

    @contextmanager
    def _naming(self, what: str) -> Iterator[None]:
        """Set ``under_way`` to a tick or a command while the block runs."""
        before, self.under_way = self.under_way, (what, time.monotonic())
        try:
            yield
        finally:
            self.under_way = before

    def _turn_safely(self) -> None:
        """Take a turn; an exception outside all other handlers ends the ticks, not the answers."""
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
        """Wait a moment for minds; return whether they still decide and no pause is due."""
        return self.thinking is not None and self.thinking.waits(self.live, self.drive)

    def _take_turn(self) -> bool:
        """Do what a program has due once a tick and its minds are done; return if it is over."""
        program = self.live.program
        if program is None or not program.is_due or self._failure or self._held_up:
            return False
        if self.thinking is not None and self.thinking.is_busy:
            return False
        self._answer()  # answer first: this call may never return
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
        """Carry out the next command; without one run the next tick, or wait."""
        command, was_woken = None, False
        try:
            while command is None:  # past what only woke the engine: no command waits for that
                command = self._inbox.get_nowait()
                was_woken = True
        except queue.Empty:
            if not was_woken:
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
            keeper = self._keep_up()  # show the last tick as durable once it is
            if keeper is not None:
                keeper.noticed = lambda: self.run_soon(nothing)
            if keeper is not None and self._awaited != (keeper, keeper.number):
                self._awaited = (keeper, keeper.number)
                keeper.when_durable(keeper.number, lambda _: self.run_soon(nothing))
            if self.live.lags:
                if wait is None:  # a caller that steps again at once need not wait for it
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
            command = replace(command, is_safe=False)  # it changed something: wait for the disk
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
        """Answer callers whose saves are written; ``at_once``: wait until all are."""
        self._answer()  # through the current journal: a save may move the world to another
        while self._saving and (at_once or self._saving[0][1].written.done()):
            command, saving = self._saving.pop(0)
            result, error = outcome(partial(self.live.saves.end, saving))
            self._answers.append((command, result, error))

    def _done(self, command: EngineCommand) -> tuple[Any, Exception | None]:
        """Carry out a command; after a failure without any wrapper that could fail again."""
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
        """Why no change is possible while the disk is full; None otherwise."""
        return self.live.persistence.held_up

    def _keep_up(self) -> JournalWriter | None:
        """Write the ticks so far to the journal, and return its writer, if there is one."""
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
            return  # still deciding; or a pause is due, and the world must stay at this tick
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

    # What others are told

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
        """Answer once the queue is empty, with one frame for all commands."""
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
        """Answer in order; after a failure, too, wait for what the journal was given before."""
        before, keeper = self.live.persistence.keeper, self._keep_up()
        lost = self._failure if before is not keeper else None
        while self._answers:
            command, result, error = self._answers[0]
            if lost is not None and not command.is_safe:
                command.settle(None, lost)
            else:
                self._settle(self.live.persistence.owned, command, result, error)
            del self._answers[0]  # only now: whatever fails above, it is answered

    def _settle(
        self,
        keeper: JournalWriter | None,
        command: EngineCommand,
        result: Any,
        error: Exception | None,
    ) -> None:
        """Answer at once, or once everything so far is on the disk."""
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
            if self._failure is None:  # this makes the engine fail, then it is called again
                raise
            tell(self._failure)

    def _fail(self, error: BaseException) -> None:
        """Stop ticking for good and notify all callers. Never raises."""
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
        """Call every function, even if some raise: there is no one left to report it to."""
        for act in acts:
            with suppress(BaseException):
                act()

    def _show_failed(self) -> None:
        if self._last is not None:  # made from the last good one: making a frame may be what failed
            said = str(self._failure)
            self._publish(
                replace(self._last, revision=next_revision(), state="failed", banner=said)
            )

    def _end(self) -> None:
        """Answer all waiting callers; afterwards the engine no longer owns the world."""
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
        """Accept no more commands, and refuse those that still wait."""
        with self._lock:
            self._is_over = True
        with suppress(queue.Empty):
            while True:
                command = self._inbox.get_nowait()
                if command is not None and command.begin():
                    self._answers.append((command, None, error))


def _said(error: BaseException) -> str:
    """Return the class name and the text of an error; even ``str(error)`` may raise."""
    kind = type(error).__name__
    try:
        return f"{kind}: {error}".rstrip(".")
    except Exception:
        return kind

"""What runs next: play, step and pause at a pace, and the program that is carried out.

A program says what is done before the first tick and between ticks, and when it is over; it never
steps the world itself. Code that steps it iterates over :func:`drive`: a run without a screen, the
lab for each replicate, a script. A live world uses a :class:`LiveProgram`, tick by tick, since a
person may also pause, step, go back and send messages there.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from sim.core.text import one_line
from sim.errors import InputError
from sim.store.journal.journal import JUMP
from sim.world.log import LONGEST_AUTHOR

if TYPE_CHECKING:
    from sim.world.world import World


Gear = Literal["paused", "pausing", "playing", "stepping"]

_IDLE_SECONDS = 0.01
"""Seconds; an idle world is not driven faster than this, whatever rate was requested."""


@dataclass(slots=True)
class StepRequest:
    """A number of ticks to run and then stop."""

    order: int
    ticks: int
    until: Callable[[], bool]
    done: int = 0
    ended: bool = False


class RunControl:
    """Decides on the next tick; belongs to the engine's thread, except for :attr:`cut`."""

    def __init__(self) -> None:
        self.cut = 0  # another thread may raise it: a pause need not wait in the queue
        self.pace = TickPace()
        self.stretch: StepRequest | None = None
        self._played_by: int | None = None
        self._until: Callable[[], bool] = never

    @property
    def gear(self) -> Gear:
        """The state to show."""
        if self.stretch is None and self._played_by is None:
            return "paused"
        if self._is_cut:
            return "pausing"
        return "playing" if self.stretch is None else "stepping"

    @property
    def wants_tick(self) -> bool:
        """Whether there is a tick to run, now or once :attr:`TickPace.wait` is over."""
        running = self.stretch is not None or self._played_by is not None
        return running and not self._is_cut

    @property
    def _is_cut(self) -> bool:
        order = self.stretch.order if self.stretch else self._played_by
        return order is not None and order < self.cut

    def play(self, order: int, rate: float | None, until: Callable[[], bool]) -> None:
        """Run until paused, or until ``until`` is true after a tick."""
        self.pace.ask(rate)
        self._played_by, self._until = order, until

    def step(self, stretch: StepRequest) -> None:
        """Run a requested number of ticks; stop playing afterwards."""
        self.pause()
        self.pace.ask(None)
        self.stretch = stretch

    def pause(self) -> None:
        """Stop running."""
        self.stretch = self._played_by = None
        self.pace.restart()

    def halt(self) -> None:
        """End any run after the running tick; its caller is answered."""
        if self.stretch is not None:
            self.stretch.ended = True
        else:
            self.pause()

    def ticked(self, *, idle: bool) -> None:
        """Record a tick; ``idle``: nothing could happen in it, and it took no time."""
        slow = idle and self.stretch is None and self.pace.asked is None
        self.pace.ticked(at_least=_IDLE_SECONDS if slow else 0.0)
        if self.stretch is not None:
            self.stretch.done += 1
            self.stretch.ended |= self.stretch.until()
        elif self._until():
            self.pause()

    @property
    def finished(self) -> StepRequest | None:
        """The step request that has ended, by its length, its condition or a cut."""
        stretch = self.stretch
        if stretch and (stretch.ended or stretch.done >= stretch.ticks or self._is_cut):
            return stretch
        return None


def never() -> bool:
    """Return False: no condition."""
    return False


LOWEST_RATE = 0.01
HIGHEST_RATE = 100_000.0
"""Highest ticks per second that :meth:`TickPace.ask` accepts."""

_SAMPLE_SECONDS = 0.05
_WINDOW_SAMPLES = 40
_DEBT_SECONDS = 0.25


class RateGauge:
    """Measures how fast a counter grows, over the last two seconds or a little more."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._samples: deque[tuple[float, int]] = deque(maxlen=_WINDOW_SAMPLES)
        self._value = 0
        self.restart()

    def restart(self) -> None:
        """Discard all measurements."""
        self._samples.clear()
        self._samples.append((self._now(), self._value))

    def read(self, value: int) -> None:
        """Record the counter's value."""
        now, self._value = self._now(), value
        if now - self._samples[-1][0] >= _SAMPLE_SECONDS:
            self._samples.append((now, value))

    @property
    def rate(self) -> float:
        """Counts per second, 0.0 before any were measured."""
        since, value = self._samples[0]
        span = self._now() - since
        return (self._value - value) / span if span > 0 else 0.0


class TickPace:
    """Ticks a second."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._asked: float | None = None
        self._due = now()
        self._ticks = 0
        self._gauge = RateGauge(now)

    @property
    def asked(self) -> float | None:
        """Requested ticks per second; None: as fast as possible."""
        return self._asked

    def ask(self, rate: float | None) -> None:
        """Set the rate, and make the next tick due now."""
        if rate is not None and not (math.isfinite(rate) and LOWEST_RATE <= rate <= HIGHEST_RATE):
            raise InputError(
                f"ticks_per_second must be in [{LOWEST_RATE}, {HIGHEST_RATE:,.0f}], or None for as "
                f"fast as possible; got {rate}."
            )
        self._asked = None if rate is None else float(rate)
        self.restart()

    def restart(self) -> None:
        """Discard all measurements; the next tick is due now."""
        self._due = self._now()
        self._gauge.restart()

    @property
    def wait(self) -> float:
        """Seconds until the next tick is due, 0.0 if it is due now."""
        return max(0.0, self._due - self._now())

    def ticked(self, *, at_least: float = 0.0) -> None:
        """Record a tick; the next is due one period after this one was, or in ``at_least`` seconds.

        Small delays are made up for, so that the mean rate is the requested one; a delay of more
        than a quarter of a second is dropped: a slow world must not run in a burst afterwards.
        """
        now = self._now()
        self._ticks += 1
        period = 0.0 if self._asked is None else 1.0 / self._asked
        self._due = max(self._due + period, now - _DEBT_SECONDS)
        if at_least:
            self._due = max(self._due, now + at_least)
        self._gauge.read(self._ticks)

    @property
    def achieved(self) -> float:
        """Ticks per second over the last two seconds or more, 0.0 before any were measured."""
        return self._gauge.rate


class Program(Protocol):
    """The actions of one run on a world, such as a :class:`~sim.scenario.plan.RunPlan`.

    It can be pickled, takes draws only from the world and holds no state of a run, so one program
    serves many worlds: for each, ``begin`` is called once, then :func:`drive` does the rest. A file
    of results (:mod:`sim.lab.runs`) tells programs apart by what ``facts()`` returns, fit for JSON;
    without that method by the fields of a dataclass, otherwise by their attributes. It may have
    ``watches(world)``, called once it has begun: ids of the messages to measure, if it sends more
    than it is compared by; an ``author``, under whom the log of the world's acts lists its actions
    (default: its name); and ``has_done(kinds, done)``: whether acts of these kinds, by its author
    since the last tick, end with what is due after ``done`` ticks.
    """

    @property
    def name(self) -> str:
        """Its name; unique among the programs that are compared."""

    def begin(self, world: World) -> None:
        """Do what comes before the first tick: changes, messages."""

    def before(self, world: World, done: int) -> None:
        """Do what is due after ``done`` ticks of this run, from 0 on; also after the last one."""

    def is_over(self, world: World, done: int) -> bool:
        """Return whether the run ends after ``done`` ticks."""


def drive(program: Program, world: World, ticks: int) -> Iterator[int]:
    """Carry out a program that has begun: yield each time the world must be stepped.

    Parameters
    ----------
    program
        Its ``begin`` was called with this world.
    world
        The caller steps it once for each value yielded.
    ticks
        Maximum number of ticks, at least 0; fewer if the program ends.

    Yields
    ------
    int
        Completed ticks of the run: 0, 1, 2 ... What is due after the last of them is done when the
        iterator is advanced once more, as ``for`` does.

    Examples
    --------
    >>> from hubbub import World
    >>> from hubbub.scenario import MessageSpec, RunPlan, drive
    >>> world = World.create(agents=200, seed=3)
    >>> plan = RunPlan(messages=(MessageSpec("A word.", model="sir"),))
    >>> plan.begin(world)
    >>> sizes = []
    >>> for done in drive(plan, world, 3):
    ...     world.step()
    ...     sizes.append(world.cascades[0].size)
    >>> len(sizes), sizes == sorted(sizes)
    (3, True)
    """
    done = 0
    while _goes_on(program, world, done, ticks):
        yield done
        done += 1


def _goes_on(program: Program, world: World, done: int, ticks: float) -> bool:
    """Do what is due after this number of ticks; return whether another tick is needed."""
    program.before(world, done)
    return done < ticks and not program.is_over(world, done)


@dataclass(frozen=True, slots=True)
class ProgramNow:
    """The state of a program in a frame."""

    name: str
    since: int  # the tick at which it began
    ended: int | None = None  # the tick at which it ended; None while it runs
    error: str = ""  # why it failed; empty: its stop rule ended it
    is_due: bool = False  # whether what is due at the frame's tick is still to be done

    @property
    def sentence(self) -> str:
        """Say why it ended."""
        if self.error:
            return f"Scenario {self.name} stopped: {self.error.rstrip('.')}."
        tick = self.since if self.ended is None else self.ended
        return f"Scenario {self.name} finished at tick {tick:,}."


@dataclass(slots=True)
class LiveProgram:
    """A program in a live world; it stores the tick at which it began, and nothing else of the run.

    What is due after a tick is done once that tick was run. A world that went back is in the state
    in which it left the tick, including what was done there; so nothing is done twice, and a run
    from there repeats the same steps, up to the same end.
    """

    program: Program
    since: int
    ended: int | None = None
    error: str = ""
    is_due: bool = False
    is_at_work: bool = False
    left: set[int] = field(default_factory=set)

    @property
    def author(self) -> str:
        """The author of its actions in the log of the world's acts."""
        return one_line(getattr(self.program, "author", "") or self.program.name, LONGEST_AUTHOR)

    def now(self, tick: int) -> ProgramNow:
        """Return its state at a tick, for a frame."""
        is_over = self.ended is not None and tick >= self.ended
        now = ProgramNow(self.program.name, self.since, is_due=self.is_due)
        return replace(now, ended=self.ended, error=self.error) if is_over else now

    def turn(self, world: World) -> bool:
        """Do what is due at this tick of the world; return whether that ends the program."""
        if self.ended is not None and world.tick > self.ended:
            self.is_due = False
            return False
        self.ended, self.error, self.is_at_work = None, "", True
        try:
            goes_on = _goes_on(self.program, world, world.tick - self.since, math.inf)
        finally:
            self.is_due = self.is_at_work = False
            self.left.discard(world.tick)
        self.ended = None if goes_on else world.tick
        return not goes_on

    def fail(self, tick: int, why: str) -> None:
        """End it at a tick, because of an action that failed there."""
        self.ended, self.error, self.is_due = tick, one_line(why), False

    def left_behind(self, tick: int, plugin: str, place: str) -> LiveProgram:
        """Return a copy for another thread; ended where a plugin blocks: it would block again."""
        other = replace(self, is_at_work=False, left=set(self.left))
        if self.is_at_work:
            other.fail(tick, f"{plugin} did not return ({place})")
        return other

    # If the world is at another tick than after the last turn

    def ticked(self, tick: int) -> None:
        """Record that a tick was run, up to this one: what is due there is still to be done."""
        self.is_due = True
        self.left = {each for each in self.left if each > tick}

    def arrived(self, tick: int, before: int) -> None:
        """Record that the world went to a tick: its state is the one in which it left that tick."""
        if self.is_due:
            self.left.add(before)
        self.is_due = tick in self.left

    def take_up(self, world: World, *, has_begun: bool) -> None:
        """Resume in a world whose log alone says what was done.

        A turn is journalled as a whole or not at all; so an act of its author since the last tick
        means that this turn was taken. ``has_begun``: whether its first
        turn was taken together with its beginning, as :meth:`LiveWorld.begin` does.
        """
        acts, tick = world.trail.since_tick(), world.tick
        kinds = [act.kind for act in acts if act.author == self.author]
        if tick == self.since:  # the acts of its beginning are logged there too
            has_done = getattr(self.program, "has_done", None)
            is_done = has_begun or (has_done is not None and has_done(kinds, 0))
        else:
            is_done = tick < self.since or bool(kinds) or any(act.kind == JUMP for act in acts)
        self.is_due = not is_done
        if is_done and tick >= self.since and self.program.is_over(world, tick - self.since):
            self.ended = tick

""":class:`DecisionRunner`: minds decide after each tick while the engine still takes commands."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from sim.core.text import one_line
from sim.minds.deciding import commands as minding
from sim.minds.deciding.thinker import Thinker
from sim.runtime.frames.minds import minds_now
from sim.runtime.minds_opening import asleep, doze, lie_awake

if TYPE_CHECKING:
    from sim.runtime.engine.live import LiveWorld
    from sim.runtime.engine.run_control import RunControl
    from sim.runtime.frames.frames import Frame, State


_WAIT = 0.02
_REMEMBERED = 32
_SHOWN_EVERY = 0.25
Rows = list[dict[str, Any]]


class DecisionRunner:
    """Lets the minds of a live world decide after each tick; but for the thread, the engine's.

    Attributes
    ----------
    deciding
        Members whose decisions on the last tick are awaited.
    """

    def __init__(
        self,
        thinker: Thinker,
        hurry: Callable[[Callable[[], object]], None],
        made: Mapping[str, Any] | None = None,
    ) -> None:
        self.thinker = thinker
        self._made = dict(made or {})
        self.deciding = 0
        self._hurry = hurry
        self._ended = Event()
        self._under_way: Future[Rows] | None = None
        self._at: tuple[object, int] = (None, -1)
        self._were: dict[int, object] = {}
        self._said = ""
        self._stops = False
        self._began = self._shown_at = 0.0
        self._taken: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    def wake(self, live: LiveWorld) -> None:
        """Wake minds that sleep."""
        if live.world.platform is None or lie_awake(live.world) or self._ended.is_set():
            return
        live.call(minding.wake_minds, True, self._made)

    def begin(self, live: LiveWorld) -> None:
        """Think about the tick that was, in a thread of its own."""
        thoughts = self.thinker.prepare(live.world)
        if not thoughts or self._ended.is_set():
            return
        future: Future[Rows] = Future()
        self._under_way, self._at = future, (live.world, live.world.tick)
        self._were = _minds_of(live, [one.slot.member for one in thoughts])
        self.deciding, self._began = len(thoughts), time.monotonic()

        def work() -> None:
            try:
                future.set_result(self.thinker.answer(thoughts, self._ended.is_set))
            except BaseException as error:  # whoever waits is told
                future.set_exception(error)
            self._hurry(lambda: self.settle(live))

        Thread(target=work, name="minds", daemon=True).start()

    @property
    def is_busy(self) -> bool:
        """Whether decisions on the last tick are awaited."""
        return self._under_way is not None

    @property
    def pace(self) -> float:
        """Decisions a second, of those of the last ticks; 0 before the first."""
        seconds = sum(seconds for _, seconds in self._taken)
        return sum(decided for decided, _ in self._taken) / max(seconds, 1e-9)

    def waits(self, live: LiveWorld, drive: RunControl) -> bool:
        """Wait for a moment; return whether there is more to wait for, and nobody pauses."""
        if self._stops and drive.gear != "paused":
            self._stops = False
            drive.halt()
            self._hurry(_nothing)  # whoever watches sees that it stands
            return True
        if self._under_way is None or drive.gear == "pausing":
            return False
        try:
            self._under_way.exception(_WAIT)
        except TimeoutError:
            if time.monotonic() - self._shown_at > _SHOWN_EVERY:
                self._shown_at = time.monotonic()
                self._hurry(_nothing)  # whoever watches sees that members are at it
            return True
        self.settle(live)
        return self._stops

    def settle(self, live: LiveWorld) -> None:
        """Give the world what was decided, unless it went to another tick meanwhile."""
        future = self._under_way
        if future is None or not future.done():
            return
        self._under_way = None
        self._taken.append((self.deciding, time.monotonic() - self._began))
        self.deciding = 0
        if (error := future.exception()) is not None:
            said = one_line(f"{type(error).__name__}: {error}").rstrip(".")
            live.announce(f"Minds failed on tick {self._at[1]:,}, rules decide: {said}.")
            return
        rows = future.result()
        is_there = self._at == (live.world, live.world.tick) and live.world.platform is not None
        if not (is_there and rows):
            return
        now = _minds_of(live, self._were)
        rows = [
            row if now[row["member"]] == self._were[row["member"]] else _too_late(row)
            for row in rows
        ]
        with live.custody.done("decide", (rows,)):
            minding.decide(live.world, rows)
        live.is_dirty = True
        self._tell(live, rows)

    def _tell(self, live: LiveWorld, rows: Rows) -> None:
        """Note what decisions came from; say once why nobody is asked, or what failed."""
        sources = Counter(row["source"] for row in rows)
        acts = sum(bool(row["acts"]) for row in rows)
        said = ", ".join(f"{name} {number}" for name, number in sorted(sources.items()))
        spent = minding.minds_of(live.world).spent
        live.note(f"minds: {len(rows)} decided, {acts} act ({said}); ${spent[2] / 1e9:.4f} so far")
        too_few = self.thinker.too_few()
        self._stops = bool(too_few)
        troubles = [too_few, *self.thinker.faults[-1:], self.thinker.trouble]
        sentence = next(filter(None, troubles), "")
        if sentence and sentence != self._said:
            live.announce(sentence)
        elif not sentence and live.banner == self._said:
            live.banner = None
        self._said = sentence

    def stop(self) -> None:
        """Think no more; what is under way is left to the rules."""
        self._ended.set()

    def hush(self, live: LiveWorld) -> None:
        """Take back what was said of trouble: it is over, or another's."""
        if self._said and live.banner == self._said:
            live.banner = None


def attend(live: LiveWorld, thinking: DecisionRunner | None) -> None:
    """Have minds awake where somebody lets them decide, and asleep where nobody does.

    It is otherwise in a past from before they were woken, or put to rest.
    """
    platform = live.world.platform
    if thinking is not None:
        thinking.wake(live)
    elif lie_awake(live.world):
        doze(live)
    elif platform is not None and platform.minds.unheard:
        platform.minds.unheard = False
        live.announce(asleep(live.world))


def begin(live: LiveWorld, thinking: DecisionRunner | None) -> None:
    """Think about the tick that was, where somebody does."""
    if thinking is not None:
        thinking.begin(live)


def _minds_of(live: LiveWorld, members: Iterable[int]) -> dict[int, object]:
    """Return the mind and the goal of members."""
    minds = minding.minds_of(live.world)
    return {who: (minds.kinds.get(who), minds.goals.get(who)) for who in members}


def _too_late(row: dict[str, Any]) -> dict[str, Any]:
    """Return the decision of a mind that its member has no more: what it cost, and nothing else."""
    return {**{k: v for k, v in row.items() if k not in {"memory", "plan"}}, "acts": []}


def _nothing() -> None:
    """Change nothing."""


def seen(
    live: LiveWorld, state: State, drive: RunControl, thinking: DecisionRunner | None
) -> Frame:
    """Return the picture of this moment, with how minds are doing where somebody has one."""
    frame, now = live.frame(state, drive), minds_now(live.world, thinking)
    return frame if now is None else replace(frame, minds=now)

"""Minds of a running world: how they are opened, decide after each tick, and are shown."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from sim.core.checks import LAST_TICK, whole_number
from sim.core.text import one_line, plural
from sim.minds.deciding import commands as minding
from sim.minds.deciding.commands import accounts, minds_of, reasons_of, wake_minds
from sim.minds.deciding.pending import plans_in
from sim.minds.deciding.thinker import Answerer, Thinker
from sim.minds.models.asks import Spend
from sim.minds.models.budget import Budget
from sim.minds.models.configured import budget_in, open_pool, prompts_folder
from sim.minds.prompts.decisions import SOURCES, Decided, DecisionCounts
from sim.runtime.frames.frames import MindsNow
from sim.runtime.journal.acts import perform
from sim.settings.settings import current
from sim.world.world import World

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.minds.models.budget import Budget
    from sim.runtime.engine.live import LiveWorld
    from sim.runtime.engine.run_control import RunControl
    from sim.world.world import World


def asleep(world: World) -> str:
    """Return a notice about minds that are not allowed to decide; empty: there are none."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.members.size:
        return ""
    many = plural(minds.members.size, "member")
    return f"Language models of {many} are off; rules decide for them."


def budget_of(world: World) -> Budget:
    """Return the budget of a run; a resumed run gets no new money."""
    budget = budget_in(current())
    minds = world.platform.minds if world.platform is not None else None
    if minds is not None:
        resume(budget, minds.caps, minds.spent)
    return budget


def resume(budget: Budget, caps: Sequence[int | None] | None, spent: Sequence[int]) -> None:
    """Restore the caps of a run, if it has any, and at least what it has spent."""
    if caps is not None:
        requests, tokens, nano = caps
        budget.caps = (requests, tokens, nano)
    budget.restore(Spend(*map(max, spent, budget.settled)))


def sleep_minds(live: LiveWorld) -> None:
    """Put minds to sleep that no program asks, as after a crash; report it."""
    live.call(wake_minds, False)
    live.announce(f"{asleep(live.world)} Type :llm on to turn them on.")


def are_awake(world: World) -> bool:
    """Return whether minds are set to decide."""
    return world.platform is not None and world.platform.minds.awake


@contextmanager
def thinker_of(
    *,
    offline: bool = False,
    budget: Budget | None = None,
    prefer: str = "",
    least: float | None = None,
) -> Iterator[Thinker]:
    """Yield the thinker that lets minds decide; ``lacks`` says why no model is asked, if so."""
    settings = current()
    made = partial(
        Thinker, prompts=prompts_folder(), limit=settings.llm_prompt_tokens,
        seconds=settings.llm_tick_seconds,
        least=settings.llm_least_share if least is None else least,
        alike=bool(settings.llm_embeddings) and not offline,
    )  # fmt: skip
    if offline:
        yield made(offline=True)
        return
    with open_pool(settings, budget, prefer) as (pool, lacks):
        yield made(pool, lacks=lacks)


def run_with_minds(
    world: World, ticks: int = 1, *, pool: Answerer | None = None, least: float | None = None
) -> list[str]:
    """Step a world, and let its members with minds decide after each tick.

    Parameters
    ----------
    world
        The world; some members were given minds by ``world.give_minds``.
    ticks
        Number of ticks, at least 0.
    pool
        The models to ask, such as a :class:`~sim.minds.models.pool.ModelPool`; None: the models of
        the settings, under the world's own caps. Without a model the rules decide.
    least
        The share of decisions below which the run stops; None: as in the settings.

    Returns
    -------
    list of str
        Summary: who decided, what went wrong, what it cost, a sentence each.

    Raises
    ------
    InputError
        The world has no platform, or ticks is not a whole number of at least 0.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=200, seed=7, platform={"rhythm": "flat"})
    >>> many = world.give_minds("top:50:degree", "rule")
    >>> run_with_minds(world, 3)[0][:18]
    'Minds: 50 members,'
    """
    minds_of(world)  # raises for a world without a platform
    with ExitStack() as stack:
        if pool is None:
            budget = budget_of(world)
            thinker = stack.enter_context(thinker_of(budget=budget, least=least))
            if thinker.pool is not None:
                _perform(world, "keep_minds", {"caps": list(budget.caps)})
        else:
            settings = current()
            share = settings.llm_least_share if least is None else least
            thinker = Thinker(
                pool, prompts=prompts_folder(), limit=settings.llm_prompt_tokens,
                seconds=settings.llm_tick_seconds, least=share,
            )  # fmt: skip
        return _run(world, ticks, thinker)


def _run(world: World, ticks: int, thinker: Thinker) -> list[str]:
    _perform(world, "wake_minds", True, thinker.made)
    stopped = ""
    try:
        for _ in range(whole_number(ticks, "A world steps forward; ticks", low=0, high=LAST_TICK)):
            world.step()
            _perform(world, "decide", thinker.think(world))
            stopped = thinker.too_few()
            if stopped:
                break
    finally:
        _perform(world, "wake_minds", False)
    trouble = thinker.trouble if thinker.stood_in else ""
    said = (*accounts(world), *thinker.faults, stopped or trouble)
    return [sentence for sentence in said if sentence]


def _perform(world: World, kind: str, *args: object) -> None:
    perform(world, kind, args)


_KNOWN = {str(one) for one in Decided}
_SOURCES = {str(one) for one in SOURCES}


def minds_now(world: World, thinking: DecisionRunner | None) -> MindsNow | None:
    """Return the state of a world's minds; None if no member has, or had, one."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not (minds.members.size or minds.counts):
        return None
    ledger = DecisionCounts({k: n for k, n in minds.counts.items() if k in _KNOWN}, minds.effective)
    there = {name: number for name, number in ledger.counts.items() if number}
    requests, tokens, nano = minds.spent
    now = MindsNow(
        int(minds.members.size), awake=minds.awake,
        sources=tuple((k, n) for k, n in there.items() if k in _SOURCES),
        faults=tuple((k, n) for k, n in there.items() if k not in _SOURCES),
        reasons=tuple(reasons_of(minds)),
        decisions=ledger.decisions, effective=minds.effective,
        requests=requests, tokens=tokens, dollars=nano / 1e9, warning=ledger.warning,
        plans=tuple(plans_in(world)),
    )  # fmt: skip
    return now if thinking is None else _asked(now, thinking)


def _asked(now: MindsNow, thinking: DecisionRunner) -> MindsNow:
    """Add what is known about the models that are asked."""
    thinker = thinking.thinker
    pool, counts = thinker.pool, thinker.counts
    states: Mapping[str, str] = getattr(pool, "states", {})
    budget = getattr(pool, "budget", None)
    return replace(
        now, deciding=thinking.deciding, pace=thinking.pace,
        latency=(counts.latency(50), counts.latency(95)), providers=tuple(states.items()),
        budget=() if budget is None else budget_left(budget), trouble=thinker.trouble,
    )  # fmt: skip


def budget_left(budget: Budget) -> tuple[str, ...]:
    """Return a clause for each cap: how much of it is spent."""
    spent = budget.settled
    clauses = [
        f"{used:,} of {cap:,} {name}"
        for name, used, cap in zip(("requests", "tokens"), spent, budget.caps, strict=False)
        if cap is not None
    ]
    money = budget.caps[2]
    return (*clauses, *(() if money is None else (f"${spent.dollars:.4f} of ${money / 1e9:g}",)))


_WAIT = 0.02
_REMEMBERED = 32
_SHOWN_EVERY = 0.25
Rows = list[dict[str, Any]]


class DecisionRunner:
    """Lets the minds of a live world decide after each tick; runs in the engine's thread."""

    def __init__(
        self,
        thinker: Thinker,
        run_soon: Callable[[Callable[[], object]], None],
        made: Mapping[str, Any] | None = None,
    ) -> None:
        self.thinker = thinker
        self._made = dict(made or {})
        self.deciding = 0
        self._hurry = run_soon
        self._ended = Event()
        self._under_way: Future[Rows] | None = None
        self._at: tuple[object, int] = (None, -1)
        self._were: dict[int, object] = {}
        self._said = ""
        self._stops = False
        self._began = self._shown_at = 0.0
        self._taken: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    def wake(self, live: LiveWorld) -> None:
        """Wake sleeping minds."""
        if live.world.platform is None or are_awake(live.world) or self._ended.is_set():
            return
        live.call(minding.wake_minds, True, self._made)

    def begin(self, live: LiveWorld) -> None:
        """Decide about the last tick, in a separate thread."""
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
            except BaseException as error:  # waiting callers are told
                future.set_exception(error)
            self._hurry(lambda: self.settle(live))

        Thread(target=work, name="minds", daemon=True).start()

    @property
    def is_busy(self) -> bool:
        """Whether decisions on the last tick are pending."""
        return self._under_way is not None

    @property
    def pace(self) -> float:
        """Decisions per second over the last ticks; 0 before the first."""
        seconds = sum(seconds for _, seconds in self._taken)
        return sum(decided for decided, _ in self._taken) / max(seconds, 1e-9)

    def waits(self, live: LiveWorld, drive: RunControl) -> bool:
        """Wait for a moment; return whether to go on waiting: not during a pause."""
        if self._stops and drive.gear != "paused":
            self._stops = False
            drive.halt()
            self._hurry(lambda: None)  # show that the world stands still
            return True
        if self._under_way is None or drive.gear == "pausing":
            return False
        try:
            self._under_way.exception(_WAIT)
        except TimeoutError:
            if time.monotonic() - self._shown_at > _SHOWN_EVERY:
                self._shown_at = time.monotonic()
                self._hurry(lambda: None)  # show that members are deciding
            return True
        self.settle(live)
        return self._stops

    def settle(self, live: LiveWorld) -> None:
        """Apply the decisions to the world, unless it went to another tick meanwhile."""
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
            row
            if now[row["member"]] == self._were[row["member"]]
            # of a mind that its member no longer has: only its cost counts
            else {**{k: v for k, v in row.items() if k not in {"memory", "plan"}}, "acts": []}
            for row in rows
        ]
        with live.persistence.done("decide", (rows,)):
            minding.decide(live.world, rows)
        live.is_dirty = True
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
        """Stop deciding; the rules decide what is pending."""
        self._ended.set()

    def clear_banner(self, live: LiveWorld) -> None:
        """Remove the banner about this runner's trouble, if it is shown."""
        if self._said and live.banner == self._said:
            live.banner = None


def attend(live: LiveWorld, thinking: DecisionRunner | None) -> None:
    """Keep minds awake while decisions run, and asleep otherwise."""
    platform = live.world.platform
    if thinking is not None:
        thinking.wake(live)
    elif are_awake(live.world):
        sleep_minds(live)
    elif platform is not None and platform.minds.unheard:
        platform.minds.unheard = False
        live.announce(asleep(live.world))


def _minds_of(live: LiveWorld, members: Iterable[int]) -> dict[int, object]:
    """Return the mind and the goal of members."""
    minds = minding.minds_of(live.world)
    return {who: (minds.kinds.get(who), minds.goals.get(who)) for who in members}

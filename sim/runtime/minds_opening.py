"""``thinker_of`` and ``run_with_minds``: a :class:`Thinker` from settings, budget and pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sim.core.checks import LAST_TICK, whole_number
from sim.minds.deciding.commands import accounts, minds_of, wake_minds
from sim.minds.deciding.thinker import Answerer, Thinker
from sim.minds.models.asks import Spend
from sim.minds.models.budget import Budget
from sim.minds.models.configured import budget_in, open_pool, prompts_folder
from sim.settings.settings import current

if TYPE_CHECKING:
    from sim.runtime.engine.live import LiveWorld
    from sim.world.world import World


def asleep(world: World) -> str:
    """Return what a person should know of minds that nobody lets decide; empty: there are none."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.members.size:
        return ""
    return f"{minds.members.size:,} members have a mind, and it sleeps: the rules decide for them."


def budget_of(world: World) -> Budget:
    """Return the budget of a run: the world's caps and what it spent, else the settings' caps.

    Who resumes a run gets no new money; caps are raised on purpose, by ``--budget`` or
    ``:llm budget``.
    """
    budget = budget_in(current())
    minds = world.platform.minds if world.platform is not None else None
    if minds is not None:
        resume(budget, minds.caps, minds.spent)
    return budget


def resume(budget: Budget, caps: Sequence[int | None] | None, spent: Sequence[int]) -> None:
    """Take over the caps of a run, where it has any, and at least what it spent."""
    if caps is not None:
        requests, tokens, nano = caps
        budget.caps = (requests, tokens, nano)
    budget.restore(Spend(*map(max, spent, budget.settled)))


def doze(live: LiveWorld) -> None:
    """Let minds sleep that were awake when the world was last seen, as after a crash; say so.

    Awake minds that nobody asks would leave their members silent.
    """
    live.call(wake_minds, False)
    live.announce(f"{asleep(live.world)} Wake them by :llm on.")


def lie_awake(world: World) -> bool:
    """Return whether minds are said to decide."""
    return world.platform is not None and world.platform.minds.awake


@contextmanager
def thinker_of(
    *,
    offline: bool = False,
    budget: Budget | None = None,
    prefer: str = "",
    least: float | None = None,
) -> Iterator[Thinker]:
    """Yield what lets minds decide; its ``lacks`` says why nobody is asked, if so."""
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
    """Step a world, and let its minded members decide after each tick.

    Parameters
    ----------
    world
        With members that ``world.give_minds`` gave minds.
    ticks
        How many, at least 0.
    pool
        Whom to ask, such as a :class:`~sim.minds.models.pool.ModelPool`; None: the models of the
        settings, under the world's own caps. Rules stand in where there is nobody to ask.
    least
        The share of decisions below which it stops; None: as settings say.

    Returns
    -------
    list of str
        What came of it: who decided, what went wrong, what it cost, a sentence each.

    Raises
    ------
    InputError
        The world has no platform, or ticks are no whole number of at least 0.

    Examples
    --------
    >>> from sim import World
    >>> world = World.create(agents=200, seed=7, platform={"rhythm": "flat"})
    >>> many = world.give_minds("top:50:degree", "rule")
    >>> run_with_minds(world, 3)[0][:18]
    'Minds: 50 members,'
    """
    minds_of(world)  # refuses a world without a platform
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
    from sim.runtime.journal.acts import perform  # it knows acts that know this

    perform(world, kind, args)

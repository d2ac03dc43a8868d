"""The minds of a scenario: which members get one, and the thinker that runs after each tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.core.progress import Report, Tell, quiet, unheard

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.world.world import World


class Decide(NamedTuple):
    """Lets minds decide, and returns why the run should stop: one sentence, or an empty string."""

    after_tick: Callable[[int], str]
    at_end: Callable[[], str]


AWAKE = "awake"
"""In place of members: those that already have a mind."""


@dataclass(frozen=True, slots=True)
class MindsRequest:
    """The request for minds.

    Parameters
    ----------
    who
        An expression that names members; empty: those that already have a mind.
    mind, goal
        The mind that decides for them, and their goal.
    offline
        Whether no model is asked.
    budget
        Caps as typed, such as ``"$0.50"``.
    least
        The share of decisions below which the run stops; None: as in the settings.
    """

    who: str = ""
    mind: str = "model"
    goal: str = ""
    offline: bool = False
    budget: tuple[str, ...] = ()
    least: float | None = None

    @property
    def caps(self) -> list[tuple[str, float | None]]:
        """The caps, parsed.

        Raises
        ------
        InputError
            If a cap is invalid.
        """
        from sim.minds.models.budget import cap_of

        return [cap_of(said.split()) for said in self.budget]


@contextmanager
def deciding(
    world: World, asked: MindsRequest | None, report: Report = quiet, tell: Tell = unheard
) -> Iterator[Decide]:
    """Assign minds, and yield the object that lets them decide after a tick.

    Existing minds of the world decide too if any minds are requested, and are off otherwise. When
    the block ends, rules decide for all members.
    """
    if asked is not None and asked.who:
        give(world, asked, tell)
    platform = world.platform
    if platform is None or not platform.minds.members.size:
        yield _NOBODY
        return
    from sim.runtime.minds import budget_of, thinker_of

    if asked is None:
        if platform.minds.awake:
            _done(world, "wake_minds", False)
        yield _NOBODY
        return
    budget = budget_of(world)
    for name, most in asked.caps:
        budget.set_cap(name, most)
    with thinker_of(offline=asked.offline, budget=budget, least=asked.least) as thinker:
        if thinker.lacks:
            tell(f"{thinker.lacks} Until then rules decide.")
        if thinker.pool is not None and platform.minds.caps != list(budget.caps):
            _done(world, "keep_minds", {"caps": list(budget.caps)})
        _done(world, "wake_minds", True, thinker.made)
        try:
            yield Decide(
                lambda enough: _think(world, thinker, report, enough), lambda: thinker.too_few(1)
            )
        finally:
            _done(world, "wake_minds", False)
            for said in (*thinker.faults, "" if thinker.lacks else thinker.trouble):
                if said:
                    tell(said)


_NOBODY = Decide(lambda enough: "", lambda: "")


def give(world: World, asked: MindsRequest, tell: Tell = unheard) -> None:
    """Assign minds, opening a platform if needed; a repeated request means the same members."""
    from sim.minds.deciding.commands import checked_mind, members_of
    from sim.world.members import mind_of

    checked_mind(asked.mind)
    minds = world.platform.minds if world.platform is not None else None
    known = [] if minds is None else [m for m in minds.asked.get(asked.who, ()) if m in minds.kinds]
    who = known or members_of(world, asked.who)
    if world.platform is None:
        _done(world, "open_platform")
    if minds is not None and known:
        tell(f"{asked.who} are the {len(known):,} members that have minds by these words already.")
        name, options = mind_of(asked.mind)
        options.pop("language", None)
        have = {(minds.kinds[m], str(minds.options.get(m, {}))) for m in known}
        if have == {(name, str(options))} and not asked.goal:
            return
    _done(world, "give_minds", who, asked.mind, asked.goal)
    if not known:
        ids = [int(member) for member in who]
        _done(world, "keep_minds", {"asked": [[asked.who, ids]]})


def _done(world: World, kind: str, *args: Any) -> None:
    from sim.world.commands import COMMANDS

    with world.trail.doing(world, kind, args):
        COMMANDS[kind].apply(world, *args)


def _think(world: World, thinker: Thinker, report: Report, enough: int) -> str:
    """Let minds decide on the last tick; return why the run should stop, if it should."""

    def looked() -> bool:
        report(f"minds decide on tick {world.tick:,}", 0.0)
        return False

    rows = thinker.think(world, looked)
    if rows:
        _done(world, "decide", rows)
    return thinker.too_few(enough)

"""``hubbub run --minds``: members with a mind of their own, from what was typed to what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.output import tell
from sim.core.progress import Report
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.cli.scenario_sections import Minds
    from sim.run.keeper import Keeper
    from sim.run.minds import Thinker
    from sim.world.world import World

__all__ = [
    "Goal",
    "MindName",
    "Minded",
    "Offline",
    "Who",
    "accounts",
    "give",
    "minded_in",
    "minded_of",
    "minding",
]

Who = Annotated[
    str | None,
    typer.Option("--minds", help="Who decides by itself: top:50:pagerank, share:0.001, awake, ..."),
]
MindName = Annotated[
    str | None,
    typer.Option(
        "--mind",
        help="What decides for them: model, rule, archetype, or model,model=NAME,language=German.",
    ),
]
Goal = Annotated[str | None, typer.Option("--goal", help="What those members want, in words.")]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no language model; rules stand in.")]


AWAKE = "awake"
"""Said of members: those that have a mind already."""


@dataclass(frozen=True, slots=True)
class Minded:
    """What was asked of minds.

    Parameters
    ----------
    who
        An expression that names members; empty: those that have a mind already.
    mind, goal
        What decides for them, and what they want.
    offline
        Whether nobody is asked.
    """

    who: str = ""
    mind: str = "model"
    goal: str = ""
    offline: bool = False

    @property
    def words(self) -> list[str]:
        """The options that ask for it again."""
        words = ["--minds", self.who, "--mind", self.mind] if self.who else []
        words += ["--minds", AWAKE] if not (self.who or self.offline) else []
        words += ["--goal", self.goal] if self.goal else []
        return [*words, "--offline"] if self.offline else words


def minded_of(who: str | None, mind: str | None, goal: str | None, offline: bool) -> Minded | None:
    """Return what was asked of minds, None for nothing.

    Raises
    ------
    InputError
        When minds are described and nobody is to have one.
    """
    if who is None:
        if mind is not None or goal is not None:
            raise InputError("--mind and --goal are of members; say which by --minds.")
        return Minded(offline=True) if offline else None
    if who == AWAKE:
        return Minded(offline=offline)
    return Minded(who, mind or "model", goal or "", offline)


def minded_in(said: Minds) -> Minded:
    """Return what a scenario asks of minds."""
    return Minded("" if said.members == AWAKE else said.members, said.mind, said.goal, said.offline)


@contextmanager
def minding(
    world: World, asked: Minded | None, keeper: Keeper | None, report: Report
) -> Iterator[Callable[[], None]]:
    """Give minds, and yield what lets them decide after a tick.

    Minds that the world has already decide too, where any are asked for; else they sleep. When
    the block ends, rules stand in for all.
    """
    if asked is not None and asked.who:
        give(world, asked, keeper)
    platform = world.platform
    if platform is None or not platform.minds.members.size:
        yield _nothing
        return
    from sim.run.minds_opening import asleep, thinker_of

    if asked is None:
        tell(f"{asleep(world)} Wake them by --minds awake.")
        if platform.minds.awake:
            _done(world, keeper, "wake_minds", False)
        yield _nothing
        return
    with thinker_of(offline=asked.offline) as thinker:
        if thinker.lacks:
            tell(f"{thinker.lacks} Until then rules decide.")
        _done(world, keeper, "wake_minds", True, thinker.made)
        try:
            yield lambda: _think(world, thinker, keeper, report)
        finally:
            _done(world, keeper, "wake_minds", False)
            for said in (*thinker.faults, "" if thinker.lacks else thinker.trouble):
                if said:
                    tell(said)


def _nothing() -> None:
    """Let nobody decide."""


def give(world: World, asked: Minded, keeper: Keeper | None) -> None:
    """Give minds, and a platform where there is none; for journal and trail too.

    Raises
    ------
    InputError, UnknownNameError
        There are no such members, or no such mind.
    """
    from sim.run.minding import checked_mind, members_of

    checked_mind(asked.mind)
    who = members_of(world, asked.who)
    if world.platform is None:
        _done(world, keeper, "open_platform")
    _done(world, keeper, "give_minds", who, asked.mind, asked.goal)


def _done(world: World, keeper: Keeper | None, kind: str, *args: Any) -> None:
    """Do something to minds, for journal and trail too."""
    from sim.run.hosting import ACTS
    from sim.run.keeper import done

    with done(keeper, world, kind, args):
        ACTS[kind](world, *args)


def _think(world: World, thinker: Thinker, keeper: Keeper | None, report: Report) -> None:
    """Let minds decide on the tick that was; a signal meanwhile ends the run as in a tick."""

    def looked() -> bool:
        report(f"minds decide on tick {world.tick:,}", 0.0)
        return False

    rows = thinker.think(world, looked)
    if rows:
        _done(world, keeper, "decide", rows)


def accounts(world: World) -> list[str]:
    """Return what came of decisions so far, a line each; nothing where nobody has a mind."""
    if world.platform is None or not world.platform.minds.counts:
        return []
    from sim.run.minds import accounts as told

    return list(told(world))

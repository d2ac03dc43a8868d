"""``hubbub run --minds``: members with a mind of their own, from what was typed to what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sim.cli.program.output import tell
from sim.core.progress import Report
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.cli.scenario.sections import Minds
    from sim.minds.deciding.thinker import Thinker
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World

__all__ = [
    "Cap",
    "Decide",
    "Goal",
    "Least",
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
Cap = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        help="A cap of the run's minds, kept with the world: '$0.50', '200 requests', "
        "'50000 tokens', 'none tokens'; may be repeated.",
    ),
]
Least = Annotated[
    float | None,
    typer.Option(
        "--least-share",
        min=0,
        max=1,
        help="Stop where models decide less than this share; else as the settings say.",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no language model; rules stand in.")]


class Decide(NamedTuple):
    """What lets minds decide, and judges what came of it.

    Both return why the run is to stop, one sentence, or nothing; of too few decisions nothing.

    Attributes
    ----------
    after_tick
        Lets them decide; takes how many decisions are enough.
    at_end
        Judges all there were, however few.
    """

    after_tick: Callable[[int], str]
    at_end: Callable[[], str]


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
    budget
        Caps as they were typed, such as ``"$0.50"``.
    least
        The share of decisions below which the run stops; None: as settings say.
    """

    who: str = ""
    mind: str = "model"
    goal: str = ""
    offline: bool = False
    budget: tuple[str, ...] = ()
    least: float | None = None

    @property
    def caps(self) -> list[tuple[str, float | None]]:
        """The caps that were typed.

        Raises
        ------
        InputError
            One is none.
        """
        from sim.minds.models.budget import cap_of

        return [cap_of(said.split()) for said in self.budget]

    @property
    def words(self) -> list[str]:
        """The options that ask for it again."""
        words = ["--minds", self.who, "--mind", self.mind] if self.who else []
        words += ["--minds", AWAKE] if not (self.who or self.offline) else []
        words += ["--goal", self.goal] if self.goal else []
        words += [word for said in self.budget for word in ("--budget", said)]
        words += [] if self.least is None else ["--least-share", f"{self.least:g}"]
        return [*words, "--offline"] if self.offline else words


def minded_of(
    who: str | None,
    mind: str | None,
    goal: str | None,
    offline: bool,
    budget: Sequence[str] = (),
    least: float | None = None,
) -> Minded | None:
    """Return what was asked of minds, None for nothing.

    Raises
    ------
    InputError
        When minds are described and nobody is to have one; or a cap is none.
    """
    if who is None:
        if mind is not None or goal is not None or budget or least is not None:
            raise InputError(
                "--mind, --goal, --budget and --least-share are of members; say which by --minds."
            )
        return Minded(offline=True) if offline else None
    bare = Minded(offline=offline, budget=tuple(budget), least=least)
    _ = bare.caps  # refuses what is none
    if who == AWAKE:
        return bare
    return replace(bare, who=who, mind=mind or "model", goal=goal or "")


def minded_in(said: Minds) -> Minded:
    """Return what a scenario asks of minds."""
    who = "" if said.members == AWAKE else said.members
    made = Minded(who, said.mind, said.goal, said.offline, said.budget, said.least_share)
    _ = made.caps  # refuses what is none
    return made


@contextmanager
def minding(
    world: World, asked: Minded | None, keeper: JournalWriter | None, report: Report
) -> Iterator[Decide]:
    """Give minds, and yield what lets them decide after a tick.

    Minds that the world has already decide too, where any are asked for; else they sleep. When
    the block ends, rules stand in for all.
    """
    if asked is not None and asked.who:
        give(world, asked, keeper)
    platform = world.platform
    if platform is None or not platform.minds.members.size:
        yield _NOBODY
        return
    from sim.runtime.minds_opening import asleep, budget_of, thinker_of

    if asked is None:
        tell(f"{asleep(world)} Wake them by --minds awake.")
        if platform.minds.awake:
            _done(world, keeper, "wake_minds", False)
        yield _NOBODY
        return
    budget = budget_of(world)
    for name, most in asked.caps:
        budget.set_cap(name, most)
    with thinker_of(offline=asked.offline, budget=budget, least=asked.least) as thinker:
        if thinker.lacks:
            tell(f"{thinker.lacks} Until then rules decide.")
        if thinker.pool is not None and platform.minds.caps != list(budget.caps):
            _done(world, keeper, "keep_minds", {"caps": list(budget.caps)})
        _done(world, keeper, "wake_minds", True, thinker.made)
        try:
            yield Decide(
                lambda enough: _think(world, thinker, keeper, report, enough),
                lambda: thinker.too_few(1),
            )
        finally:
            _done(world, keeper, "wake_minds", False)
            for said in (*thinker.faults, "" if thinker.lacks else thinker.trouble):
                if said:
                    tell(said)


_NOBODY = Decide(lambda enough: "", lambda: "")


def give(world: World, asked: Minded, keeper: JournalWriter | None) -> None:
    """Give minds, and a platform where there is none; for journal and trail too.

    By words by which the run gave minds already the same members are meant, and nobody else.

    Raises
    ------
    InputError, UnknownNameError
        There are no such members, or no such mind.
    """
    from sim.minds.deciding.commands import checked_mind, members_of
    from sim.world.minds.giving import mind_of

    checked_mind(asked.mind)
    minds = world.platform.minds if world.platform is not None else None
    known = [] if minds is None else [m for m in minds.asked.get(asked.who, ()) if m in minds.kinds]
    who = known or members_of(world, asked.who)
    if world.platform is None:
        _done(world, keeper, "open_platform")
    if minds is not None and known:
        tell(f"{asked.who} are the {len(known):,} members that have minds by these words already.")
        name, options = mind_of(asked.mind)
        options.pop("language", None)
        have = {(minds.kinds[m], str(minds.options.get(m, {}))) for m in known}
        if have == {(name, str(options))} and not asked.goal:
            return
    _done(world, keeper, "give_minds", who, asked.mind, asked.goal)
    if not known:
        ids = [int(member) for member in who]
        _done(world, keeper, "keep_minds", {"asked": [[asked.who, ids]]})


def _done(world: World, keeper: JournalWriter | None, kind: str, *args: Any) -> None:
    """Do something to minds, for journal and trail too."""
    from sim.runtime.engine.platform import ACTS
    from sim.runtime.journal.writer import done

    with done(keeper, world, kind, args):
        ACTS[kind](world, *args)


def _think(
    world: World, thinker: Thinker, keeper: JournalWriter | None, report: Report, enough: int
) -> str:
    """Let minds decide on the tick that was; a signal meanwhile ends the run as in a tick.

    Returns why the run is to stop, if it is; see
    :meth:`sim.minds.deciding.thinker.Thinker.too_few`.
    """

    def looked() -> bool:
        report(f"minds decide on tick {world.tick:,}", 0.0)
        return False

    rows = thinker.think(world, looked)
    if rows:
        _done(world, keeper, "decide", rows)
    return thinker.too_few(enough)


def accounts(world: World) -> list[str]:
    """Return what came of decisions so far, a line each; nothing where nobody has a mind."""
    if world.platform is None or not world.platform.minds.counts:
        return []
    from sim.minds.deciding.thinker import accounts as told

    return list(told(world))

"""Two minds or prompts in the same members and world, and how far their decisions agree.

The first is run twice, with every question asked anew: how far the two runs part (A/A) is what a
model's own chance makes, and what a difference between the two minds (A/B) has to be larger than.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.progress import Report, quiet
from sim.core.text import plural
from sim.errors import InputError
from sim.lab.background import awaited
from sim.lab.paired import (
    Difference,
    PairedArm,
    PairedRuns,
    paired_runs,
    platform_of,
    values_of,
)
from sim.lab.tables import Table
from sim.minds.deciding.commands import checked_mind, decide, give_minds, members_of, wake_minds
from sim.minds.deciding.thinker import Answerer, Thinker
from sim.minds.minds import Mind
from sim.minds.models.asks import Answer, Ask
from sim.minds.models.replies import RecordedReplies
from sim.platform.posts.posts import Kind

if TYPE_CHECKING:
    from sim.lab.runs.replicate import Watch
    from sim.runtime.engine.run_control import Program
    from sim.world.world import World


Row = dict[str, Any]
_ANEW = 1 << 40
"""Added to the seeds of questions that are asked anew."""

MIND_MEASURES: dict[str, str] = {
    "decisions": "decisions of those members",
    "acts": "decisions that came to an act",
    "posts": "posts, quotes and replies that they wrote",
    "reach": "impressions of those",
    "likes": "likes of those",
    "shares": "shares of those",
    "replies": "replies to those",
    "followers": "followers gained since the beginning",
    "requests": "calls of a language model",
    "tokens": "tokens of those calls",
    "dollars": "what those calls cost",
}
"""What is measured of the members that have the minds, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class MindsArm:
    """One of two things to compare.

    Attributes
    ----------
    mind
        A mind with or without parameters: ``"rule"``, ``"model,temperature=0"``.
    goal
        What the members want; None: the goal of both arms.
    prompts
        A folder of templates; None: the packaged ones.
    said
        As it is called; empty: as its mind.
    """

    mind: str
    goal: str | None = None
    prompts: Path | None = None
    said: str = ""

    @property
    def called(self) -> str:
        """Its name."""
        return self.said or self.mind


def arm_of(said: str) -> MindsArm:
    """Return an arm as a person says it: a mind, with ``goal=`` and ``prompts=`` where it has them.

    Examples
    --------
    >>> arm_of("model,temperature=0,goal=be kind").goal
    'be kind'
    """
    own: dict[str, str] = {}
    words = []
    for word in said.split(","):
        key, sign, value = word.partition("=")
        if sign and key.strip() in {"goal", "prompts"}:
            own[key.strip()] = value.strip()
        else:
            words.append(word.strip())
    mind = ",".join(words)
    checked_mind(mind)
    folder = Path(own["prompts"]) if "prompts" in own else None
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is no folder of prompt templates.")
    return MindsArm(mind, own.get("goal"), folder, said)


class ArmAgreement(NamedTuple):
    """How alike members decide under both arms."""

    pairs: int  # decisions of the same member in the same tick under both
    same: float  # the share of them with the same acts, whatever they are about
    fed_alike: int  # made before the same feed: ever fewer, as the worlds part
    same_fed_alike: float  # the share of those with the same acts about the same messages


@dataclass
class _ArmOutcome:
    """What one run under one arm brought."""

    acts: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    decided: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    replies: list[list[Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, repr=False)
class MindsComparison(PairedRuns):
    """What came of it.

    Attributes
    ----------
    arms
        What the two are called.
    seeds, ticks, members
        Of the runs, and how many members had the minds.
    values
        float64 (2, seeds, measures), in the order of :data:`MIND_MEASURES`.
    acts, sources
        Of each arm, over all seeds: acts by kind; decisions by source, and faults.
    agreement
        How alike they decide.
    replies
        What models answered, as rows of :class:`~sim.minds.models.replies.ReplyLog`.
    faults
        What minds did wrong, a sentence each.
    again
        float64 (seeds, measures) of the first arm run once more; None: it was not.
    alike
        How alike the two runs of the first arm decide; None: it was not run twice.
    """

    arms: tuple[str, str]
    seeds: tuple[int, ...]
    ticks: int
    members: int
    values: F64
    acts: tuple[dict[str, int], dict[str, int]]
    sources: tuple[dict[str, int], dict[str, int]]
    agreement: ArmAgreement
    replies: tuple[list[Any], ...]
    faults: tuple[str, ...]
    again: F64 | None = None
    alike: ArmAgreement | None = None

    what, shown, measured = "arm", "posts", tuple(MIND_MEASURES)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``differences`` (a row a measure) and ``runs`` (a row a run)."""
        rows = []
        for measure in MIND_MEASURES:
            apart, chance = self.difference(measure), self.chance(measure)
            rows.append({
                "measure": measure, "difference": apart.mean, **apart.ends,
                "chance": float("nan") if chance is None else chance.mean,
            })  # fmt: skip
        first, second = self.arms
        caption = (
            f"{second} minus {first}, {plural(self.members, 'member')}, "
            f"{plural(self.ticks, 'tick')}; chance: {first} run again minus itself"
        )
        runs = [*zip(self.arms, self.values, strict=True)]
        if self.again is not None:
            runs.append((f"{first}, again", self.again))
        return {"differences": Table.of_rows(rows, caption=caption), "runs": self._runs(runs)}

    def mean(self, arm: int, measure: str) -> float:
        """Return the mean over seeds of the first (0) or second (1) arm."""
        return float(self._of(arm, measure).mean())

    def difference(self, measure: str) -> Difference:
        """Return second minus first, seed by seed."""
        return Difference.of(self._of(1, measure) - self._of(0, measure))

    def chance(self, measure: str) -> Difference | None:
        """Return the first arm run again minus the first run, seed by seed; None: it was not."""
        if self.again is None:
            return None
        own = self.again[:, self.measured.index(measure)]
        return Difference.of(own - self._of(0, measure))


def compare_minds_now(
    make: Callable[[int], World],
    members: Any,
    first: MindsArm | str,
    second: MindsArm | str,
    *,
    ticks: int = 24,
    seeds: Sequence[int] = (0,),
    goal: str = "",
    pool: Answerer | None = None,
    limit: int = 1000,
    minds: Mapping[str, Mind] | None = None,
    again: bool = True,
    program: Program | None = None,
    report: Report = quiet,
) -> MindsComparison:
    """Run one world for each seed with each of two minds in the same members.

    Parameters
    ----------
    make, ticks, seeds, program, report
        As of :func:`~sim.lab.compare_recommenders_now`.
    members
        Who gets the minds: an expression, or indices.
    first, second
        The arms, or what :func:`arm_of` takes.
    goal
        What the members want, where an arm does not say.
    pool
        Whom to ask: a :class:`~sim.minds.models.pool.ModelPool`, or a
        :class:`~sim.minds.models.replies.RecordedReplies`; None: nobody, rules stand in.
    limit
        Tokens of a prompt, at most.
    minds
        Minds by name that stand for those of the registry.
    again
        Whether the first arm is run twice, to see what chance alone makes.

    Raises
    ------
    InputError, UnknownNameError
        One sentence, before anything is run.

    Examples
    --------
    >>> from sim import World
    >>> found = compare_minds_now(
    ...     lambda seed: World.create(agents=200, seed=seed, platform=True),
    ...     "top:10:degree", "rule", "rule", ticks=3,
    ... )
    >>> found.agreement.same, found.difference("reach").mean, found.chance("reach").mean
    (1.0, 0.0, 0.0)
    """
    arms = [arm_of(one) if isinstance(one, str) else one for one in (first, second)]
    if ticks < 1 or not seeds:
        raise InputError(f"A comparison takes 1 tick and 1 seed or more; got {ticks} ticks.")
    every = [*arms, arms[0]] if again else arms
    anew = pool
    if pool is not None and not isinstance(pool, RecordedReplies):  # those come in order
        anew = _FreshQuestions(pool)
    runs = []
    for place, arm in enumerate(every):
        asked = anew if place == len(arms) else pool
        thinker = partial(Thinker, asked, prompts=arm.prompts, limit=limit, minds=minds)
        own = replace(arm, goal=goal if arm.goal is None else arm.goal)
        runs.append(_Arm(f"{place + 1}: {arm.called}", ticks, program, own, members, thinker))

    def base(seed: int) -> World:
        world = make(seed)
        platform_of(world)
        return world

    found = paired_runs(base, runs, ticks=ticks, seeds=seeds, report=report)
    values = values_of(found, MIND_MEASURES)
    told = [run.told for run in runs]
    acts, sources = (
        [
            dict(sorted(sum((getattr(one, name) for one in arm), Counter()).items()))
            for arm in told[:2]
        ]
        for name in ("acts", "sources")
    )
    return MindsComparison(
        (arms[0].called, arms[1].called), tuple(seeds), ticks, runs[0].count, values[:2],
        (acts[0], acts[1]), (sources[0], sources[1]), _agreement(told[0], told[1]),
        tuple(row for ones in zip(*told, strict=True) for one in ones for row in one.replies),
        tuple(dict.fromkeys(fault for arm in told for one in arm for fault in one.faults)),
        values[2] if again else None,
        _agreement(told[0], told[2]) if again else None,
    )  # fmt: skip


compare_minds = awaited(compare_minds_now)


class _FreshQuestions:
    """Asks what was asked before as another question, so that no reply serves twice."""

    def __init__(self, pool: Answerer) -> None:
        self._pool = pool

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        other = replace(ask, seed=(ask.seed or 0) + _ANEW)
        return self._pool.submit(other, seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class _Arm(PairedArm):
    """A mind in some members of every world, and what it decides there."""

    def __init__(
        self, name: str, ticks: int, program: Program | None, arm: MindsArm, members: Any,
        thinker: Callable[[], Thinker],
    ) -> None:  # fmt: skip
        super().__init__(name, ticks, program)
        self._arm, self._members, self._thinker = arm, members, thinker
        self.told: list[_ArmOutcome] = []
        self.count = 0

    def begin(self, world: World) -> None:
        self._who = np.sort(members_of(world, self._members))
        self.count = int(self._who.size)
        give_minds(world, self._who, self._arm.mind, self._arm.goal or "")
        wake_minds(world, True)

    def watch(self, world: World) -> Watch:
        self.told.append(_ArmOutcome())
        return _MindWatch(world, self, self._who, self._thinker(), self.told[-1])


class _MindWatch:
    """Lets minds decide after each tick, and counts what comes of it."""

    def __init__(
        self, world: World, arm: _Arm, who: npt.NDArray[Any], thinker: Thinker, told: _ArmOutcome
    ) -> None:
        self._world, self._arm, self._who, self._thinker = world, arm, who, thinker
        self._told, self._platform = told, platform_of(world)
        self._since, self._fans = world.tick, int(self._platform.fans[who].sum())
        self._counted: dict[int, tuple[int, ...]] = {}

    def after_tick(self, done: int) -> None:
        def looked() -> bool:
            self._arm.tell(done / self._arm.ticks)
            return False

        platform = self._platform
        rows = self._thinker.think(self._world, looked)
        found: dict[int, tuple[int, ...]] = {}
        for part in platform.exposures.parts:
            stops = np.cumsum(part.counts, dtype=np.int64)
            for place in np.flatnonzero(np.isin(part.viewers, self._who)).tolist():
                shown = part.message[stops[place] - part.counts[place] : stops[place]]
                found[int(part.viewers[place])] = tuple(shown.tolist())
        _note(self._told, self._world.tick, rows, found)
        decide(self._world, rows)
        if done % max(platform.settings.window // 2, 1) == 0 or done == self._arm.ticks - 1:
            posts = platform.posts
            public = (posts.kind <= np.uint8(Kind.REPLY)) & (posts.created > self._since)
            own = np.flatnonzero(np.isin(posts.author, self._who) & public)
            columns = (posts.shown, posts.likes, posts.shares, posts.replies)
            counts = zip(*(column[own].tolist() for column in columns), strict=True)
            self._counted |= dict(zip((own + posts.first).tolist(), counts, strict=True))

    def measured(self) -> dict[str, float]:
        platform, counted = self._platform, self._counted
        sums = np.array(list(counted.values()) or [(0, 0, 0, 0)]).sum(axis=0).tolist()
        requests, tokens, nano = platform.minds.spent
        values = [
            len(self._told.decided), platform.minds.effective, len(counted), *sums,
            int(platform.fans[self._who].sum()) - self._fans, requests, tokens, nano / 1e9,
        ]  # fmt: skip
        self._told.faults = [*self._thinker.faults, *platform.faults]
        return dict(zip(MIND_MEASURES, values, strict=True))


def _note(
    told: _ArmOutcome, tick: int, rows: Iterable[Row], feeds: Mapping[int, tuple[int, ...]]
) -> None:
    for row in rows:
        acts, member = row["acts"], row["member"]
        told.acts.update(act["act"] for act in acts)
        told.sources.update([row["source"], *row.get("faults", ())])
        told.replies += row.get("replies", ())
        kinds = tuple(act["act"] for act in acts)
        about = tuple(act.get("message", -1) for act in acts)
        told.decided[tick, member] = kinds, about, feeds.get(member, ())


def _agreement(first: Sequence[_ArmOutcome], second: Sequence[_ArmOutcome]) -> ArmAgreement:
    both = [
        (one.decided[key], other.decided[key])
        for one, other in zip(first, second, strict=True)
        for key in sorted(one.decided.keys() & other.decided.keys())
    ]
    fed = [(one, other) for one, other in both if one[2] == other[2]]
    same = [one[0] == other[0] for one, other in both]
    same_fed = [one[:2] == other[:2] for one, other in fed]
    return ArmAgreement(len(both), _share(same), len(fed), _share(same_fed))


def _share(of: Sequence[bool]) -> float:
    return sum(of) / len(of) if of else float("nan")

"""Compare two minds or prompts in the same members and world, and measure their agreement.

The first is run twice with fresh replies: the difference between the two runs (A/A) shows the
model's own randomness, which a difference between the two minds (A/B) must exceed.
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
from sim.lab.paired import Difference, PairedArm, PairedRuns, paired_runs, platform_of, values_of
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
"""Added to the seeds of repeated questions, so that they get fresh replies."""

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
"""What is measured of the members with minds, in display order."""


@dataclass(frozen=True, slots=True)
class MindsArm:
    """One of two things to compare.

    Attributes
    ----------
    mind
        A mind with or without parameters: ``"rule"``, ``"model,temperature=0"``.
    goal
        The goal of the members; None: the goal of both arms.
    prompts
        A folder of templates; None: the packaged ones.
    said
        Display name; empty: the name of the mind.
    """

    mind: str
    goal: str | None = None
    prompts: Path | None = None
    said: str = ""

    @property
    def called(self) -> str:
        """Display name of the arm."""
        return self.said or self.mind


def arm_of(said: str) -> MindsArm:
    """Parse an arm: a mind, optionally with ``goal=`` and ``prompts=``.

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
    """How often members decide alike under both arms."""

    pairs: int  # decisions of the same member in the same tick under both arms
    same: float  # share of them with the same acts, whatever the target
    fed_alike: int  # decisions made with the same feed: ever fewer as the worlds diverge
    same_fed_alike: float  # share of those with the same acts on the same messages


@dataclass
class _ArmOutcome:
    acts: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    decided: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    replies: list[list[Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, repr=False)
class MindsComparison(PairedRuns):
    """The result of a comparison of two minds.

    Attributes
    ----------
    arms
        Names of the two arms.
    seeds, ticks, members
        Of the runs; number of members with the minds.
    values
        float64 (2, seeds, measures), in the order of :data:`MIND_MEASURES`.
    acts, sources
        For each arm, over all seeds: acts by kind; decisions by source, and faults.
    agreement
        How often the arms decide alike.
    replies
        Replies of models, as rows of :class:`~sim.minds.models.replies.ReplyLog`.
    faults
        Faults of minds, one sentence each.
    again
        float64 (seeds, measures) of a second run of the first arm; None: not run twice.
    alike
        How often the two runs of the first arm decide alike; None: not run twice.
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
        """The tables ``differences`` (one row per measure) and ``runs`` (one row per run)."""
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
        """Return the second minus the first run of the first arm, by seed; None: not run twice."""
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
    """Run one world per seed with each of two minds in the same members.

    Parameters
    ----------
    make, ticks, seeds, program, report
        As in :func:`~sim.lab.compare_recommenders_now`.
    members
        The members that get the minds: an expression, or indices.
    first, second
        The arms, or what :func:`arm_of` takes.
    goal
        The goal of the members, unless an arm sets one.
    pool
        The models to ask: a :class:`~sim.minds.models.pool.ModelPool`, or a
        :class:`~sim.minds.models.replies.RecordedReplies`; None: none, rules decide.
    limit
        Maximum tokens of a prompt.
    minds
        Minds by name that override those of the registry.
    again
        Whether to run the first arm twice, to measure the effect of chance alone.

    Raises
    ------
    InputError, UnknownNameError
        One sentence, before anything runs.

    Examples
    --------
    >>> from hubbub import World
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
    if pool is not None and not isinstance(pool, RecordedReplies):  # recorded replies come in order
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
    """Asks a repeated question with another seed, so that no reply is used twice."""

    def __init__(self, pool: Answerer) -> None:
        self._pool = pool

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        other = replace(ask, seed=(ask.seed or 0) + _ANEW)
        return self._pool.submit(other, seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class _Arm(PairedArm):
    """A mind in some members of every world, and its decisions there."""

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
    """Lets minds decide after each tick, and counts the results."""

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

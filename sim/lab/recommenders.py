"""Compare recommenders on one world with common random draws; suggest members to follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.arrays import F64, Ids
from sim.core.progress import Report, quiet
from sim.core.registry import make, spec
from sim.core.text import plural
from sim.errors import InputError
from sim.lab.background import awaited
from sim.lab.paired import (
    Difference,
    PairedArm,
    PairedRuns,
    mean_of,
    paired_runs,
    platform_of,
    values_of,
)
from sim.lab.runs.measures import FEED_MEASURES, ExposureSums
from sim.lab.tables import Table
from sim.network.analysis.analysis import communities
from sim.platform.feed.friends import welcomed
from sim.platform.feed.recommender import FriendRecommender
from sim.platform.platform_view import Acquainted
from sim.world.ties import proposable

if TYPE_CHECKING:
    from sim.lab.runs.replicate import Watch
    from sim.runtime.engine.run_control import Program
    from sim.world.world import World


class JudgedClaim(NamedTuple):
    """A published claim, compared with the results."""

    claim: str
    source: str
    verdict: str
    mean: float
    half: float


@dataclass(frozen=True, repr=False)
class Comparison(PairedRuns):
    """The result of a comparison of recommenders.

    Attributes
    ----------
    names
        The recommenders.
    seeds, ticks
        Of the runs.
    values
        float64 (recommenders, seeds, measures), in the order of
        :data:`~sim.lab.runs.measures.FEED_MEASURES`; NaN if there was nothing to measure.
    """

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    ticks: int
    values: F64

    what, shown, measured = "recommender", "inequality", tuple(FEED_MEASURES)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``differences`` (a row per pair and measure) and ``runs`` (a row per run)."""
        rows = []
        for first, second in combinations(self.names, 2):
            for measure in FEED_MEASURES:
                apart = self.difference(first, second, measure)
                rows.append({"measure": measure, "recommender": second, "against": first,
                             "difference": apart.mean, **apart.ends})  # fmt: skip
        many = f"{plural(self.ticks, 'tick')}, {plural(len(self.seeds), 'seed')}"
        caption = f"{many}; 95 % intervals (t)"
        runs = self._runs(zip(self.names, self.values, strict=True))
        return {"differences": Table.of_rows(rows, caption=caption), "runs": runs}

    def mean(self, name: str, measure: str) -> float:
        """Return the mean over seeds; NaN if there is none."""
        return mean_of(self._of(self.names.index(name), measure))

    def difference(self, first: str, second: str, measure: str) -> Difference:
        """Return second minus first, seed by seed."""
        one, other = (self._of(self.names.index(name), measure) for name in (first, second))
        return Difference.of(other - one)

    def judged(self, first: str, second: str) -> tuple[JudgedClaim, ...]:
        """Return published claims about two recommenders, compared with the runs."""
        found = []
        for claim, other, sign in claims_of(first, second):
            apart = self.difference(first, second, claim.measure)
            if apart.pairs:
                verdict = {sign: "agrees", -sign: "disagrees"}.get(apart.sign, "undecided")
                said = claim.sentence(other)
                found.append(JudgedClaim(said, claim.source, verdict, apart.mean, apart.half))
        return tuple(found)


def compare_recommenders_now(
    make: Callable[[int], World],
    recommenders: Sequence[str],
    *,
    ticks: int = 48,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    program: Program | None = None,
    report: Report = quiet,
) -> Comparison:
    """Run one world per seed under each recommender, and measure what members are shown.

    Parameters
    ----------
    make
        Makes the world of a seed, always the same one; a platform is opened if it has none.
    recommenders
        Registered names, two or more, each once.
    ticks
        Ticks of each run.
    seeds
        Seeds of the worlds; all draws of a seed are the same under all recommenders.
    program
        What is done in each world between ticks, the same under all; it has begun in the worlds
        that ``make`` returns. None: nothing. It may end a run early.
    report
        Called with the progress; may raise to cancel.

    Raises
    ------
    InputError, UnknownNameError
        One sentence, before anything runs.

    Examples
    --------
    >>> from hubbub import World
    >>> found = compare_recommenders_now(
    ...     lambda seed: World.create(agents=1000, seed=seed, platform=True),
    ...     ["chronological", "popularity"], ticks=24, seeds=[1, 2],
    ... )
    >>> found.difference("chronological", "popularity", "inequality").mean > 0
    True
    """
    validated(recommenders, ticks, seeds)

    def base(seed: int) -> World:
        world = make(seed)
        platform_of(world)
        if not (world.agents.community >= 0).any() and world.ties.count:
            labels = communities(world.ties, seed=world.seed)
            named = [f"Community {k}" for k in range(int(labels.max()) + 1)]
            world.agents.set_community(labels, named)
        return world

    arms = [_Arm(name, ticks, program) for name in recommenders]
    runs = paired_runs(base, arms, ticks=ticks, seeds=seeds, report=report)
    return Comparison(tuple(recommenders), tuple(seeds), ticks, values_of(runs, FEED_MEASURES))


compare_recommenders = awaited(compare_recommenders_now)


class _Arm(PairedArm):
    def begin(self, world: World) -> None:
        super().begin(world)
        platform_of(world).recommend(self.name)

    def watch(self, world: World) -> Watch:
        return _FeedWatch(world, self.ticks)


class _FeedWatch:
    def __init__(self, world: World, ticks: int) -> None:
        self._platform, self._ticks = platform_of(world), ticks
        self._seen = ExposureSums(world, np.array(world.agents.community))

    def after_tick(self, done: int) -> None:
        self._seen.look(asks=2 * done >= self._ticks)

    def measured(self) -> dict[str, float]:
        if self._platform.faults:
            raise InputError(self._platform.faults[0])
        return self._seen.measures()


def validated(recommenders: Sequence[str], ticks: int, seeds: Sequence[int]) -> None:
    """Refuse arguments that :func:`compare_recommenders_now` would not accept."""
    if len(recommenders) < 2 or len(set(recommenders)) < len(recommenders):
        raise InputError(
            f"Name two recommenders or more, each once, separated by commas; got "
            f"{', '.join(recommenders) or 'none'}."
        )
    for name in recommenders:
        spec(name, "recommender")
    if ticks < 1 or not seeds:
        raise InputError(f"A comparison takes 1 tick and 1 seed or more; got {ticks} ticks.")


_PLAIN = ("chronological", "random")


class RecommenderClaim(NamedTuple):
    """A published claim that one recommender has more or less of a measure than others."""

    name: str
    others: tuple[str, ...]
    measure: str
    sign: int
    source: str

    def sentence(self, other: str) -> str:
        """Return the claim about one of the others as a sentence."""
        more = "more" if self.sign > 0 else "less"
        return f"{self.name} has {more} {self.measure} than {other}"


_SALGANIK = "Salganik, Dodds & Watts, Science 311, 2006: seeing what is popular makes it more so"
_FLEDER = "Fleder & Hosanagar, Management Science 55, 2009: filters by others' choices concentrate"
_BAKSHY = (
    "Bakshy, Messing & Adamic, Science 348, 2015: a ranked feed shows less of the other side than "
    "what friends share"
)
_ZIEGLER = "Ziegler et al., WWW 2005: re-ranked lists hold more topics"
_OVADYA = "Ovadya & Thorburn, arXiv:2301.09976, 2023: what bridging is proposed for; no finding"
_GUESS = "Guess et al., Science 381, 2023: feeds in order of time are used less, and acted on less"
_HOT = ("popularity", "hot", "most-commented")

CLAIMS: tuple[RecommenderClaim, ...] = (
    *(RecommenderClaim(name, _PLAIN, "inequality", 1, _SALGANIK) for name in _HOT),
    *(RecommenderClaim(name, _PLAIN, "top_reach", 1, _SALGANIK) for name in _HOT),
    RecommenderClaim("collaborative-filtering", _PLAIN, "inequality", 1, _FLEDER),
    *(
        RecommenderClaim(name, _PLAIN, "agreement", 1, _BAKSHY)
        for name in ("content", "blend", "x-style")
    ),
    RecommenderClaim("diversity", ("blend", "content"), "variety", 1, _ZIEGLER),
    RecommenderClaim("bridging", ("blend",), "separation", -1, _OVADYA),
    *(
        RecommenderClaim(name, _PLAIN[:1], "engagement", 1, _GUESS)
        for name in ("blend", "content", "popularity")
    ),
)
"""Directions only; sizes depend on the world."""


def claims_of(first: str, second: str) -> tuple[tuple[RecommenderClaim, str, int], ...]:
    """Return (claim, other, sign of second minus first) for each claim about two recommenders."""
    found = []
    for claim in CLAIMS:
        for name, other, turn in ((second, first, 1), (first, second, -1)):
            if claim.name == name and other in claim.others:
                found.append((claim, other, claim.sign * turn))
    return tuple(found)


class Suggestion(NamedTuple):
    """A member whom another might follow.

    Attributes
    ----------
    agent
        An index.
    score
        The recommender's score for the pair.
    through
        Indices of friends in common: members whom the one follows and who follow the other.
    """

    agent: int
    score: float
    through: tuple[int, ...]


def suggested(
    world: World,
    agent: int,
    by: str | FriendRecommender = "adamic-adar",
    *,
    count: int = 10,
    **parameters: Any,
) -> tuple[Suggestion, ...]:
    """Return members whom a member might follow, best first; the world is not changed.

    A member that follows nobody gets those with most interests in common, if the recommender
    finds no one.

    Parameters
    ----------
    world
        With or without a platform.
    agent
        An index.
    by
        The name of a friend recommender, with ``parameters``; or an instance.
    count
        Maximum number of suggestions.

    Raises
    ------
    InputError, ParameterError, UnknownNameError
        One sentence.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.from_edges([0, 0, 1, 2], [1, 2, 3, 3], directed=False)
    >>> suggested(world, 0)[0]
    Suggestion(agent=3, score=2.885390043258667, through=(1, 2))
    """
    if not 0 <= agent < len(world.agents) or count < 1:
        raise InputError(
            f"Friends are proposed to an agent below {len(world.agents):,}, one or more; got "
            f"agent {agent} and {count}."
        )
    found = make(by, "friend-recommender", **parameters) if isinstance(by, str) else by
    around: Any = world.platform or SimpleNamespace(  # what friend recommenders need of a platform
        tick=world.tick, seed=world.seed, agents=len(world.agents), people=world.network().people,
        hearing=world.ties.reverse.live, heard_by=world.ties.live, fans=world.ties.out_degree,
    )  # fmt: skip
    asked = np.array([agent], np.uint32)
    room = count + world.relationships.blocklist.marked(agent)  # muted members are removed below
    who, others, scores = found.suggest(asked, around, room)
    if not others.size and not around.hearing.rows[agent, 1]:
        who, others, scores = welcomed(around, asked, room)
    fits = np.flatnonzero(proposable(world, who, others))[:count]
    return tuple(
        Suggestion(other, score, _through(around, agent, other))
        for other, score in zip(others[fits].tolist(), scores[fits].tolist(), strict=True)
    )


def _through(around: Acquainted, agent: int, other: int) -> tuple[int, ...]:
    return tuple(m for m in _heard(around, agent).tolist() if other in _heard(around, m))


def _heard(around: Acquainted, agent: int) -> Ids:
    start, length = (int(x) for x in around.hearing.rows[agent])
    ids: Ids = around.hearing.ids[start : start + length]
    return ids

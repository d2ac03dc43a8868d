"""Opinions of agents, and how hearing others changes them.

:class:`OpinionModel` is a propagation model whose states are ranges of opinion, so that all code
that shows, counts and saves cascades works for it too. Its opinions are a column of the cascade or,
if the parameter ``topic`` names one, a column of the world that several messages share.

Initial opinions are drawn from a named distribution.

::

    uniform             drawn evenly over the whole range; uniform:0.2:0.4 over a part of it
    normal:0.5:0.1      drawn around 0.5 with standard deviation 0.1, within the range
    even                the i-th of n agents holds the i / (n - 1)-th part of the range
    first               everybody holds the lowest opinion
    column:openness     a column of agents in [0, 1], stretched over the range

Draws are addressed by the agent, so a larger world does not change the draws of existing agents.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U8, Ids
from sim.core import rng
from sim.core.bounds import Bound
from sim.core.cards import Card
from sim.core.params import Field
from sim.core.rng import Stream
from sim.core.text import clean
from sim.errors import ParameterError, PluginError
from sim.jit.claims import NOBODY
from sim.spread.cascade.bounds import OPINIONS
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import AgentReader, Around, Contacts, Draws, Topics
from sim.spread.cascade.model import PropagationModel
from sim.spread.opinions import averaging_kernels as kernels
from sim.spread.opinions.averaging_kernels import count_bins
from sim.spread.opinions.voices import HeardRows, Voices, remembered

Span = tuple[float, float]

LAWS = ("uniform", "uniform:LOW:HIGH", "normal:MEAN:SPREAD", "even", "first", "column:NAME")
"""The laws that :func:`started` accepts, for help and error messages."""

_SMALLEST = 2.0**-54


def rescaled(values: F64, of: Span, to: Span) -> F64:
    """Map opinions from one range to another; return them unchanged if the ranges are equal."""
    if of == to:
        return values
    return to[0] + (values - of[0]) * ((to[1] - to[0]) / (of[1] - of[0]))


def check_start(owner: str, law: str, span: Span) -> tuple[str, tuple[Any, ...]]:
    """Return (name of the law, its arguments)."""
    name, *rest = law.split(":")
    if name in {"even", "first"} and not rest:
        return name, ()
    if name == "uniform" and not rest:
        return name, span
    if name == "column" and len(rest) == 1 and rest[0]:
        return name, (rest[0],)
    try:
        first, second = (float(word) for word in rest)
    except ValueError:
        first = second = math.nan
    if name == "uniform" and span[0] <= first <= second <= span[1]:
        return name, (first, second)
    if name == "normal" and span[0] <= first <= span[1] and 0.0 <= second < math.inf:
        return name, (first, second)
    raise ParameterError(
        f"{owner}: start must be one of {', '.join(LAWS)}, within [{span[0]:g}, {span[1]:g}]; "
        f"got {law!r}."
    )


def started(
    law: tuple[str, tuple[Any, ...]],
    span: Span,
    agents: npt.NDArray[np.int64],
    total: int,
    key: np.uint64,
    people: AgentReader | None,
) -> F64:
    """Return the initial opinions of agents."""
    name, given = law
    low, high = span
    if name == "first":
        return np.full(agents.size, low)
    if name == "even":
        return low + (high - low) * (agents / max(total - 1, 1))
    if name == "column":
        return low + (high - low) * _column(people, given[0])[agents]
    drawn = rng.uniforms(key, agents)
    if name == "uniform":
        return np.asarray(given[0] + (given[1] - given[0]) * drawn, np.float64)
    return _normal(drawn, *given).clip(low, high)


def _column(people: AgentReader | None, name: str) -> F64:
    if people is None:
        raise ParameterError(f"start: there are no columns of agents here to take {name!r} from.")
    column = np.asarray(people.column(name), np.float64)
    if not (column.min() >= 0.0 and column.max() <= 1.0):
        raise ParameterError(
            f"start: the column {name!r} must lie in [0, 1] to serve as opinions; it reaches from "
            f"{column.min():g} to {column.max():g}."
        )
    return column


def _normal(drawn: F64, mean: float, spread: float) -> F64:
    """Return normal values at uniform draws, by interpolation of the inverse distribution."""
    law = NormalDist()
    shares = (np.arange(4097) / 4096).clip(_SMALLEST, 1.0 - 1e-9)
    places = np.array([law.inv_cdf(share) for share in shares.tolist()])
    return np.asarray(mean + spread * np.interp(drawn, np.arange(4097) / 4096, places), np.float64)


_BINS = 200
_LEAST_SHARE = 0.05


def clusters(opinions: F64, span: Span, *, least: float = _LEAST_SHARE) -> list[tuple[float, int]]:
    """Return the clusters of opinions: (mean opinion, members), ascending.

    A cluster is a run of opinions without a gap of 1/200 of the range or more; only those
    with at least the share ``least`` of all agents count.

    Examples
    --------
    >>> clusters(np.array([0.25, 0.25, 0.75, 0.25, 0.75]), (0.0, 1.0))
    [(0.25, 3), (0.75, 2)]
    """
    ordered = np.sort(opinions[~np.isnan(opinions)])
    gap = (span[1] - span[0]) / _BINS
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) >= gap) + 1)
    kept = [part for part in parts if part.size and part.size >= least * ordered.size]
    return [(float(part.mean()), part.size) for part in kept]


def measured(opinions: F64, span: Span) -> dict[str, float]:
    """Return the summary numbers of a distribution of opinions."""
    known = opinions[~np.isnan(opinions)]
    if not known.size:
        return {
            "mean": float("nan"),
            "variance": float("nan"),
            "clusters": 0.0,
            "polarisation": 0.0,
        }
    variance = float(known.var())
    tally = np.zeros(_BINS, np.int64)
    count_bins(known, *span, span[1] - span[0], tally)
    return {
        "mean": float(known.mean()),
        "variance": variance,
        "clusters": float(_groups(tally)),
        "polarisation": 4 * variance / (span[1] - span[0]) ** 2,
    }


def _groups(tally: npt.NDArray[np.int64]) -> int:
    """Count runs of filled bins that are large enough."""
    filled = np.concatenate([[False], tally > 0, [False]])
    ends = np.flatnonzero(filled[1:] != filled[:-1])
    summed = np.concatenate([[0], np.cumsum(tally)])
    sizes = summed[ends[1::2]] - summed[ends[::2]]
    return int((sizes >= _LEAST_SHARE * tally.sum()).sum())


_SLACK = 1e-9
_SHARED = ("updates", "topic", "initial", "seed_opinion", "tolerance")
_NOBODY_FIXED = np.empty(0, np.uint8)


class OpinionModel(PropagationModel):
    """A model of opinions; write :meth:`update` for one in which all agents move at once.

    An agent counts as an adopter once it has changed sides: from one half of the range to the
    other in which it did not begin. In models of a few opinions adopters are those that ever held
    another than the first one. Seeds count from the start.

    Attributes
    ----------
    span
        The range of opinions, (low, high).
    choices
        The opinions there are, ascending, one a state, within the span; empty: all of the span,
        and the states are equal parts of it.
    keeps_first
        Whether ``heard.first``, what each thought at the start, is needed.
    conserves
        Whether the mean opinion never changes where all ties are mutual.
    """

    bounds: ClassVar[dict[str, Bound]] = OPINIONS
    states: ClassVar[tuple[str, ...]] = (
        "strongly against", "against", "undecided", "for", "strongly for",
    )  # fmt: skip
    span: ClassVar[Span] = (0.0, 1.0)
    choices: ClassVar[tuple[float, ...]] = ()
    keeps_first: ClassVar[bool] = False
    conserves: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        update="synchronous: all agents move at once, by what was thought when the tick began",
        comparison="none: no draw decides",
        includes_self="no",
        direction="against ties: a follower is moved by those it hears",
        ties="none: everybody heard counts",
        time_unit="tick: every agent moves once",
        channels="all; a channel that chooses contacts chooses whom an agent hears in a tick",
        draw_modes="coins and skips are alike: contacts are not drawn",
        cost="every tie once a tick",
        largest="as large as the world: 16 bytes an agent, and the reverse of ties that are not "
        "mutual",
        meaning={
            "strongly against": "opinion in the lowest fifth of the range",
            "against": "opinion in the second fifth",
            "undecided": "opinion in the middle fifth",
            "for": "opinion in the fourth fifth",
            "strongly for": "opinion in the highest fifth",
        },
        choices=(
            "opinions at the start: the parameter initial",
            "it rests when no opinion moves by more than tolerance in a tick",
        ),
    )

    topic: str = Field(
        "", description="what the opinions are about, shared by messages; empty: this one alone"
    )
    initial: str = Field(
        "uniform",
        description="opinions of those without one: uniform, uniform:LOW:HIGH, normal:MEAN:SPREAD, "
        "even, first or column:NAME",
    )
    seed_opinion: float | None = Field(
        None, ge=-1e6, le=1e6, description="what the seeds think at the start; none: as the others"
    )
    tolerance: float = Field(
        1e-6, ge=0, le=1, description="change, as a share of the range, that is none",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """List the model's own parameters before the common ones."""
        super().__pydantic_init_subclass__(**kwargs)
        fields = cls.__pydantic_fields__
        for name in [name for name in _SHARED if name in fields]:
            fields[name] = fields.pop(name)

    def values(self) -> dict[str, Any]:
        """Return every parameter by name, the model's own first."""
        held = super().values()
        return {name: held[name] for name in type(self).model_fields}

    # Methods for authors of models

    def update(self, own: F64, heard: Voices) -> F64:
        """Return every agent's next opinion, float64 (agents,).

        Parameters
        ----------
        own
            float64 (agents,): current opinions; not to be written to.
        heard
            What each agent hears: ``heard.mean``, ``heard.within(bound)``, ``heard.count``, ...
        """
        raise NotImplementedError

    def stubborn(self, cascade: Cascade) -> U8:
        """Return the agents that never move, uint8 (agents,); empty: there are none."""
        return _NOBODY_FIXED

    # Implementation

    def check(self) -> None:
        """Raise for an invalid law, topic or opinion of seeds."""
        check_start(self._name, self.initial, self.span)
        if self.topic != clean(self.topic, 64).strip():
            raise ParameterError(
                f"{self._name}: topic must be plain text of at most 64 characters, "
                f"got {self.topic!r}."
            )
        given = self.seed_opinion
        low, high = self.span
        if given is not None and not low <= given <= high:
            raise ParameterError(
                f"{self._name}: seed_opinion must be in [{low:g}, {high:g}], got {given:g}."
            )
        if given is not None and self.choices and given not in self.choices:
            raise ParameterError(
                f"{self._name}: seed_opinion must be one of "
                f"{', '.join(f'{choice:g}' for choice in self.choices)}, got {given:g}."
            )

    @property
    def _name(self) -> str:
        return self.plugin_name or type(self).__name__

    def suits(self, around: Around) -> None:
        """Raise for a world without the column that initial opinions come from."""
        law, given = check_start(self._name, self.initial, self.span)
        if law == "column":
            started(
                (law, given), self.span, np.zeros(1, np.int64), 1, np.uint64(0), around.people()
            )

    def start(self, cascade: Cascade) -> None:
        """Set the opinions of all agents and of the seeds."""
        own = self._with_opinions(cascade, self.held(cascade))
        mine = self.choices[1] if self.choices and self.seed_opinion is None else self.seed_opinion
        if mine is not None:
            own[cascade.seeds] = mine
        self._hold(cascade, own)
        if self.choices:
            cascade.columns["side"] = np.zeros(cascade.agents, np.uint8)
        else:
            cascade.columns["side"] = (own > self.cut).astype(np.uint8)
        if self.keeps_first:
            cascade.columns["first"] = own.copy()
        elsewhere = np.flatnonzero((own > self.cut) != (cascade.columns["side"] > 0))
        cascade.adopt(np.union1d(cascade.seeds, elsewhere).astype(np.uint32))

    def welcome(self, cascade: Cascade, count: int) -> None:
        """Set the opinions of new agents."""
        if "side" not in cascade.held:
            return
        own = self.held(cascade)
        fresh = np.arange(cascade.agents - count, cascade.agents)
        if not self.topic:
            own[fresh] = np.nan
        own = self._with_opinions(cascade, own)
        self._hold(cascade, own)
        if not self.choices:
            cascade.columns["side"][fresh] = own[fresh] > self.cut
        if self.keeps_first:
            cascade.columns["first"][fresh] = own[fresh]

    def _with_opinions(self, cascade: Cascade, own: F64) -> F64:
        """Fill in missing opinions (NaN)."""
        lacking = np.flatnonzero(np.isnan(own))
        if lacking.size:
            law = check_start(self._name, self.initial, self.span)
            people = cascade.around.people() if cascade.around is not None else None
            key = cascade.draws(0).key(Stream.OPENINGS)
            drawn = started(law, self.span, lacking, cascade.agents, key, people)
            own[lacking] = self._snapped(drawn)
        return own

    @property
    def cut(self) -> float:
        """The boundary of the two sides: the middle; or half-way between the first two opinions."""
        if self.choices:
            return (self.choices[0] + self.choices[1]) / 2
        return (self.span[0] + self.span[1]) / 2

    def held(self, cascade: Cascade) -> F64:
        """Return all current opinions, float64 (agents,) in this model's range; a copy.

        NaN stands for agents without an opinion.
        """
        topics: Topics | None = None if cascade.around is None else cascade.around.opinions
        if self.topic and topics is not None and self.topic in topics:
            found = rescaled(topics[self.topic].copy(), topics.span(self.topic), self.span)
            return self._snapped(found)
        if "opinion" in cascade.held:
            return np.array(cascade.held["opinion"], np.float64)
        return np.full(cascade.agents, np.nan)

    def _snapped(self, own: F64) -> F64:
        """Return the nearest possible opinions."""
        if not self.choices:
            return own
        known = np.asarray(self.choices)
        nearest = known[np.searchsorted((known[1:] + known[:-1]) / 2, own).clip(0, known.size - 1)]
        return np.where(np.isnan(own), np.nan, nearest)

    def _hold(self, cascade: Cascade, own: F64) -> None:
        """Store opinions; on a shared topic write only those that changed."""
        topics: Topics | None = None if cascade.around is None else cascade.around.opinions
        if not self.topic or topics is None:
            cascade.columns["opinion"] = own
            return
        if self.topic not in topics:
            topics.hold(self.topic, own, span=self.span)
            return
        kept, span = topics[self.topic].copy(), topics.span(self.topic)
        before = self._snapped(rescaled(kept, span, self.span))
        changed = ~(own == before)
        if changed.any():
            kept[changed] = rescaled(own[changed], self.span, span).clip(*span)
            topics.write(self.topic, kept)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let agents hear one another, then find those that changed sides."""
        before = self.held(cascade)
        own = before.copy()
        told = self.discuss(cascade, contacts, draws, own)
        self._refuse_strange(own)
        self._hold(cascade, own)
        moved = float(np.abs(own - before).max(initial=0.0))
        cascade.memo = {**_memo(cascade), "moved": moved}
        cascade.contacts_seen += self.weighed(remembered(cascade, contacts))
        if told is None:
            told = self._crossed(cascade, contacts, own)
        cascade.adopt(*told)

    def discuss(
        self, cascade: Cascade, contacts: Contacts, draws: Draws, own: F64
    ) -> tuple[Ids, Ids] | None:
        """Move the opinions ``own`` (float64 (agents,)) in place by one tick.

        Returns
        -------
        (agents, sources) or None
            The adopters, and their sources (uint32); ``None``: the agents that changed sides.
        """
        heard = Voices(cascade, remembered(cascade, contacts), draws, own)
        new = np.asarray(self.update(heard.now, heard), np.float64)
        if new.shape != own.shape:
            raise PluginError(
                self._name,
                f"update() must return one opinion an agent, shape {own.shape}, got {new.shape}",
            )
        np.copyto(own, new, where=self.movable(cascade))
        return None

    def weighed(self, heard: HeardRows) -> int:
        """Return the number of contacts evaluated in a tick, for rates: all of them."""
        return int(heard.sources.size)

    def movable(self, cascade: Cascade) -> npt.NDArray[np.bool_]:
        """Return who can move now: all except the absent and the stubborn, (agents,)."""
        moves = _present(cascade)
        fixed = self.stubborn(cascade)
        return moves & (fixed == 0) if fixed.size else moves

    def _refuse_strange(self, own: F64) -> None:
        """Raise for opinions that are NaN, outside the range, or not one of the choices."""
        low, high = self.span
        slack = _SLACK * (high - low)
        if self.choices and not np.isin(own, self.choices).all():
            listed = ", ".join(f"{choice:g}" for choice in self.choices)
            raise PluginError(self._name, f"made an opinion that is none of {listed}")
        if not (own.min() >= low - slack and own.max() <= high + slack):
            raise PluginError(
                self._name,
                f"made an opinion outside its range [{low:g}, {high:g}], or NaN: from "
                f"{own.min():g} to {own.max():g}",
            )
        own.clip(low, high, out=own)

    def _crossed(self, cascade: Cascade, contacts: Contacts, own: F64) -> tuple[Ids, Ids]:
        """Return the agents that changed sides for the first time."""
        touched = contacts.scratch.touched
        side = cascade.columns["side"]
        found = kernels.crossings(own, self.cut, side, cascade.done, touched)
        return touched[:found].copy(), np.full(found, NOBODY)

    def codes(self, cascade: Cascade) -> npt.NDArray[np.uint8]:
        """Return the bin, or the choice, of each agent's opinion: uint8 (agents,)."""
        own = self.held(cascade)
        if self.choices:
            known = np.asarray(self.choices)
            cuts = (known[1:] + known[:-1]) / 2
            return np.searchsorted(cuts, own, side="left").astype(np.uint8)
        low, high = self.span
        places = (own - low) / (high - low) * len(self.states) + _SLACK
        return np.clip(places, 0, len(self.states) - 1).astype(np.uint8)

    def count(self, cascade: Cascade) -> None:
        """Count opinions by state."""
        own = self.held(cascade)
        cascade.tally[:] = 0
        if self.choices:
            known = np.asarray(self.choices)
            above = [int((own > cut).sum()) for cut in ((known[1:] + known[:-1]) / 2).tolist()]
            cascade.tally[:] = -np.diff([own.size, *above, 0])
            return
        low, high = self.span
        kernels.count_bins(own, low, high, _SLACK * (high - low), cascade.tally)

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether another tick would move no agent by more than ``tolerance``."""
        memo = _memo(cascade)
        agreed = bool(self.choices) and int(cascade.tally.max()) == cascade.agents
        if memo.get("moved", 0.0) > self.least and not agreed:
            return False
        return self.is_settled(cascade, contacts.whole, self.held(cascade))

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: F64) -> bool:
        """Return whether opinions ``own`` would stay; called after a tick without changes."""
        before = own.copy()
        self.discuss(cascade, contacts, cascade.draws(0), own)
        return float(np.abs(own - before).max(initial=0.0)) <= self.least

    @property
    def least(self) -> float:
        """The smallest change of an opinion that counts."""
        return self.tolerance * (self.span[1] - self.span[0])

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return mean, variance, clusters and polarisation of the opinions now.

        See :func:`~sim.spread.opinions.model.measured`.
        """
        return measured(self.held(cascade), self.span)


def _memo(cascade: Cascade) -> dict[str, Any]:
    return cascade.memo if isinstance(cascade.memo, dict) else {}


def _present(cascade: Cascade) -> npt.NDArray[np.bool_]:
    """Return which agents are not absent, (agents,)."""
    if not cascade.absent.size:
        return np.ones(cascade.agents, np.bool_)
    bits = np.unpackbits(cascade.absent.view(np.uint8), count=cascade.agents, bitorder="little")
    return np.equal(bits, 0)

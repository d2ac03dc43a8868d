"""Compartmental models with drawn residence times instead of memoryless transitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import lgamma, log
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Ids
from sim.core import rng
from sim.core.cards import Card, Setting, Theory
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.jit.words import CODE
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import DrawMode, Draws
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments import table_kernels as kernels
from sim.spread.compartments.compartments import Compartments
from sim.spread.compartments.conditions import ConditionRows
from sim.spread.compartments.rules import After, RuleTable
from sim.spread.theory.theories import refuse, spell_out, stays_based

StayLaw = Literal["geometric", "fixed", "weibull", "gamma", "lognormal"]

LONGEST = 100_000
"""Ticks; longer durations are counted as this one."""
_POINTS = 40_000
_TINY = 1e-15
_DEEP = 40.0
"""How far into the tails the grid extends: to exp(-40) of the peak."""


@lru_cache(maxsize=256)
def stay_law(law: StayLaw, mean: float, spread: float) -> F64:
    """Return the probability of staying at most 1, 2, 3, ... ticks; the last one is 1.

    Non-integer times are rounded up or down at random, so that the mean is kept. Durations below
    one tick become one: short stays of a wide law last longer than their mean. Read-only.

    Examples
    --------
    >>> stay_law("fixed", 2.25, 1.0)
    array([0.  , 0.75, 1.  ])
    """
    if law not in get_args(StayLaw) or not mean >= 1.0:
        raise ParameterError(
            f"A stay lasts at least 1 tick on average under one of {', '.join(get_args(StayLaw))}; "
            f"got {law!r} with mean {mean:g}."
        )
    if law == "geometric":
        ticks = np.arange(1, min(int(40 * mean) + 2, LONGEST))
        return _closed(-np.expm1(ticks * np.log1p(-min(1.0 / mean, 1.0 - _TINY))))
    times, weights = (np.array([mean]), np.ones(1)) if law == "fixed" else _law(law, mean, spread)
    times = np.minimum(times, LONGEST - 1.0)
    whole = times.astype(np.int64)
    chances = np.bincount(whole, weights * (1.0 - times + whole), minlength=2)
    chances = np.concatenate([chances, [0.0]]) + np.bincount(
        whole + 1, weights * (times - whole), minlength=chances.size + 1
    )
    chances[1] += chances[0]
    return _closed(np.cumsum(chances[1:]))


def _closed(cumulated: F64) -> F64:
    """Return cumulative probabilities up to the first that is 1, read-only."""
    short = cumulated[: int(np.argmax(cumulated >= cumulated[-1] - _TINY)) + 1].copy()
    short[-1] = 1.0
    short.flags.writeable = False
    return short


def _law(law: str, mean: float, spread: float) -> tuple[F64, F64]:
    """Return times and their weights: a density on a fine logarithmic grid."""
    if not 0.05 <= spread <= 3.0:
        raise ParameterError(f"The spread of stays must be in [0.05, 3], got {spread:g}.")
    if law == "lognormal":
        variance = log(1.0 + spread**2)
        y = np.linspace(-9.0, 9.0, _POINTS) * variance**0.5 - variance / 2
        density = -((y + variance / 2) ** 2) / (2 * variance)
    elif law == "gamma":
        shape = spread**-2
        y = np.linspace(-_DEEP / shape, log(1.0 + _DEEP / shape) + 1.0, _POINTS)
        density = shape * (y - np.exp(y))
    else:
        shape = _weibull_shape(spread)
        y = np.linspace(-_DEEP, log(_DEEP), _POINTS) / shape - lgamma(1.0 + 1.0 / shape)
        scaled = shape * (y + lgamma(1.0 + 1.0 / shape))
        density = scaled - np.exp(scaled)
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    times = np.exp(y)
    return times * (mean / float(weights @ times)), weights


def _weibull_shape(spread: float) -> float:
    """Return the shape for which the standard deviation is ``spread`` times the mean."""
    low, high, shape = 0.1, 100.0, 1.0
    for _ in range(100):
        shape = float((low * high) ** 0.5)
        if lgamma(1 + 2 / shape) - 2 * lgamma(1 + 1 / shape) > log(1 + spread**2):
            low = shape
        else:
            high = shape
    return shape


_NEVER = 255


@dataclass(frozen=True, slots=True)
class Stay:
    """The duration of a state and its successor; created by :func:`stay`."""

    state: str
    becomes: str
    mean: str | float
    law: str
    spread: str | float


def stay(
    state: str, becomes: str, *, mean: str | float, law: str = "law", spread: str | float = "spread"
) -> Stay:
    """Declare that a state lasts for a time drawn when an agent enters it.

    Parameters
    ----------
    state, becomes
        The state, and its successor.
    mean
        Ticks: a number or the name of a parameter.
    law
        A law of :data:`~sim.spread.compartments.durations.StayLaw`, or the name of the parameter
        that holds it.
    spread
        Standard deviation / mean: a number or the name of a parameter.
    """
    return Stay(state, becomes, mean, law, spread)


class Durations(Compartments):
    """Compartments whose states may last for times of any law, drawn once as an agent enters.

    An agent that enters at the end of tick t with a stay of d ticks speaks in ticks t + 1 to t + d
    and leaves at the end of the last. The draw of a stay is addressed by (tick of entry, agent).

    Attributes
    ----------
    stays
        Made by :func:`stay`; a state has one, or changes by itself (``after``), or neither.
    """

    stays: ClassVar[tuple[Stay, ...]] = ()
    card: ClassVar[Card] = Card(
        cost="the ties of agents that speak, and a look at the clock of each that will change",
        time_unit="tick; stays are whole ticks, at least one; others rounded at random so that the "
        "mean is kept",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the declaration when the class is made."""
        super().__pydantic_init_subclass__(**kwargs)
        moving = {rule.state for rule in cls.rules if isinstance(rule, After)}
        for one in cls.stays:
            for name in (one.state, one.becomes):
                if name not in cls.states:
                    raise UnknownNameError(f"state of {cls.__name__}", name, cls.states)
            if one.state in moving:
                raise InputError(
                    f"{cls.__name__}: {one.state!r} ends by one stay() or by after(), not by both."
                )
            moving.add(one.state)

    def check(self) -> None:
        """Raise for chances and stays that are out of range."""
        super().check()
        for one in self.stays:
            self._law(one)

    def start(self, cascade: Cascade) -> None:
        """Put the seeds in their state, and draw their durations."""
        super().start(cascade)
        cascade.held["until"] = SparseColumn(cascade.agents, np.int32)
        self._entered(cascade, cascade.seeds, cascade.draws(cascade.started_at))

    def _due(self, rows: ConditionRows, touched: int) -> int:
        """Claim agents whose stay is over."""
        state, until = rows.cascade.held["state"], rows.cascade.held["until"]
        live, scratch = rows.listener, rows.contacts.scratch
        found: int = kernels.claim_due(
            live, live.size, rows.tick, state.keys, state.values, until.keys, until.values,
            self._following(), scratch.claim, scratch.touched, touched,
        )  # fmt: skip
        return found

    def changes_beside(self) -> Sequence[tuple[int, int]]:
        """Return the changes at the ends of stays, (from, to)."""
        following = self._following()
        places = [self.states.index(one.state) for one in self.stays]
        return [(place, int(following[place])) for place in places]

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the edge-based curve, a state per age; none if agents re-enter the first state."""
        refuse(setting)
        if self.table(self.draws).is_gated:
            return ()
        first = self.states.index(self.seeded)
        rules = spell_out(self.table(self.draws), self.states, first, in_rates=False)
        following = self._following()
        where = {one.state: self.states.index(one.state) for one in self.stays}
        laws = {
            where[one.state]: (int(following[where[one.state]]), self._law(one))
            for one in self.stays
        }
        return stays_based(rules, laws, setting, ticks)

    def _entered(self, cascade: Cascade, agents: Ids, draws: Draws) -> None:
        """Draw how long agents stay in their current states."""
        codes = cascade.held["state"][agents] & CODE
        for one in self.stays:
            here = agents[codes == self.states.index(one.state)]
            if here.size:
                drawn = rng.uniforms(draws.key(Stream.STAYS), here)
                ticks = np.searchsorted(self._law(one), drawn, side="right") + 1
                cascade.held["until"][here] = draws.tick + ticks

    def _law(self, one: Stay) -> npt.NDArray[np.float64]:
        """Return the cumulative probabilities of a stay."""
        named: Any = getattr(self, one.law) if one.law in type(self).model_fields else one.law
        mean, spread = (
            float(getattr(self, number) if isinstance(number, str) else number)
            for number in (one.mean, one.spread)
        )
        return stay_law(named, mean, spread)

    def _following(self) -> npt.NDArray[np.uint8]:
        """Return the successor of each state, 255 if it does not end by a stay."""
        following = np.full(len(self.states), _NEVER, np.uint8)
        for one in self.stays:
            following[self.states.index(one.state)] = self.states.index(one.becomes)
        return following

    def _tabulated(self, mode: DrawMode) -> RuleTable:
        """Keep agents in the live list during a stay, by an outcome of chance 0."""
        table = super()._tabulated(mode)
        lasting = (self._following() != _NEVER).astype(np.int64)
        at = table.soff[np.flatnonzero(lasting)]
        conditions = list(table.swhen)
        for place in reversed(at.tolist()):
            conditions.insert(place, None)
        return replace(
            table,
            soff=table.soff + np.concatenate([[0], np.cumsum(lasting)]),
            scum=np.insert(table.scum, at, 0.0),
            snew=np.insert(table.snew, at, 0),
            spart=np.insert(table.spart, at, 0.0),
            swhen=tuple(conditions),
        )

"""Conditions of rules: small objects that are compared, joined by ``& | ~``, and evaluated by rows.

``where("openness") > 0.5``, ``share("infected") >= 0.3`` and ``tie("trust") > "cut"`` are
conditions; so are their combinations by ``&``, ``|`` and ``~``. They are evaluated over columns.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from sim.arrays import I64, Array, Bools, Ids
from sim.errors import InputError
from sim.jit.words import CODE
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure.exposures import count_hearings
from sim.spread.exposure.exposures_kernels import shared_interests

Side = Literal["listener", "speaker"]


@dataclass(frozen=True)
class ConditionRows:
    """The rows over which conditions are evaluated: contacts, or agents.

    Attributes
    ----------
    cascade, contacts, tick
        The cascade, its network, the tick.
    listener
        uint32 (rows,): the listener; for a spontaneous change the agent itself.
    speaker, tie
        uint32 and int64 (rows,): the speaker and the place of the tie, or ``None``.
    memory
        Cache of counts in this tick.
    """

    cascade: Cascade
    contacts: Contacts
    tick: int
    listener: Ids
    speaker: Ids | None = None
    tie: I64 | None = None
    memory: dict[Any, Any] = field(default_factory=dict)

    def part(self, at: I64) -> ConditionRows:
        """Return the rows at indices ``at``."""
        return replace(
            self,
            listener=self.listener[at],
            speaker=None if self.speaker is None else self.speaker[at],
            tie=None if self.tie is None else self.tie[at],
        )


_RISING = {operator.gt, operator.ge}

MUST, NOW, MAY = range(3)
"""Values of a condition: it stays true while only time passes, so that elapsed time
grows; it is true now; it could become true while only time passes."""


class RuleCondition:
    """A condition with one boolean per row; joined by ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def over(self, scene: ConditionRows) -> Bools:
        """Return where it must hold, holds now and may hold, bool (3, rows)."""
        raise NotImplementedError

    def holds(self, scene: ConditionRows) -> Bools:
        """Return where it holds now, bool (rows,)."""
        found: Bools = self.over(scene)[NOW]
        return found

    def comparisons(self) -> Iterator[QuantityComparison]:
        """Yield the comparisons that it consists of."""
        raise NotImplementedError

    def __and__(self, other: RuleCondition) -> RuleCondition:
        return _Joined(self, other, is_and=True)

    def __or__(self, other: RuleCondition) -> RuleCondition:
        return _Joined(self, other, is_and=False)

    def __invert__(self) -> RuleCondition:
        return _Not(self)

    def __bool__(self) -> bool:
        raise InputError(
            "Conditions are joined by & | ~, each comparison in parentheses, and not by and, or, "
            "not or a < b < c."
        )


@dataclass(frozen=True, slots=True)
class _Joined(RuleCondition):
    left: RuleCondition
    right: RuleCondition
    is_and: bool

    def __post_init__(self) -> None:
        for side in (self.left, self.right):
            if not isinstance(side, RuleCondition):
                raise InputError(
                    f"Conditions are joined with conditions, got {side!r}; compare it first, and "
                    "put each comparison in parentheses."
                )

    def over(self, scene: ConditionRows) -> Bools:
        one, two = self.left.over(scene), self.right.over(scene)
        return one & two if self.is_and else one | two

    def comparisons(self) -> Iterator[QuantityComparison]:
        yield from self.left.comparisons()
        yield from self.right.comparisons()


@dataclass(frozen=True, slots=True)
class _Not(RuleCondition):
    inner: RuleCondition

    def over(self, scene: ConditionRows) -> Bools:
        return ~self.inner.over(scene)[::-1]

    def comparisons(self) -> Iterator[QuantityComparison]:
        return self.inner.comparisons()


class Quantity:
    """A quantity with a value per row; comparing it makes a condition.

    Attributes
    ----------
    of
        ``"listener"`` or ``"speaker"``: the end of a contact.
    states
        Names of states that it counts.
    is_elapsed, is_tie
        Whether it grows while only time passes; whether it belongs to the tie.
    """

    def __init__(
        self,
        value: Callable[[ConditionRows, Ids], Array],
        of: Side = "listener",
        states: tuple[str, ...] = (),
        *,
        is_elapsed: bool = False,
        is_tie: bool = False,
    ) -> None:
        if of not in {"listener", "speaker"}:
            raise InputError(f"A quantity is of the 'listener' or of the 'speaker', got {of!r}.")
        self.of, self.states, self.is_elapsed, self.is_tie = of, states, is_elapsed, is_tie
        self._value = value

    def value(self, scene: ConditionRows) -> Array:
        """Return the values, (rows,)."""
        speaks = self.of == "speaker" and scene.speaker is not None
        ids: Any = scene.speaker if speaks else scene.listener
        return self._value(scene, ids)

    def __lt__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, operator.lt, other)

    def __le__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, operator.le, other)

    def __gt__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, operator.gt, other)

    def __ge__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, operator.ge, other)

    def __eq__(self, other: object) -> RuleCondition:  # type: ignore[override]
        return QuantityComparison(self, operator.eq, other)

    def __ne__(self, other: object) -> RuleCondition:  # type: ignore[override]
        return QuantityComparison(self, operator.ne, other)

    __hash__ = None  # type: ignore[assignment]


class QuantityComparison(RuleCondition):
    """A quantity compared with a number, a parameter name or another quantity."""

    __slots__ = ("compare", "left", "right")

    def __init__(self, left: Quantity, compare: Callable[[Any, Any], Any], right: Any) -> None:
        if isinstance(right, bool) or not isinstance(right, int | float | str | Quantity):
            raise InputError(
                f"A condition compares with a number, a parameter's name or another quantity, "
                f"got {right!r}."
            )
        self.left, self.compare, self.right = left, compare, right

    def over(self, scene: ConditionRows) -> Bools:
        """Return where it must hold, holds now and may hold, bool (3, rows)."""
        left = self.left.value(scene)
        right: Any = self.right
        if isinstance(right, Quantity):
            right = right.value(scene)
        elif isinstance(right, str):
            right = getattr(scene.cascade.model, right)
        now = must = may = self.compare(left, right)
        if any(side.is_elapsed for side in self.quantities()):
            rises, is_pair = self.compare in _RISING, isinstance(self.right, Quantity)
            must = now if rises and not is_pair else np.zeros_like(now)
            if is_pair or rises or self.compare is operator.ne:
                may = np.ones_like(now)
            elif self.compare is operator.eq:
                may = left <= right
        return np.stack([must, now, may])

    def comparisons(self) -> Iterator[QuantityComparison]:
        """Yield itself."""
        yield self

    def quantities(self) -> Iterator[Quantity]:
        """Yield the compared quantities."""
        yield self.left
        if isinstance(self.right, Quantity):
            yield self.right


def _heard(scene: ConditionRows, codes: tuple[int, ...]) -> SparseColumn:
    """Return the number of sources of each agent in the states, counted once per tick."""
    if codes not in scene.memory:
        cascade, network = scene.cascade, scene.contacts.whole
        agents, values = cascade.held["state"].items()
        column = scene.memory[codes] = SparseColumn(cascade.agents, np.uint32)
        nobody = np.zeros((cascade.agents + 63) // 64, np.uint64)
        within = agents[np.isin(values & CODE, codes)]
        count_hearings(column, network, within, nobody, 2**32 - 1)
    found: SparseColumn = scene.memory[codes]
    return found


def _sources(states: tuple[str, ...], of: Side, *, is_share: bool) -> Quantity:
    """Return the number of an agent's sources in any of the states, or their share."""
    if not states:
        raise InputError("share() and number() count the sources in at least one state.")

    def value(scene: ConditionRows, ids: Ids) -> Array:
        names = scene.cascade.states
        codes = {names.index(name) for name in states}
        degree = scene.contacts.degree[ids].astype(np.float64)
        is_rest = 0 in codes  # its agents are not listed
        counted = set(range(len(names))) - codes if is_rest else codes
        found = _heard(scene, tuple(sorted(counted)))[ids].astype(np.float64)
        found = degree - found if is_rest else found
        return found / np.maximum(degree, 1.0) if is_share else found

    return Quantity(value, of, states)


def where(column: str, *, of: Side = "listener") -> Quantity:
    """Return a column of agents, for comparison.

    Parameters
    ----------
    column
        ``openness``, ``conscientiousness``, ``extraversion``, ``agreeableness``, ``neuroticism``,
        ``activity``, ``community`` or ``status``.
    of
        The end of a contact; in :func:`~sim.spread.compartments.rules.after` the
        agent itself is the only one.

    Examples
    --------
    >>> isinstance(where("community") == where("community", of="speaker"), RuleCondition)
    True
    """
    return Quantity(lambda scene, ids: scene.contacts.people.column(column)[ids], of)


def interest(*, of: Side = "listener") -> Quantity:
    """Return the share of the message's interests that an agent has, in [0, 1]; 1 if none."""

    def value(scene: ConditionRows, ids: Ids) -> Array:
        out, tags = np.empty(ids.size), np.uint64(scene.cascade.message.tags)
        shared_interests(scene.contacts.people.column("interests"), ids, ids.size, tags, out)
        return out

    return Quantity(value, of)


def share(*states: str, of: Side = "listener") -> Quantity:
    """Return the share of an agent's sources in the states, in [0, 1]; 0 without sources.

    At the start of the tick, over all ties of the world, including absent agents.
    """
    return _sources(states, of, is_share=True)


def number(*states: str, of: Side = "listener") -> Quantity:
    """Return the number of an agent's sources in the states; see :func:`share`."""
    return _sources(states, of, is_share=False)


def tie(name: Literal["trust", "kind"]) -> Quantity:
    """Return the trust of the contact's tie, in [0, 1], or its kind (0: follow)."""
    if name not in {"trust", "kind"}:
        raise InputError(f"A tie has a 'trust' and a 'kind', got {name!r}.")
    default, whole = (1.0, 65535.0) if name == "trust" else (0.0, 1)

    def value(scene: ConditionRows, ids: Ids) -> Array:
        column = getattr(scene.contacts, name)
        return column[scene.tie] / whole if column.size else np.full(ids.size, default)

    return Quantity(value, is_tie=True)


def elapsed(*, of: Side = "listener") -> Quantity:
    """Return the ticks that the agent has been in its state: 1 in the tick after it entered."""

    def value(scene: ConditionRows, ids: Ids) -> Array:
        entered: Array = scene.cascade.held["since"][ids].astype(np.int64)
        return scene.tick - scene.cascade.started_at - entered

    return Quantity(value, of, is_elapsed=True)


def is_timed(condition: RuleCondition) -> bool:
    """Return whether a condition depends on the time that an agent has been in its state."""
    return any(side.is_elapsed for one in condition.comparisons() for side in one.quantities())

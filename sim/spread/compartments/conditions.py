"""Conditions of rules: small objects that are compared, joined by ``& | ~``, and looked up by rows.

``where("openness") > 0.5``, ``share("infected") >= 0.3`` and ``tie("trust") > "cut"`` are
conditions; so is what ``&``, ``|`` and ``~`` make of them. They are evaluated over whole columns.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import Bools, Ids
from sim.errors import InputError
from sim.jit.words import CODE
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure.exposures import count_hearings
from sim.spread.exposure.exposures_kernels import shared_interests

Side = Literal["listener", "speaker"]
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class ConditionRows:
    """What conditions are evaluated over: rows of contacts, or of agents.

    Attributes
    ----------
    cascade, contacts, tick
        Whose, over which network, when.
    listener
        uint32 (rows,): who hears; the agent itself where a change happens by itself.
    speaker, tie
        uint32 and int64 (rows,): who speaks and the place of the tie, or ``None``.
    memory
        What was counted in this tick already.
    """

    cascade: Cascade
    contacts: Contacts
    tick: int
    listener: Ids
    speaker: Ids | None = None
    tie: npt.NDArray[np.int64] | None = None
    memory: dict[Any, Any] = field(default_factory=dict)

    def part(self, at: npt.NDArray[np.int64]) -> ConditionRows:
        """Return the rows ``at``."""
        return replace(
            self,
            listener=self.listener[at],
            speaker=None if self.speaker is None else self.speaker[at],
            tie=None if self.tie is None else self.tie[at],
        )

    def ids(self, of: Side) -> Ids:
        """Return the agents at one end."""
        return self.listener if of == "listener" or self.speaker is None else self.speaker

    def parameter(self, name: str) -> Any:
        """Return a parameter, or a property, of the model."""
        return getattr(self.cascade.model, name)


class RuleCondition:
    """Something that holds or not, one answer a row; joined by ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def holds(self, scene: ConditionRows) -> Bools:
        """Return where it holds now, bool (rows,)."""
        raise NotImplementedError

    def may(self, scene: ConditionRows) -> Bools:
        """Return where it could still hold while no state changes: with time alone."""
        raise NotImplementedError

    def must(self, scene: ConditionRows) -> Bools:
        """Return where it goes on to hold while no state changes."""
        raise NotImplementedError

    def comparisons(self) -> Iterator[QuantityComparison]:
        """Yield the comparisons that it is made of."""
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

    def _join(self, one: Bools, two: Bools) -> Bools:
        return one & two if self.is_and else one | two

    def holds(self, scene: ConditionRows) -> Bools:
        return self._join(self.left.holds(scene), self.right.holds(scene))

    def may(self, scene: ConditionRows) -> Bools:
        return self._join(self.left.may(scene), self.right.may(scene))

    def must(self, scene: ConditionRows) -> Bools:
        return self._join(self.left.must(scene), self.right.must(scene))

    def comparisons(self) -> Iterator[QuantityComparison]:
        yield from self.left.comparisons()
        yield from self.right.comparisons()


@dataclass(frozen=True, slots=True)
class _Not(RuleCondition):
    inner: RuleCondition

    def holds(self, scene: ConditionRows) -> Bools:
        return ~self.inner.holds(scene)

    def may(self, scene: ConditionRows) -> Bools:
        return ~self.inner.must(scene)

    def must(self, scene: ConditionRows) -> Bools:
        return ~self.inner.may(scene)

    def comparisons(self) -> Iterator[QuantityComparison]:
        return self.inner.comparisons()


class Quantity:
    """Something that has a value in each row; compared, it makes a condition.

    Attributes
    ----------
    of
        ``"listener"`` or ``"speaker"``: of which end of a contact.
    """

    __slots__ = ("of",)

    def __init__(self, of: Side = "listener") -> None:
        if of not in {"listener", "speaker"}:
            raise InputError(f"A quantity is of the 'listener' or of the 'speaker', got {of!r}.")
        self.of: Side = of

    def value(self, scene: ConditionRows) -> npt.NDArray[Any]:
        """Return its values, (rows,)."""
        raise NotImplementedError

    def __lt__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, "<", other)

    def __le__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, "<=", other)

    def __gt__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, ">", other)

    def __ge__(self, other: Any) -> RuleCondition:
        return QuantityComparison(self, ">=", other)

    def __eq__(self, other: object) -> RuleCondition:  # type: ignore[override]
        return QuantityComparison(self, "==", other)

    def __ne__(self, other: object) -> RuleCondition:  # type: ignore[override]
        return QuantityComparison(self, "!=", other)

    __hash__ = None  # type: ignore[assignment]


class _AgentColumn(Quantity):
    __slots__ = ("name",)

    def __init__(self, name: str, of: Side) -> None:
        super().__init__(of)
        self.name = name

    def value(self, scene: ConditionRows) -> npt.NDArray[Any]:
        return scene.contacts.people.column(self.name)[scene.ids(self.of)]


class _Interest(Quantity):
    __slots__ = ()

    def value(self, scene: ConditionRows) -> npt.NDArray[Any]:
        ids = scene.ids(self.of)
        out, tags = np.empty(ids.size), np.uint64(scene.cascade.message.tags)
        shared_interests(scene.contacts.people.column("interests"), ids, ids.size, tags, out)
        return out


class TieColumn(Quantity):
    """A column of the contact's tie."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in {"trust", "kind"}:
            raise InputError(f"A tie has a 'trust' and a 'kind', got {name!r}.")
        self.name = name

    def value(self, scene: ConditionRows) -> npt.NDArray[Any]:
        """Return the column's values, those of a plain follow where there is none."""
        column = scene.contacts.trust if self.name == "trust" else scene.contacts.kind
        if not column.size:
            return np.full(scene.listener.size, 1.0 if self.name == "trust" else 0.0)
        found = column[scene.tie]
        return found / 65535.0 if self.name == "trust" else found


class _Elapsed(Quantity):
    __slots__ = ()

    def value(self, scene: ConditionRows) -> npt.NDArray[Any]:
        entered = scene.cascade.held["since"][scene.ids(self.of)]
        spent: npt.NDArray[np.int64] = entered.astype(np.int64)
        return scene.tick - scene.cascade.started_at - spent


class Sources(Quantity):
    """How many of an agent's sources are in one of some states, or what share of them."""

    __slots__ = ("is_share", "states")

    def __init__(self, states: tuple[str, ...], of: Side, *, is_share: bool) -> None:
        super().__init__(of)
        if not states:
            raise InputError("share() and number() count the sources in at least one state.")
        self.states = states
        self.is_share = is_share

    def value(self, scene: ConditionRows) -> npt.NDArray[Any]:
        """Return how many, or what share, float64."""
        ids, names = scene.ids(self.of), scene.cascade.states
        codes = sorted({names.index(name) for name in self.states})
        degree = scene.contacts.degree[ids].astype(np.float64)
        if 0 in codes:
            others = [code for code in range(len(names)) if code not in codes]
            found = degree - _heard(scene, tuple(others))[ids]
        else:
            found = _heard(scene, tuple(codes))[ids].astype(np.float64)
        return found / np.maximum(degree, 1.0) if self.is_share else found


def _heard(scene: ConditionRows, codes: tuple[int, ...]) -> SparseColumn:
    """Return how many sources of each agent are in the states, counted once a tick."""
    if codes not in scene.memory:
        cascade, network = scene.cascade, scene.contacts.whole
        agents, values = cascade.held["state"].items()
        column = scene.memory[codes] = SparseColumn(cascade.agents, np.uint32)
        nobody = np.zeros((cascade.agents + 63) // 64, np.uint64)
        within = agents[np.isin(values & CODE, codes)]
        count_hearings(column, network, within, nobody, 2**32 - 1)
    found: SparseColumn = scene.memory[codes]
    return found


class QuantityComparison(RuleCondition):
    """A quantity compared with a number, a parameter's name or another quantity."""

    __slots__ = ("left", "right", "sign")

    def __init__(self, left: Quantity, sign: str, right: Any) -> None:
        if isinstance(right, bool) or not isinstance(right, int | float | str | Quantity):
            raise InputError(
                f"A condition compares with a number, a parameter's name or another quantity, "
                f"got {right!r}."
            )
        self.left = left
        self.sign = sign
        self.right = right

    def _sides(self, scene: ConditionRows) -> tuple[Any, Any]:
        right = self.right
        if isinstance(right, Quantity):
            return self.left.value(scene), right.value(scene)
        return self.left.value(scene), scene.parameter(right) if isinstance(right, str) else right

    def holds(self, scene: ConditionRows) -> Bools:
        """Return where it holds now."""
        found: Bools = _OPERATORS[self.sign](*self._sides(scene))
        return found

    def may(self, scene: ConditionRows) -> Bools:
        """Return where it could hold while only time passes: what has elapsed grows."""
        if not any(isinstance(side, _Elapsed) for side in (self.left, self.right)):
            return self.holds(scene)
        if isinstance(self.right, Quantity) or self.sign in {">", ">=", "!="}:
            return np.ones(scene.listener.size, np.bool_)
        left, right = self._sides(scene)
        found: Bools = left <= right if self.sign == "==" else _OPERATORS[self.sign](left, right)
        return found

    def must(self, scene: ConditionRows) -> Bools:
        """Return where it goes on to hold while only time passes."""
        if not any(isinstance(side, _Elapsed) for side in (self.left, self.right)):
            return self.holds(scene)
        if isinstance(self.right, Quantity) or self.sign not in {">", ">="}:
            return np.zeros(scene.listener.size, np.bool_)
        return self.holds(scene)

    def comparisons(self) -> Iterator[QuantityComparison]:
        """Yield itself."""
        yield self

    def quantities(self) -> Iterator[Quantity]:
        """Yield what is compared."""
        yield self.left
        if isinstance(self.right, Quantity):
            yield self.right


def where(column: str, *, of: Side = "listener") -> Quantity:
    """Return a column of agents, to be compared.

    Parameters
    ----------
    column
        ``openness``, ``conscientiousness``, ``extraversion``, ``agreeableness``, ``neuroticism``,
        ``activity``, ``community`` or ``status``.
    of
        Of which end of a contact; in :func:`~sim.spread.compartments.rules.after` there is the
        agent alone.

    Examples
    --------
    >>> isinstance(where("community") == where("community", of="speaker"), RuleCondition)
    True
    """
    return _AgentColumn(column, of)


def interest(*, of: Side = "listener") -> Quantity:
    """Return the share of the message's interests that an agent has, in [0, 1]; 1 without any."""
    return _Interest(of)


def share(*states: str, of: Side = "listener") -> Quantity:
    """Return the share of an agent's sources in the states, in [0, 1]; 0 without sources.

    As of the beginning of the tick, over all ties of the world, the absent included.
    """
    return Sources(states, of, is_share=True)


def number(*states: str, of: Side = "listener") -> Quantity:
    """Return how many of an agent's sources are in the states; as :func:`share`."""
    return Sources(states, of, is_share=False)


def tie(name: Literal["trust", "kind"]) -> Quantity:
    """Return the trust of the contact's tie, in [0, 1], or its kind (0: follow)."""
    return TieColumn(name)


def elapsed(*, of: Side = "listener") -> Quantity:
    """Return for how many ticks the agent has been in its state: 1 in the tick after it entered."""
    return _Elapsed(of)


def is_timed(condition: RuleCondition) -> bool:
    """Return whether a condition asks for how long an agent has been in its state."""
    return any(
        isinstance(side, _Elapsed) for one in condition.comparisons() for side in one.quantities()
    )

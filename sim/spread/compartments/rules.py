"""Rules of compartmental models, their probability expressions, and their table form."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.checks import expression
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.jit.claims import gap_scale
from sim.spread.cascade.generations import AdopterStates
from sim.spread.compartments.conditions import RuleCondition, elapsed, is_timed
from sim.spread.compartments.table_kernels import ContactRules

KEEP = 255


@dataclass(frozen=True, slots=True)
class Contact:
    """Possible effects of one contact; created by :func:`contact`."""

    listener: str
    outcomes: tuple[tuple[str | None, Chance], ...]
    speakers: tuple[str, ...]
    speaker_becomes: str | None
    when: RuleCondition | None = None


@dataclass(frozen=True, slots=True)
class After:
    """A spontaneous change; created by :func:`after`."""

    state: str
    becomes: str
    chance: Chance
    when: RuleCondition | None = None


def contact(
    listener: str,
    becomes: str | Mapping[str, Chance] | None,
    *,
    by: str | Sequence[str],
    chance: Chance = 1.0,
    speaker_becomes: str | None = None,
    when: RuleCondition | None = None,
) -> Contact:
    """Declare what a contact does to a listener, to the speaker, or to both.

    Parameters
    ----------
    listener
        The state of the listener before the contact.
    becomes
        Its new state; several as ``{state: chance}``; ``None`` if only the speaker changes.
    by
        The state, or states, of the speaker.
    chance
        Per contact and tick: a number, a parameter name, or an expression of both such as
        ``"(1 - kappa) * mu"``; the factor ``trust`` stands for the tie's trust.
    speaker_becomes
        The speaker's new state.
    when
        A condition (:mod:`sim.spread.compartments.conditions`): if it does not hold, nothing
        happens.

    Returns
    -------
    Contact

    Examples
    --------
    >>> contact("susceptible", "infected", by="infected", chance="beta").listener
    'susceptible'
    """
    _refuse_no_condition("contact()", when)
    several = isinstance(becomes, Mapping)
    outcomes = tuple(becomes.items()) if isinstance(becomes, Mapping) else ((becomes, chance),)
    if several and chance != 1.0:
        raise InputError("contact(): give each outcome its chance, or one chance, not both.")
    speakers = (by,) if isinstance(by, str) else tuple(by)
    return Contact(listener, outcomes, speakers, speaker_becomes, when)


def after(
    state: str,
    becomes: str,
    *,
    chance: Chance | None = None,
    when: RuleCondition | None = None,
    ticks: int | str | None = None,
) -> After:
    """Declare a spontaneous change, with ``chance`` per tick.

    Several from one state compete; their chances sum to at most 1. If they have conditions, the
    chances of those that hold are added up in order, and any excess over 1 is lost.

    Parameters
    ----------
    state, becomes
        The state that an agent leaves, and its new state.
    chance
        Per tick: as in :func:`contact`, but without ``trust``; with ``when`` or ``ticks`` it may be
        omitted and is 1.
    when
        A condition on the agent (:mod:`sim.spread.compartments.conditions`).
    ticks
        Minimum number of ticks in the state (a number or the name of a
        parameter): with chance 1 exactly then.

    Returns
    -------
    After

    Examples
    --------
    >>> after("infected", "recovered", ticks=7).chance
    1.0
    """
    _refuse_no_condition("after()", when)
    if ticks is not None:
        if isinstance(ticks, bool) or not isinstance(ticks, int | str):
            raise InputError(
                f"after(): ticks is a whole number or a parameter's name, got {ticks!r}."
            )
        gate = elapsed() >= ticks
        when = gate if when is None else gate & when
    if chance is None and when is None:
        raise InputError("after(): give a chance, a condition (when=) or a number of ticks.")
    return After(state, becomes, 1.0 if chance is None else chance, when)


def _refuse_no_condition(what: str, when: object) -> None:
    if when is not None and not isinstance(when, RuleCondition):
        raise InputError(
            f"{what}: when= takes a condition such as where('openness') > 0.5, got {when!r}."
        )


@dataclass(slots=True)
class RuleTable:
    """Rules as arrays, in the form that :mod:`sim.spread.compartments.table_kernels` reads.

    Attributes
    ----------
    off, cum, listener, speaker, total, trusted
        Outcomes of every row (speaker state, listener state).
    soff, scum, snew
        Outcomes of spontaneous changes.
    mode, scale, ceiling, adopting
        Values for every state.
    part, when, spart, swhen
        For every outcome of both kinds: its own chance, and its condition or ``None``.
    contacts
        The contact rules as one tuple, for kernels.
    """

    off: npt.NDArray[np.int64]
    cum: npt.NDArray[np.float64]
    listener: npt.NDArray[np.uint8]
    speaker: npt.NDArray[np.uint8]
    total: npt.NDArray[np.float64]
    trusted: npt.NDArray[np.uint8]
    soff: npt.NDArray[np.int64]
    scum: npt.NDArray[np.float64]
    snew: npt.NDArray[np.uint8]
    mode: npt.NDArray[np.int64]
    scale: npt.NDArray[np.float64]
    ceiling: npt.NDArray[np.float64]
    adopting: npt.NDArray[np.uint8]
    part: npt.NDArray[np.float64]
    when: tuple[RuleCondition | None, ...]
    spart: npt.NDArray[np.float64]
    swhen: tuple[RuleCondition | None, ...]
    contacts: ContactRules = field(init=False)
    is_gated: bool = field(init=False)  # whether a rule has a condition

    def __post_init__(self) -> None:
        """Precompute what is the same in every tick."""
        self.contacts = ContactRules(
            self.off, self.cum, self.listener, self.speaker, self.total, self.trusted, self.mode,
            self.scale, self.ceiling,
        )  # fmt: skip
        self.is_gated = any(one is not None for one in (*self.when, *self.swhen))

    @property
    def is_timed(self) -> bool:
        """Whether a condition depends on the time that an agent has been in its state."""
        return any(one is not None and is_timed(one) for one in (*self.when, *self.swhen))


@dataclass(slots=True)
class _RuleRow:
    outcomes: list[tuple[float, int, int, RuleCondition | None]] = field(default_factory=list)
    trusted: bool = False

    @property
    def total(self) -> float:
        return sum(share for share, *_ in self.outcomes)

    @property
    def is_gated(self) -> bool:
        return any(when is not None for *_, when in self.outcomes)


def tabulate(
    owner: str,
    states: Sequence[str],
    rules: Sequence[Contact | After],
    evaluate: Callable[[Chance], float],
    *,
    adopting: Sequence[str],
    skips: bool,
    contacts: int | None,
    rates: bool = False,
) -> RuleTable:
    """Convert rules to arrays."""
    if rates and any(rule.when is not None for rule in rules):
        raise InputError(f"{owner}: rules with conditions need ticks; leave when= and ticks= out.")
    code = {name: number for number, name in enumerate(states)}
    size = len(states)
    rows = [_RuleRow() for _ in range(size * size)]
    alone = [_RuleRow() for _ in range(size)]
    for rule in rules:
        if isinstance(rule, After):
            chance = _checked(owner, rule.chance, evaluate, rates=rates)
            change = chance, code[rule.becomes], KEEP, rule.when
            alone[code[rule.state]].outcomes.append(change)
            continue
        for speaker in rule.speakers:
            row = rows[code[speaker] * size + code[rule.listener]]
            for becomes, chance_of in rule.outcomes:
                chance = _checked(owner, chance_of, evaluate, rates=rates)
                row.trusted |= isinstance(chance_of, str) and names_trust(chance_of)
                new = KEEP if becomes is None else code[becomes]
                turned = KEEP if rule.speaker_becomes is None else code[rule.speaker_becomes]
                row.outcomes.append((chance, new, turned, rule.when))
    if not rates:
        _refuse_sums(owner, states, rows, alone)
    return _arrays(states, rows, alone, adopting, skips=skips, contacts=contacts)


def _checked(
    owner: str, chance: Chance, evaluate: Callable[[Chance], float], *, rates: bool
) -> float:
    value = evaluate(chance)
    if rates:
        if not 0.0 <= value < float("inf"):
            raise ParameterError(f"{owner}: the rate {chance!r} must be at least 0, got {value:g}.")
    elif not 0.0 <= value <= 1.0:
        raise ParameterError(f"{owner}: the chance {chance!r} must be in [0, 1], got {value:g}.")
    return value


def _refuse_sums(
    owner: str, states: Sequence[str], rows: Sequence[_RuleRow], alone: Sequence[_RuleRow]
) -> None:
    size = len(states)
    for number, row in enumerate(rows):
        if row.total > 1.0 + 1e-12 and not row.is_gated:
            raise ParameterError(
                f"{owner}: the chances of {states[number % size]!r} hearing "
                f"{states[number // size]!r} must sum to at most 1, got {row.total:g}."
            )
    for number, row in enumerate(alone):
        if row.total > 1.0 + 1e-12 and not row.is_gated:
            raise ParameterError(
                f"{owner}: the chances of leaving {states[number]!r} must sum to at most 1, "
                f"got {row.total:g}."
            )


def _flat(rows: Sequence[_RuleRow]) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Return (offsets, cumulative chances, new states, speakers' new states, parts, conditions)."""
    off, cum, new, turned, part, whens = [0], [], [], [], [], []
    for row in rows:
        share = 0.0
        for chance, state, speaker, when in row.outcomes:
            if chance > 0.0:
                share += chance
                cum.append(share)
                new.append(state)
                turned.append(speaker)
                part.append(chance)
                whens.append(when)
        off.append(len(cum))
    return (
        np.array(off, np.int64),
        np.array(cum, np.float64),
        np.array(new, np.uint8),
        np.array(turned, np.uint8),
        np.array(part, np.float64),
        tuple(whens),
    )


def _arrays(
    states: Sequence[str],
    rows: Sequence[_RuleRow],
    alone: Sequence[_RuleRow],
    adopting: Sequence[str],
    *,
    skips: bool,
    contacts: int | None,
) -> RuleTable:
    size = len(states)
    off, cum, listener, speaker, part, when = _flat(rows)
    soff, scum, snew, _, spart, swhen = _flat(alone)
    total = np.array([row.total for row in rows])
    ceiling = total.reshape(size, size).max(axis=1)
    if any(row.is_gated for row in rows):
        ceiling = np.minimum(ceiling, 1.0)  # for mutually exclusive conditions
    mode = np.where(ceiling > 0.0, 1, 0).astype(np.int64)
    if contacts is not None:
        mode[mode == 1] = 3 + contacts
    elif skips:
        mode[(ceiling > 0.0) & (ceiling < 1.0)] = 2
    scale = np.array(
        [gap_scale(p) if how == 2 else 0.0 for p, how in zip(ceiling, mode, strict=True)]
    )
    return RuleTable(
        off, cum, listener, speaker, total,
        np.array([row.trusted for row in rows], np.uint8),
        soff, scum, snew, mode, scale, ceiling,
        np.array([name in adopting for name in states], np.uint8),
        part, when, spart, swhen,
    )  # fmt: skip


def lives_of(table: RuleTable, more: Sequence[tuple[int, int]] = ()) -> AdopterStates:
    """Return the roles of states for adopters; ``more``: changes outside the table, (from, to)."""
    size = table.adopting.size
    own, told = np.zeros((2, size, size), np.bool_)
    for state in range(size):
        own[state, table.snew[table.soff[state] : table.soff[state + 1]]] = True
    for row in range(size * size):
        outcomes = slice(table.off[row], table.off[row + 1])
        own[row // size, _changed(table.speaker[outcomes])] = True
        told[row % size, _changed(table.listener[outcomes])] = True
    for state, becomes in more:
        own[state, becomes] = True
    adopts, heard = table.adopting > 0, np.arange(size) > 0
    reached = _reached(own, adopts, heard)
    passes_on = _reached(own.T, reached & (table.mode > 0), reached)
    course, follows = adopts | passes_on, own | told
    left = _reached(follows, follows[course].any(axis=0) & ~course, ~course)
    return AdopterStates(adopts, course, passes_on, bool(follows[left][:, adopts].any()))


def _changed(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    found: npt.NDArray[np.uint8] = codes[codes != KEEP]
    return found


def _reached(
    follows: npt.NDArray[np.bool_], start: npt.NDArray[np.bool_], within: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return the states reachable from ``start`` via ``within``, including ``start``."""
    found = start.copy()
    for _ in range(start.size):
        found |= follows[found].any(axis=0) & within
    return found


Chance = str | float
_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def value_of(chance: Chance, names: Callable[[str], float], known: Sequence[str]) -> float:
    """Return the value of a chance: a number, a name, or an expression of both."""
    if not isinstance(chance, str):
        return float(chance)
    try:
        tree = expression(chance)
    except SyntaxError:
        raise InputError(f"The chance {chance!r} is no arithmetic of names and numbers.") from None

    def walk(node: ast.AST) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name):
            if node.id not in known:
                raise UnknownNameError("parameter of the model", node.id, known)
            return float(names(node.id))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.operand))
        raise InputError(f"The chance {chance!r} is no arithmetic of names and numbers.")

    return walk(tree)


def names_trust(chance: str) -> bool:
    """Return whether trust multiplies a chance."""
    return _trusts(expression(chance)) > 0


def _trusts(node: ast.AST) -> int:
    return sum(isinstance(part, ast.Name) and part.id == "trust" for part in ast.walk(node))


def factors_of_trust(chance: Chance) -> int:
    """Return how often trust is a factor of the whole chance, -1 if it occurs elsewhere."""
    if not isinstance(chance, str):
        return 0
    try:
        node = expression(chance)
    except SyntaxError:
        return 0  # not an expression: refused when it is evaluated
    return _factors_of(node)


def _factors_of(node: ast.AST) -> int:
    if isinstance(node, ast.Name):
        return int(node.id == "trust")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _factors_of(node.left), _factors_of(node.right)
        return -1 if min(left, right) < 0 else left + right
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _trusts(node.right):
        return _factors_of(node.left)
    return -1 if _trusts(node) else 0

"""Rules of compartmental models, and the table they become."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, ParameterError, UnknownNameError
from sim.kernels.claims import gap_scale

__all__ = ["After", "Chance", "Contact", "Table", "after", "contact", "tabulate"]

Chance = str | float
KEEP = 255
_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


@dataclass(frozen=True, slots=True)
class Contact:
    """What one contact may do; made by :func:`contact`."""

    listener: str
    outcomes: tuple[tuple[str | None, Chance], ...]
    speakers: tuple[str, ...]
    speaker_becomes: str | None


@dataclass(frozen=True, slots=True)
class After:
    """What happens by itself; made by :func:`after`."""

    state: str
    becomes: str
    chance: Chance


def contact(
    listener: str,
    becomes: str | Mapping[str, Chance] | None,
    *,
    by: str | Sequence[str],
    chance: Chance = 1.0,
    speaker_becomes: str | None = None,
) -> Contact:
    """Declare what a contact does to a listener, to the speaker, or to both.

    Parameters
    ----------
    listener
        The state of the agent that hears.
    becomes
        Its new state; several as ``{state: chance}``; ``None`` when only the speaker changes.
    by
        The state, or states, of the agent that speaks.
    chance
        Of one contact and tick: a number, a parameter's name, or arithmetic of both such as
        ``"(1 - kappa) * mu"``; the factor ``trust`` stands for the tie's trust.
    speaker_becomes
        The speaker's new state.

    Returns
    -------
    Contact

    Examples
    --------
    >>> contact("susceptible", "infected", by="infected", chance="beta").listener
    'susceptible'
    """
    several = isinstance(becomes, Mapping)
    outcomes = tuple(becomes.items()) if isinstance(becomes, Mapping) else ((becomes, chance),)
    if several and chance != 1.0:
        raise InputError("contact(): give each outcome its chance, or one chance, not both.")
    return Contact(listener, outcomes, (by,) if isinstance(by, str) else tuple(by), speaker_becomes)


def after(state: str, becomes: str, *, chance: Chance) -> After:
    """Declare a change that happens by itself, with ``chance`` per tick.

    Several from one state compete; their chances sum to at most 1.
    """
    return After(state, becomes, chance)


@dataclass(slots=True)
class Table:
    """Rules as arrays, as :mod:`sim.kernels.table` reads them.

    Attributes
    ----------
    off, cum, listener, speaker, total, trusted
        Outcomes of every row (speaker state, listener state).
    soff, scum, snew
        Outcomes of what happens by itself.
    mode, scale, ceiling, adopting
        Of every state.
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


@dataclass(slots=True)
class _Row:
    outcomes: list[tuple[float, int, int]] = field(default_factory=list)
    trusted: bool = False

    @property
    def total(self) -> float:
        return sum(share for share, _, _ in self.outcomes)


def value_of(chance: Chance, names: Callable[[str], float], known: Sequence[str]) -> float:
    """Return the value of a chance: a number, a name, or arithmetic of both.

    Raises
    ------
    InputError
        When it is no arithmetic, or a name is unknown.
    """
    if not isinstance(chance, str):
        return float(chance)
    try:
        tree = ast.parse(chance, mode="eval").body
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
) -> Table:
    """Turn rules into arrays.

    Parameters
    ----------
    owner
        The model's name, for errors.
    states, rules
        What the class declares.
    evaluate
        Returns the value of a chance.
    adopting
        States whose first entry counts as adoption.
    skips
        Whether contacts are drawn by geometric gaps where one chance allows it.
    contacts
        ``None``: every tie; else how many random ties a speaker uses in a tick.
    rates
        Whether numbers are rates per tick: at least 0, and as large as you like.

    Raises
    ------
    ParameterError
        When the chances of a row sum to more than 1, or one is outside [0, 1].
    """
    code = {name: number for number, name in enumerate(states)}
    size = len(states)
    rows = [_Row() for _ in range(size * size)]
    alone = [_Row() for _ in range(size)]
    for rule in rules:
        if isinstance(rule, After):
            chance = _checked(owner, rule.chance, evaluate, rates=rates)
            alone[code[rule.state]].outcomes.append((chance, code[rule.becomes], KEEP))
            continue
        for speaker in rule.speakers:
            row = rows[code[speaker] * size + code[rule.listener]]
            for becomes, chance_of in rule.outcomes:
                chance = _checked(owner, chance_of, evaluate, rates=rates)
                row.trusted |= isinstance(chance_of, str) and _names_trust(chance_of)
                new = KEEP if becomes is None else code[becomes]
                turned = KEEP if rule.speaker_becomes is None else code[rule.speaker_becomes]
                row.outcomes.append((chance, new, turned))
    if not rates:
        _refuse_sums(owner, states, rows, alone)
    return _arrays(states, rows, alone, adopting, skips=skips, contacts=contacts)


def _names_trust(chance: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == "trust" for node in ast.walk(ast.parse(chance))
    )


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
    owner: str, states: Sequence[str], rows: Sequence[_Row], alone: Sequence[_Row]
) -> None:
    size = len(states)
    for number, row in enumerate(rows):
        if row.total > 1.0 + 1e-12:
            raise ParameterError(
                f"{owner}: the chances of {states[number % size]!r} hearing "
                f"{states[number // size]!r} must sum to at most 1, got {row.total:g}."
            )
    for number, row in enumerate(alone):
        if row.total > 1.0 + 1e-12:
            raise ParameterError(
                f"{owner}: the chances of leaving {states[number]!r} must sum to at most 1, "
                f"got {row.total:g}."
            )


def _flat(rows: Sequence[_Row]) -> tuple[Any, Any, Any, Any]:
    """Return (offsets, cumulated chances, new states, speakers' new states)."""
    off, cum, new, turned = [0], [], [], []
    for row in rows:
        share = 0.0
        for chance, state, speaker in row.outcomes:
            if chance > 0.0:
                share += chance
                cum.append(share)
                new.append(state)
                turned.append(speaker)
        off.append(len(cum))
    return (
        np.array(off, np.int64),
        np.array(cum, np.float64),
        np.array(new, np.uint8),
        np.array(turned, np.uint8),
    )


def _arrays(
    states: Sequence[str],
    rows: Sequence[_Row],
    alone: Sequence[_Row],
    adopting: Sequence[str],
    *,
    skips: bool,
    contacts: int | None,
) -> Table:
    size = len(states)
    off, cum, listener, speaker = _flat(rows)
    soff, scum, snew, _ = _flat(alone)
    total = np.array([row.total for row in rows])
    ceiling = total.reshape(size, size).max(axis=1)
    mode = np.where(ceiling > 0.0, 1, 0).astype(np.int64)
    if contacts is not None:
        mode[mode == 1] = 3 + contacts
    elif skips:
        mode[(ceiling > 0.0) & (ceiling < 1.0)] = 2
    scale = np.array(
        [gap_scale(p) if how == 2 else 0.0 for p, how in zip(ceiling, mode, strict=True)]
    )
    return Table(
        off, cum, listener, speaker, total,
        np.array([row.trusted for row in rows], np.uint8),
        soff, scum, snew, mode, scale, ceiling,
        np.array([name in adopting for name in states], np.uint8),
    )  # fmt: skip

"""The query language of filters on agents, such as ``interest:music``; gives sorted indices.

::

    interest:music,dance activity>0.5 community:"United States" !status:banned openness>=0.7

Terms stand beside each other and must all hold; ``!`` in front negates one; a comma offers
alternatives; an empty query takes everybody. A community goes by name, by number or as ``none``.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.lifecycle import lifecycle
from sim.agents.traits import TRAITS
from sim.arrays import Bools
from sim.core.checks import number_or_word
from sim.errors import InputError, UnknownNameError

NUMBERS: Final = ("activity", *TRAITS)
"""Fields compared with a number in [0, 1] by ``>``, ``>=``, ``<`` or ``<=``."""

_VALUE = r'(?:"[^"]*"|[^\s",]+)'
_TERM = re.compile(
    rf"(?P<negated>!?)(?P<field>\w+)"
    rf"(?:\s*(?P<sign>>=|<=|>|<)\s*(?P<number>\S+)|:(?P<values>{_VALUE}(?:,{_VALUE})*))(?=\s|$)"
)
_SIGNS: Final[dict[str, Callable[[Any, float], Any]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def select(agents: Agents, query: str) -> npt.NDArray[np.uint32]:
    """Return the agents that fit every term of a query.

    Parameters
    ----------
    agents
        The population.
    query
        Terms ``field:value`` (interest, community, status, id) and ``field>number`` (activity
        and the Big Five, in [0, 1]); see the module.

    Returns
    -------
    uint32 (k,), ascending

    Raises
    ------
    InputError
        Names the position of the term, what is wrong there, and what is allowed.

    Examples
    --------
    >>> agents = Agents.create(1000, seed=7)
    >>> bool(np.all(agents.activity[select(agents, "activity>0.9")] > 0.9))
    True
    """
    chosen = np.ones(len(agents), np.bool_)
    for term in _terms(query):
        with _placed(term):
            fits = _fits(agents, term)
        chosen &= ~fits if term["negated"] else fits
    return np.flatnonzero(chosen).astype(np.uint32)


def check_query(query: str) -> None:
    """Refuse a query that nobody can read, whatever the population.

    Interests, communities and ids are the population's own; :func:`select` looks for them there.

    Examples
    --------
    >>> check_query("activity>0.9 status:banned")
    >>> check_query("activity>9")
    Traceback (most recent call last):
    sim.errors.InputError: Position 1 of the query: 'activity' is compared with a number in [0, 1], got '9'.
    """  # noqa: E501 - one sentence
    for term in _terms(query):
        with _placed(term):
            field = _field(term)
            if field in NUMBERS:
                _bound(field, term["number"])
            elif field == "status":
                for value in _values(term):
                    lifecycle(value)


def _terms(query: str) -> Iterator[re.Match[str]]:
    """Yield the terms of a query; refuse what is none."""
    at = 0
    while query[at:].strip():
        at += len(query[at:]) - len(query[at:].lstrip())
        term = _TERM.match(query, at)
        if term is None:
            raise _cannot_read(query, at)
        yield term
        at = term.end()


@contextmanager
def _placed(term: re.Match[str]) -> Iterator[None]:
    """Let what is refused say where the term stands."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Position {term.start() + 1} of the query: {error}") from None


def _field(term: re.Match[str]) -> str:
    """Return the field of a term, asked for in its own form."""
    field = term["field"].lower()
    if field not in _KINDS and field not in NUMBERS:
        raise UnknownNameError("field", term["field"], FIELDS)
    if (term["sign"] is None) == (field in NUMBERS):
        form = f"{field}>0.5" if field in NUMBERS else f"{field}:value"
        raise InputError(f"{field!r} is asked for as {form}, got {term[0]!r}.")
    return field


def _fits(agents: Agents, term: re.Match[str]) -> Bools:
    field = _field(term)
    if field not in NUMBERS:
        return _KINDS[field](agents, _values(term))
    bound = _bound(field, term["number"])
    fits: Bools = _SIGNS[term["sign"]](number_of(agents, field), bound)
    return fits


def _values(term: re.Match[str]) -> list[str]:
    return [value.strip('"') for value in re.findall(_VALUE, term["values"])]


def _bound(field: str, number: str) -> float:
    try:
        bound = float(number)
    except ValueError:
        bound = np.nan
    if not 0.0 <= bound <= 1.0:
        raise InputError(f"{field!r} is compared with a number in [0, 1], got {number!r}.")
    return bound


def number_of(agents: Agents, field: str) -> npt.NDArray[np.float64]:
    """Return one of :data:`NUMBERS` for each agent: float64 (n,), in [0, 1]."""
    if field == "activity":
        return agents.activity.astype(np.float64)
    return np.asarray(agents.personality[:, TRAITS.index(field)] / 255.0, np.float64)


def _interest(agents: Agents, values: list[str]) -> Bools:
    fits: Bools = (agents.interests & np.uint64(agents.vocabulary.mask(values))) != 0
    return fits


def _community(agents: Agents, values: list[str]) -> Bools:
    return np.isin(agents.community, [label for one in values for label in _labels(agents, one)])


def _labels(agents: Agents, value: str) -> list[int]:
    """Return the labels that a community's name or number means."""
    names = agents.communities
    known = [name.casefold() for name in names]
    same = [label for label, name in enumerate(known) if name == value.casefold()]
    if same or value.casefold() == "none":
        return same or [-1]
    label = number_or_word(value)
    if isinstance(label, int) and label < len(names):
        return [label]
    near = difflib.get_close_matches(value.casefold(), known, n=1)
    hint = f"Did you mean {names[known.index(near[0])]!r}?" if near else "Try 'none'."
    count = f"numbers 0 to {len(names) - 1}" if names else "none was detected"
    raise InputError(f"No community {value!r} ({count}). {hint}")


def _status(agents: Agents, values: list[str]) -> Bools:
    return np.isin(agents.status, [int(lifecycle(value)) for value in values])


def _id(agents: Agents, values: list[str]) -> Bools:
    fits = np.zeros(len(agents), np.bool_)
    fits[[agents.index(value) for value in values]] = True
    return fits


_KINDS: Final[dict[str, Callable[[Agents, list[str]], Bools]]] = {
    "interest": _interest,
    "community": _community,
    "status": _status,
    "id": _id,
}
FIELDS: Final = (*_KINDS, *NUMBERS)
"""Every field that a query may name."""


def _cannot_read(query: str, at: int) -> InputError:
    return InputError(
        f"Position {at + 1} of the query: cannot read {query[at:].split()[0]!r}; "
        f"write field:value or field>number, with a field of {', '.join(FIELDS)}."
    )

"""Agents selected by the terms of a query, or by a condition; both give sorted indices.

Terms, such as ``interest:music``::

    interest:music,dance activity>0.5 community:"United States" !status:banned openness>=0.7

Terms separated by spaces must all hold; ``!`` in front negates one; a comma separates
alternatives; an empty query selects everybody. Communities go by name, number or ``none``.

Conditions (``and``, ``or``, ``not``), as used in commands and scenarios::

    activity > .5 and community == "x"
    not (status == banned or interest in [music, dance]) and openness >= 0.7

Numbers are compared with ``== != > >= < <=``; names with ``== !=`` and ``in [...]``, quoted where
they contain spaces; a flag, such as ``online``, is written alone. Adjacent comparisons
must all hold, as with ``and``; terms are accepted as well.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

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
_SIGNS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge,
    "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def select(agents: Agents, query: str) -> npt.NDArray[np.uint32]:
    """Return the agents that match every term of a query.

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
        Gives the position of the term, what is wrong there, and what is allowed.

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
    """Raise InputError for a query that is malformed for any population.

    Interests, communities and ids depend on the population; :func:`select` checks them.
    """
    for term in _terms(query):
        with _placed(term):
            field = _field(term)
            if field in NUMBERS:
                _bound(field, term["number"])
            elif field == "status":
                for value in _values(term):
                    lifecycle(value)


def _terms(query: str) -> Iterator[re.Match[str]]:
    """Yield the terms of a query; raise InputError for anything that is not a term."""
    at = 0
    while query[at:].strip():
        at += len(query[at:]) - len(query[at:].lstrip())
        term = _TERM.match(query, at)
        if term is None:
            raise InputError(
                f"Position {at + 1} of the query: cannot read {query[at:].split()[0]!r}; "
                f"write field:value or field>number, with a field of {', '.join(FIELDS)}."
            )
        yield term
        at = term.end()


@contextmanager
def _placed(term: re.Match[str]) -> Iterator[None]:
    """Add the position of the term to the message of an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Position {term.start() + 1} of the query: {error}") from None


def _field(term: re.Match[str]) -> str:
    """Return the field of a term, checking that it is used in its own form."""
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
    """Return the labels that match a community's name or number."""
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
"""All fields that a query may name."""


Numbers = Mapping[str, Callable[[], npt.NDArray[Any]]]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d*\.?\d+(?:[eE][-+]?\d+)?(?![\w.]))|(?P<text>"[^"]*"|'[^']*')"""
    r"""|(?P<word>[^\W\d][\w-]*)|(?P<sign>==|!=|>=|<=|=|>|<|\(|\)|\[|\]|,|&&|\|\||!|-))"""
)
_TERMS = re.compile(r"!?\w+:|.*\s!?\w+:")
_DEEPEST: Final = 50
_OTHERS: Final = {"&&": "and", "||": "or", "!": "not", "interests": "interest"}


def where(agents: Agents, condition: str, numbers: Numbers | None = None) -> npt.NDArray[np.uint32]:
    """Return the agents for which a condition holds.

    Parameters
    ----------
    agents
        The population.
    condition
        See the module; empty: all agents.
    numbers
        Further columns that it may name, each computed on demand.

    Returns
    -------
    uint32 (k,), ascending

    Raises
    ------
    InputError
        Gives the position, what is wrong there, and what is allowed.

    Examples
    --------
    >>> agents = Agents.create(1000, seed=7)
    >>> bool(np.all(agents.activity[where(agents, "activity > .9")] > 0.9))
    True
    """
    if not condition.strip():
        return np.arange(len(agents), dtype=np.uint32)
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", condition)
    if _TERMS.match(bare):
        return select(agents, condition)
    reader = _ConditionParser(agents, condition, numbers or {})
    return np.flatnonzero(reader.whole()).astype(np.uint32)


class _ConditionParser:
    """Parses a condition from left to right; ``or`` binds least, then ``and``, then ``not``."""

    def __init__(self, agents: Agents, text: str, numbers: Numbers) -> None:
        self._agents = agents
        self._text = text
        self._numbers = numbers
        self._at = 0
        self._depth = 0
        self._next: tuple[str, str, int] = ("end", "", 0)
        self._advance()

    def whole(self) -> Bools:
        found = self._any()
        if self._next[0] != "end":
            self._refuse("and, or, or the end")
        return found

    def _any(self) -> Bools:
        found = self._all()
        while self._took("or"):
            found = found | self._all()
        return found

    def _all(self) -> Bools:
        found = self._one()
        while self._took("and") or self._is_beside():
            found = found & self._one()
        return found

    def _is_beside(self) -> bool:
        """Return whether another comparison follows directly, as terms do."""
        kind, word, _ = self._next
        return kind == "word" and _OTHERS.get(word, word.lower()) != "or"

    def _one(self) -> Bools:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InputError(f"The condition lies more than {_DEEPEST} levels deep.")
        if self._took("not"):
            found = ~self._one()
        elif self._took("("):
            found = self._any()
            if not self._took(")"):
                self._refuse("a closing parenthesis")
        else:
            found = self._compared()
        self._depth -= 1
        return found

    def _compared(self) -> Bools:
        kind, word, at = self._next
        if kind != "word":
            self._refuse("a field")
        field = _OTHERS.get(word.lower(), word.lower())
        known = (*FIELDS, *self._numbers)
        if field not in known:
            error = UnknownNameError("field", word, known)
            raise InputError(f"Position {at + 1} of the condition: {error}")
        self._advance()
        return self._named(field) if field in _KINDS else self._measured(field)

    def _measured(self, field: str) -> Bools:
        _, sign, _ = self._next
        if sign not in _SIGNS:
            holds = self._column(field)
            if holds.dtype == np.bool_:
                return holds
            self._refuse(f"one of {' '.join(_SIGNS)}")
        self._advance()
        sense = -1.0 if self._took("-") else 1.0
        kind, number, _ = self._next
        if kind != "number":
            self._refuse("a number")
        self._advance()
        fits: Bools = _SIGNS[sign](self._column(field), sense * float(number))
        return fits

    def _column(self, field: str) -> npt.NDArray[Any]:
        return self._numbers[field]() if field in self._numbers else number_of(self._agents, field)

    def _named(self, field: str) -> Bools:
        at = self._next[2]
        negated = self._took("!=") or self._took("not")
        if self._took("in"):
            values = self._list()
        elif negated or self._took("==") or self._took("="):
            values = [self._value()]
        else:
            self._refuse("== or != or in")
        try:
            fits = _KINDS[field](self._agents, values)
        except InputError as error:
            raise InputError(f"Position {at + 1} of the condition: {error}") from None
        return ~fits if negated else fits

    def _list(self) -> list[str]:
        closing = {"[": "]", "(": ")"}.get(self._next[1])
        if closing is None:
            self._refuse("a list such as [music, dance]")
        self._advance()
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        if not self._took(closing):
            self._refuse(f"a comma or {closing}")
        return values

    def _value(self) -> str:
        kind, value, _ = self._next
        if kind not in {"text", "word", "number"}:
            self._refuse("a name")
        self._advance()
        return value

    def _took(self, sign: str) -> bool:
        kind, found, _ = self._next
        if kind == "text" or _OTHERS.get(found, found.lower()) != sign:
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        rest = self._text[self._at :]
        at = self._at + len(rest) - len(rest.lstrip())
        if match is None:
            self._next = ("end" if not rest.strip() else "unknown", rest.strip()[:20], at)
            return
        kind = str(match.lastgroup)
        text = match[kind]
        self._next = (kind, text[1:-1] if kind == "text" else text, at)
        self._at = match.end()

    def _refuse(self, wanted: str) -> NoReturn:
        kind, found, at = self._next
        got = "nothing" if kind == "end" else repr(found)
        raise InputError(
            f"Position {at + 1} of the condition: {wanted} must stand here, not {got}."
        )

"""Members selected by a query: one grammar for the screen, the command line and Python.

::

    adopted:5-9 !name:dak community:"United States",Chile activity>0.5
    not (status == banned or interest in [music, dance]) and openness >= 0.7

Tests beside each other must all hold, as with ``and``; ``or``, ``not`` (``!``) and parentheses
are as usual. :data:`GRAMMAR` lists the tests; a field also takes ``== !=`` and ``in [...]``, and a
number ``== != > >= < <=``. Values that contain spaces are quoted; an empty query selects everybody.
Communities go by name, number or ``none``.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.languages import language
from sim.agents.lifecycle import lifecycle
from sim.agents.profiles import TRAITS
from sim.arrays import Bools
from sim.core.checks import number_or_word
from sim.errors import InputError, UnknownNameError

GRAMMAR: Final = (
    ("adopted", "adopted the message"),
    ("adopted:5-9", "adopted it at ticks 5 to 9; 5: at tick 5, 5-: from then on"),
    ("name:dak", "name contains dak"),
    ("community:A,B", "member of community A or B"),
    ("status:banned", "account status"),
    ("language:es", "writes in Spanish; also language:Spanish"),
    ("interest:music", "interested in music"),
    ("state:0:infected", "in this state of message 0"),
    ("id:12", "member with this id"),
    ("activity>0.5", "also activity:0.2-0.5; so all numbers: followers, follows, reputation, ..."),
    ("online", "online in the last tick"),
    ("!name:dak", "not"),
    ("a b", "both; a or b: any; ( ) groups"),
)
"""Rows of (example, meaning) that explain queries, for help."""

NUMBERS: Final = ("activity", *TRAITS)
"""Numbers in [0, 1] that every population has."""

_SIGNS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge,
    "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def select(agents: Agents, query: str) -> npt.NDArray[np.uint32]:
    """Return the agents that match a query about the population alone.

    Parameters
    ----------
    agents
        The population.
    query
        See the module; :meth:`sim.World.agents_where` knows more fields, such as ``adopted``.

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
    >>> bool(np.all(agents.activity[select(agents, "activity>0.9")] > 0.9))
    True
    """
    return where(agents, query)


def check_query(query: str) -> None:
    """Raise InputError for a query that is malformed, whatever the population."""
    if query.strip():
        _Parser(None, query, {}, {}).whole()


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


def labels_named(agents: Agents, name: str) -> list[int]:
    """Return the labels of the communities of a name, coined or stored."""
    wanted, both = name.casefold(), (agents.communities, agents.stored_communities)
    return [
        label
        for label, names in enumerate(zip(*both, strict=True))
        if wanted in map(str.casefold, names)
    ]


def _labels(agents: Agents, value: str) -> list[int]:
    names, same = agents.communities, labels_named(agents, value)
    known = [name.casefold() for name in names]
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


def _language(agents: Agents, values: list[str]) -> Bools:
    return np.isin(agents.language, [language(value) for value in values])


def _name(agents: Agents, values: list[str]) -> Bools:
    return agents.naming().containing(values)


def _id(agents: Agents, values: list[str]) -> Bools:
    fits = np.zeros(len(agents), np.bool_)
    fits[[agents.index(value) for value in values]] = True
    return fits


_KINDS: Final[dict[str, Callable[[Agents, list[str]], Bools]]] = {
    "interest": _interest,
    "community": _community,
    "status": _status,
    "language": _language,
    "id": _id,
    "name": _name,
}
FIELDS: Final = (*_KINDS, *NUMBERS)
"""All fields that a query may name."""


Numbers = Mapping[str, Callable[[], npt.NDArray[Any]]]
Kinds = Mapping[str, Callable[[list[str]], Bools]]

_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"',()]+)"""
_TOKEN = re.compile(
    rf"""\s*(?:(?P<term>\w+:{_VALUE}(?:,{_VALUE})*)"""
    r"""|(?P<number>\d*\.?\d+(?:[eE][-+]?\d+)?(?![\w.]))|(?P<text>"[^"]*"|'[^']*')"""
    r"""|(?P<word>[^\W\d][\w-]*)|(?P<sign>==|!=|>=|<=|=|>|<|\(|\)|\[|\]|,|&&|\|\||!|-))"""
)
_RANGE = re.compile(r"(-?\d*\.?\d+)(?:(-)(\d*\.?\d+)?)?")
_SWITCH = {"yes": True, "no": False}
_DEEPEST: Final = 50
_OTHERS: Final = {
    "&&": "and", "||": "or", "!": "not", "interests": "interest", "following": "follows",
}  # fmt: skip


def where(
    agents: Agents, query: str, numbers: Numbers | None = None, kinds: Kinds | None = None
) -> npt.NDArray[np.uint32]:
    """Return the agents that match a query.

    Parameters
    ----------
    agents
        The population.
    query
        See the module.
    numbers
        Further columns that it may name, each computed on demand; NaN: unknown, never selected.
    kinds
        Further fields that take values.

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
    if not query.strip():
        return np.arange(len(agents), dtype=np.uint32)
    found = _Parser(agents, query, numbers or {}, kinds or {}).whole()
    return np.flatnonzero(found).astype(np.uint32)


class _PlacedError(InputError):
    """An error that gives its position already."""


class _Parser:
    """Parses a query from left to right; ``or`` binds least, then ``and``, then ``not``.

    Without agents it only checks.
    """

    def __init__(self, agents: Agents | None, text: str, numbers: Numbers, kinds: Kinds) -> None:
        self._agents = agents
        self._text = text
        self._numbers = numbers
        self._kinds = kinds
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
        return kind == "term" or word in {"!", "("} or (kind == "word" and word.lower() != "or")

    def _one(self) -> Bools:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InputError(f"The query lies more than {_DEEPEST} levels deep.")
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
        if kind not in {"word", "term"}:
            self._refuse(f"a field ({', '.join((*FIELDS, *self._kinds, *self._numbers))})")
        word, _, given = word.partition(":")
        field = _OTHERS.get(word.lower(), word.lower())
        is_named = field in _KINDS or field in self._kinds
        if not is_named and field not in NUMBERS and field not in self._numbers:
            known = (*FIELDS, *self._kinds, *self._numbers)
            raise self._placed(at, UnknownNameError("field", word, known))
        self._advance()
        values = [value.strip("\"'") for value in re.findall(_VALUE, given)]
        try:
            if is_named:
                return self._named(field, values)
            return self._within(field, values) if values else self._measured(field)
        except _PlacedError:
            raise
        except InputError as error:
            raise self._placed(at, error) from None

    def _measured(self, field: str) -> Bools:
        _, sign, _ = self._next
        if sign not in _SIGNS:
            holds = self._column(field)
            if holds.dtype == np.bool_:
                return holds
            if field == "adopted":
                fits: Bools = ~np.isnan(holds)
                return fits
            self._refuse(f"one of {' '.join(_SIGNS)}")
        self._advance()
        sense = -1.0 if self._took("-") else 1.0
        kind, number, _ = self._next
        if kind != "number":
            self._refuse("a number")
        self._advance()
        column = self._column(field)
        fits = _SIGNS[sign](column, sense * float(number))
        if sign == "!=":
            fits &= ~np.isnan(column)
        return fits

    def _within(self, field: str, values: list[str]) -> Bools:
        """Return who lies in one of several ranges, such as 5-9, or has one of several values."""
        column = self._column(field)
        fits = np.zeros(column.shape, np.bool_)
        for value in values:
            parts = _RANGE.fullmatch(value)
            if (wanted := _SWITCH.get(value.lower())) is not None:
                fits |= (column == 1 if column.dtype == np.bool_ else ~np.isnan(column)) == wanted
            elif parts is None:
                raise InputError(
                    f"{field!r} takes numbers and ranges, such as {field}:5 or {field}:5-9, "
                    f"got {value!r}."
                )
            else:
                low, dash, high = parts.groups()
                least, most = float(low), float(high or ("inf" if dash else low))
                fits |= (column >= least) & (column <= most)
        return fits

    def _column(self, field: str) -> npt.NDArray[Any]:
        if self._agents is None:
            return np.zeros(1)
        return self._numbers[field]() if field in self._numbers else number_of(self._agents, field)

    def _named(self, field: str, values: list[str]) -> Bools:
        negated = False
        if not values:
            negated = self._took("!=") or self._took("not")
            if self._took("in"):
                values = self._list()
            elif negated or self._took("==") or self._took("="):
                values = [self._value()]
            else:
                self._refuse(f"{field}:VALUE, or ==, != or in [...],")
        if self._agents is None:
            for value in values if field == "status" else ():
                lifecycle(value)
            return np.ones(1, np.bool_)
        kinds = self._kinds
        fits = kinds[field](values) if field in kinds else _KINDS[field](self._agents, values)
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
        raise self._placed(at, f"{wanted} must stand here, not {got}.")

    def _placed(self, at: int, said: object) -> _PlacedError:
        return _PlacedError(f"Position {at + 1} of the query: {said}")

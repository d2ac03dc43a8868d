"""Boolean conditions on agents (``and``, ``or``, ``not``), as commands and scenarios write them.

::

    activity > .5 and community == "x"
    not (status == banned or interest in [music, dance]) and openness >= 0.7

Numbers are compared with ``== != > >= < <=``; names with ``== !=`` and ``in [...]``, quoted where
they have blanks; what holds or does not, such as ``online``, stands alone. Comparisons beside each
other must all hold, as with ``and``; the terms of :mod:`sim.agents.select`
(``interest:music activity>0.5``) are understood as well.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.agents.select import select
from sim.agents.traits import TRAITS
from sim.arrays import Bools
from sim.errors import InputError, UnknownNameError

Numbers = Mapping[str, Callable[[], npt.NDArray[Any]]]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d*\.?\d+(?:[eE][-+]?\d+)?(?![\w.]))|(?P<text>"[^"]*"|'[^']*')"""
    r"""|(?P<word>[^\W\d][\w-]*)|(?P<sign>==|!=|>=|<=|=|>|<|\(|\)|\[|\]|,|&&|\|\||!|-))"""
)
_TERMS = re.compile(r"!?\w+:|.*\s!?\w+:")
_SIGNS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge,
    "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_NAMED: Final = ("interest", "community", "status", "id")
_DEEPEST: Final = 50
_OTHERS: Final = {"&&": "and", "||": "or", "!": "not", "interests": "interest"}


def where(agents: Agents, condition: str, numbers: Numbers | None = None) -> npt.NDArray[np.uint32]:
    """Return the agents for which a condition holds.

    Parameters
    ----------
    agents
        The population.
    condition
        See the module; empty: everybody.
    numbers
        Further columns that it may name, each made when it is asked for.

    Returns
    -------
    uint32 (k,), ascending

    Raises
    ------
    InputError
        Names the position, what is wrong there, and what is allowed.

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
    """Reads a condition from left to right; ``or`` binds least, then ``and``, then ``not``."""

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
        """Whether another comparison stands beside the last one, as terms do."""
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
        known = (*_NAMED, "activity", *TRAITS, *self._numbers)
        if field not in known:
            error = UnknownNameError("field", word, known)
            raise InputError(f"Position {at + 1} of the condition: {error}")
        self._advance()
        return self._named(field) if field in _NAMED else self._measured(field)

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
        if field in self._numbers:
            return self._numbers[field]()
        if field == "activity":
            return self._agents.activity.astype(np.float64)
        return self._agents.personality[:, TRAITS.index(field)] / 255.0

    def _named(self, field: str) -> Bools:
        at = self._next[2]
        negated = self._took("!=") or self._took("not")
        if self._took("in"):
            values = self._list()
        elif negated or self._took("==") or self._took("="):
            values = [self._value()]
        else:
            self._refuse("== or != or in")
        joined = ",".join(f'"{value}"' for value in values)
        fits = np.zeros(len(self._agents), np.bool_)
        try:
            fits[select(self._agents, f"{field}:{joined}")] = True
        except InputError as error:
            said = str(error).partition(": ")[2]
            raise InputError(f"Position {at + 1} of the condition: {said}") from None
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

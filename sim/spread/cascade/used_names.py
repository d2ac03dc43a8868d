"""Static scan of a model's code: which names it uses, so that only these columns are kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType

__all__ = ["names_any"]

_DEPTH = 4


@lru_cache(maxsize=512)
def names_any(cls: type, wanted: frozenset[str], base: type) -> bool:
    """Return whether the code of a class, below ``base``, or of functions that it calls names any.

    Names that are put together while it runs are not seen.
    """
    owners = [owner for owner in cls.__mro__ if issubclass(owner, base) and owner is not base]
    own = [part for owner in owners for part in vars(owner).values()]
    return any(not wanted.isdisjoint(_names(each, _DEPTH)) for each in _functions(own))


def _functions(parts: list[object]) -> Iterator[FunctionType]:
    for part in parts:
        inner = getattr(part, "fget", None) or getattr(part, "__func__", part)
        inner = getattr(inner, "func", inner)  # a cached property
        inner = getattr(inner, "__wrapped__", inner)
        if isinstance(inner, FunctionType):
            yield inner


def _names(function: FunctionType, depth: int) -> set[str]:
    found = _in_code(function.__code__)
    for name in list(found) if depth else ():
        other = function.__globals__.get(name)
        if isinstance(other, FunctionType):
            found |= _names(other, depth - 1)
    return found


def _in_code(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _in_code(constant)
        elif isinstance(constant, str):
            names.add(constant)
    return names

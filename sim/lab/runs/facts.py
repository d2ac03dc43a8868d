"""What tells one study from another: programs, functions and plugins as plain values, for JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from sim.core.text import one_line
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.scenario.driver import Program

__all__ = ["code_of", "facts_of", "plain", "plugins_named"]

_OURS = ("sim.", "builtins", "numpy")


def facts_of(program: Program) -> object:
    """Return what a program does: what it says itself, and the code of a class of one's own.

    Raises
    ------
    InputError
        For what JSON does not have, such as an object that holds itself.
    """
    own: Callable[[], object] | None = getattr(program, "facts", None)
    try:
        said = plain(program if own is None else own())
        return said if _is_ours(type(program)) else [said, code_of(type(program))]
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"The program {one_line(program.name)!r} holds what no file can tell from another's "
            f"({one_line(str(error))}); let it say what it does by facts(), plain values."
        ) from None


def plain(value: Any) -> Any:
    """Return a value as JSON has it; a large array by its digest."""
    return json.loads(json.dumps(value, default=_told, sort_keys=True))


def _told(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.size <= 1000:
        return value.tolist()
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return f"{data.dtype.str} {data.shape} {xxhash.xxh3_128_hexdigest(data.tobytes())}"
    if isinstance(value, tuple | set | frozenset | range):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    if isinstance(value, str | Path):
        return str(value)
    if callable(value) and not is_dataclass(value):
        return code_of(value)
    kind = type(value)
    name: Any = kind.__qualname__ if _is_ours(kind) else code_of(kind)
    return [name, _fields(value)]


def _fields(value: Any) -> object:
    """Return what an object holds; from which line of a file it was read is no part of it."""
    held = (
        {each.name: getattr(value, each.name) for each in fields(value)}
        if is_dataclass(value) and not isinstance(value, type)
        else getattr(value, "__dict__", None)
    )
    if held is None:
        return str(value)
    return {name: part for name, part in held.items() if name != "place"}


def code_of(take: Any) -> str:
    """Return what tells one function or class from another, in whatever process it is asked.

    That is its name, and a digest of what it is compiled to, with the values that it has by default
    or from around it.

    Examples
    --------
    >>> code_of(lambda world: world.tick) == code_of(lambda world: world.tick)
    True
    >>> code_of(lambda world: world.tick) == code_of(lambda world: world.seed)
    False
    """
    name = getattr(take, "__qualname__", type(take).__qualname__)
    said = json.dumps(_Told().of(take), default=_told, sort_keys=True)
    return f"{name} {xxhash.xxh3_128_hexdigest(said.encode())}"


class _Told:
    """What callables and constants are, each told once; no address of this process."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def of(self, take: Any) -> object:
        """Return it as values that JSON has."""
        if take is None or isinstance(take, bool | int | float | str):
            return take
        if isinstance(take, np.generic | np.ndarray):
            return _told(take)
        if isinstance(take, set | frozenset):
            return sorted(repr(each) for each in take)
        if id(take) in self._seen:
            return "told before"
        self._seen.add(id(take))
        if isinstance(take, dict):
            return {str(name): self.of(each) for name, each in take.items()}
        if isinstance(take, tuple | list):
            return [self.of(each) for each in take]
        return self._of_code(take)

    def _of_code(self, take: Any) -> object:
        if isinstance(take, CodeType):
            names = [*take.co_names, *take.co_freevars]
            return [take.co_code.hex(), names, *map(self.of, take.co_consts)]
        if isinstance(take, FunctionType):
            cells = [_content(cell) for cell in take.__closure__ or ()]
            return [
                *map(self.of, (take.__code__, take.__defaults__, take.__kwdefaults__)),
                *map(self.of, cells),
            ]
        if isinstance(take, functools.partial):
            return [*map(self.of, (take.func, take.args, take.keywords))]
        if isinstance(take, MethodType):
            return [*map(self.of, (take.__func__, take.__self__))]
        if isinstance(take, type):
            return (
                f"{take.__module__}.{take.__qualname__}" if _is_ours(take) else self._of_class(take)
            )
        if isinstance(take, bytes | complex) or take is Ellipsis:
            return repr(take)
        held = self.of(_fields(take)) if is_dataclass(take) or not _is_ours(type(take)) else None
        return [self.of(type(take)), held]

    def _of_class(self, cls: type) -> object:
        own = {
            name: self.of(getattr(part, "__func__", part))
            for name, part in vars(cls).items()
            if isinstance(part, FunctionType | staticmethod | classmethod)
            or not (name.startswith("_") or callable(part) or hasattr(part, "__get__"))
        }
        return [cls.__qualname__, own, *map(self.of, cls.__bases__)]


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith(_OURS)


def plugins_named(texts: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each foreign plugin that JSON texts name, by its registered name."""
    from sim.core.registry import foreign

    held = list(texts)
    return {
        item.name: item.sha256
        for item in sorted(foreign(), key=lambda one: (one.kind, one.name))
        if any(json.dumps(item.name) in text for text in held)
    }

"""Compilation of opinion models' Python methods to functions that numba kernels call.

What the method reads of ``self`` are numbers: parameters, and properties that are numbers. They are
handed over as 64-bit words beside the call, so that a model is compiled once, whatever its
parameters. A method that cannot be compiled is called as it stands, some hundred times slower.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.core import types

from sim.arrays import F64
from sim.core.params import Parameters
from sim.errors import PluginError

Function = Callable[..., Any]

_REAL = types.float64
_ROW = types.float64[::1]
_PAIR = _REAL(_REAL, _REAL, _REAL, _REAL, _ROW, _ROW, _ROW)
_GROUP = _REAL(_REAL, _ROW, _REAL, _ROW)
_made: dict[Any, Function | None] = {}


@dataclass(frozen=True, slots=True)
class Formula:
    """What kernels take of a model.

    Attributes
    ----------
    call
        The function, compiled or not.
    words
        float64: the parameters that it reads, as 64-bit words.
    is_compiled
        Whether kernels may run compiled.
    """

    call: Function
    words: F64
    is_compiled: bool

    def run(self, kernel: Function, *arguments: Any) -> Any:
        """Run a kernel that takes a formula and its parameters first."""
        if not self.is_compiled:
            kernel = getattr(kernel, "py_func", kernel)
        return kernel(self.call, self.words, *arguments)


def formula_of(model: Parameters, name: str = "meet") -> Formula:
    """Return ``meet(self, listener, speaker[, coin[, trust[, mine[, theirs]]]])`` of a model."""
    return _formula(model, name, _PAIR, _pair, (2, 6), _plain_pair)


def rule_of(model: Parameters, name: str = "decide") -> Formula:
    """Return ``decide(self, own, heard[, coin])`` of a model; errors as in :func:`formula_of`."""
    return _formula(model, name, _GROUP, _group, (2, 3), _plain_group)


def _formula(
    model: Parameters,
    name: str,
    signature: Any,
    wrap: Function,
    allowed: tuple[int, int],
    plain: Function,
) -> Formula:
    cls = type(model)
    method = getattr(cls, name)
    count = len(inspect.signature(method).parameters) - 1
    if not allowed[0] <= count <= allowed[1]:
        raise PluginError(
            cls.plugin_name or cls.__name__,
            f"{name}() takes {allowed[0]} to {allowed[1]} arguments beside self, it has {count}",
        )
    record = _record(model, method)
    key = (method, tuple(record.dtype.descr))
    if key not in _made:
        _made[key] = _compiled(method, record.dtype, count, signature, wrap)
    made = _made[key]
    if made is None:
        return Formula(plain(getattr(model, name), count), np.empty(0), is_compiled=False)
    return Formula(made, record.view(np.float64), is_compiled=True)


def _record(model: Parameters, method: Function) -> npt.NDArray[Any]:
    """Return what a method reads of its model as one record of 64-bit fields."""
    read = {n: getattr(model, n, None) for n in method.__code__.co_names}
    held = {n: v for n, v in read.items() if isinstance(v, bool | int | float)}
    fields = [(n, np.float64 if isinstance(v, float) else np.int64) for n, v in held.items()]
    record = np.zeros(1, [*fields, ("_", np.int64)])
    for name, value in held.items():
        record[name] = value
    return record


def _compiled(
    method: Function, layout: np.dtype[Any], count: int, signature: Any, wrap: Function
) -> Function | None:
    """Return the method as a compiled function of a signature, or None."""
    if not hasattr(numba.njit(method), "py_func"):  # NUMBA_DISABLE_JIT: kernels are plain too
        return None
    inner = numba.njit(error_model="numpy")(method)
    try:
        made: Function = numba.cfunc(signature, error_model="numpy")(wrap(inner, layout, count))
    except Exception:  # NumbaError, and whatever its inference stumbles over: the plain way serves
        return None
    return made


def _pair(meet: Function, layout: np.dtype[Any], count: int) -> Function:
    """Return a function of the signature that every pair formula has."""

    def two(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said)

    def three(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin)

    def four(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin, trust)

    def five(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin, trust, mine)

    def six(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin, trust, mine, theirs)

    return (two, three, four, five, six)[count - 2]


def _group(decide: Function, layout: np.dtype[Any], count: int) -> Function:
    def two(own, heard, coin, p):  # type: ignore[no-untyped-def]
        return decide(p.view(layout)[0], own, heard)

    def three(own, heard, coin, p):  # type: ignore[no-untyped-def]
        return decide(p.view(layout)[0], own, heard, coin)

    return (two, three)[count - 2]


def _plain_pair(meet: Function, count: int) -> Function:
    def formula(*given: Any) -> float:
        return float(meet(*given[:count]))

    return formula


def _plain_group(decide: Function, count: int) -> Function:
    def rule(*given: Any) -> float:
        return float(decide(*given[:count]))

    return rule

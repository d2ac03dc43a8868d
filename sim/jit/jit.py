"""How kernels are compiled: cached on disk, and without the interpreter lock while they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["inlined", "kernel", "lean"]

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a function of arrays and scalars at first use.

    Parameters
    ----------
    function
        A free function in numba's subset of Python.

    Returns
    -------
    The same function, compiled (``nogil``, cached). With ``NUMBA_DISABLE_JIT=1`` the plain one.
    """
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def lean(function: F) -> F:
    """As :func:`kernel`, for functions that make no array: references to arrays are not counted.

    A call that the compiler does not copy into its caller counts a reference up and down for every
    array it is given: some ten nanoseconds each, more than a short part needs for its work.
    """
    compiled: Any = numba.njit
    return cast("F", compiled(cache=True, nogil=True, _nrt=False)(function))


def inlined(function: F) -> F:
    """As :func:`lean`, for a short part: every caller gets a copy of it.

    Every array that a call hands over is seven words on the stack, more than a short part reads.
    """
    compiled: Any = numba.njit
    return cast("F", compiled(cache=True, nogil=True, _nrt=False, forceinline=True)(function))

"""How kernels are compiled: cached on disk, and without the interpreter lock while they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["kernel"]

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

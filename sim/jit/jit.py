"""The compiler of kernels: cached on disk, and without the interpreter lock while they run.

Numba keeps what it compiled beside a function's file and looks at that file alone, though a kernel
holds copies of those that it calls and types of other files. So what is kept goes by the text of
all kernels: after an update nothing stale is run, and no index is read that names what is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from hashlib import blake2b
from pathlib import Path
from threading import local
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

_TOLD: Any = numba.config
_running = local()
"""Whether this thread is inside a kernel that is not compiled."""


@lru_cache(maxsize=1)
def _text_of_all() -> str:
    """Return a digest of the files of all kernels, in hexadecimal."""
    room = Path(__file__).resolve().parents[1]
    digest = blake2b(digest_size=8)
    for path in sorted([*room.glob("jit/*.py"), *room.rglob("*_kernels.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept(compiled: Any) -> Any:
    """Return a compiled function whose cache is read only under the same text of all kernels.

    Where nothing is compiled it behaves to its caller as a compiled one does.
    """
    if _TOLD.DISABLE_JIT:
        return _wrapping(compiled)
    cache = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if cache is not None:  # its version is compared before anything else of it is read
        cache._version = f"{cache._version} {_text_of_all()}"  # noqa: SLF001 - there is no door
    return compiled


def _wrapping(function: Any) -> Any:
    """Let words wrap, of which numpy would warn, and hand Python its own numbers."""

    @wraps(function)
    def plain(*args: Any, **keywords: Any) -> Any:
        if getattr(_running, "kernel", False):  # kernels hand each other numbers of numpy
            return function(*args, **keywords)
        _running.kernel = True
        try:
            with np.errstate(over="ignore"):
                return _boxed(function(*args, **keywords))
        finally:
            _running.kernel = False

    return plain


def _boxed(found: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(map(_boxed, found))
    return found.item() if isinstance(found, np.generic) else found


def kernel(function: F) -> F:
    """Compile a function of arrays and scalars at first use.

    Parameters
    ----------
    function
        A free function in numba's subset of Python.

    Returns
    -------
    The same function, compiled (``nogil``, cached). With ``NUMBA_DISABLE_JIT=1`` the plain one,
    whose words wrap as silently.
    """
    return cast("F", _kept(numba.njit(cache=True, nogil=True)(function)))


def lean(function: F) -> F:
    """As :func:`kernel`, for functions that make no array: references to arrays are not counted.

    A call that the compiler does not copy into its caller counts a reference up and down for every
    array it is given: some ten nanoseconds each, more than a short part needs for its work.
    """
    compiled: Any = numba.njit
    return cast("F", _kept(compiled(cache=True, nogil=True, _nrt=False)(function)))


def inlined(function: F) -> F:
    """As :func:`lean`, for a short part: every caller gets a copy of it.

    Every array that a call hands over is seven words on the stack, more than a short part reads.
    """
    compiled: Any = numba.njit
    made = compiled(cache=True, nogil=True, _nrt=False, forceinline=True)(function)
    return cast("F", _kept(made))

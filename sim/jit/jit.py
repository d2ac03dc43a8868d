"""The compiler of kernels: cached on disk, and releasing the GIL while they run.

Numba caches compiled code by a function's own file and checks that file only, although a kernel
contains copies of the kernels that it calls and types from other files. So the cache is keyed by
the text of all kernels: after an update no stale code runs, and no outdated index is read.

Importing numba takes longer than importing everything else of the simulator. So a kernel asks for
it when it is first called, and what calls no kernel never imports it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import cached_property, lru_cache, partial, update_wrapper, wraps
from hashlib import blake2b
from pathlib import Path
from threading import local
from typing import Any, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

COMPILES = os.environ.get("NUMBA_DISABLE_JIT", "0") in {"", "0"}
_running = local()
"""Whether this thread is inside an uncompiled kernel."""


@lru_cache(maxsize=1)
def _text_of_all() -> str:
    """Return a digest of all kernel files, in hexadecimal."""
    room = Path(__file__).resolve().parents[1]
    digest = blake2b(digest_size=8)
    for path in sorted([*room.glob("jit/*.py"), *room.rglob("*_kernels.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Kernel:
    """A function that numba compiles when it is first called, here or by another kernel."""

    def __init__(self, function: Callable[..., Any], options: dict[str, bool]) -> None:
        update_wrapper(self, function)
        self.py_func = function
        self._options = options

    def __call__(self, *given: Any) -> Any:
        """Call the compiled function, compiled now if this is the first call."""
        return self.compiled(*given)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.compiled, name)

    @cached_property
    def compiled(self) -> Any:
        """Return numba's dispatcher; its cache is valid only for the same text of all kernels."""
        import numba

        njit: Any = numba.njit
        # Wrappers take a seventh of all compiling; a private function is called by kernels alone.
        wish = self._options | {"no_cpython_wrapper": self.py_func.__name__.startswith("_")}
        compiled = njit(cache=True, nogil=True, no_cfunc_wrapper=True, **wish)(self.py_func)
        cache = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
        if cache is not None:  # the version is compared before anything else in it is read
            cache._version = f"{cache._version} {_text_of_all()}"  # noqa: SLF001 - there is no door
        compiled.compile = _uncollected(compiled.compile)
        compiled.get_call_template = partial(
            _widened, numba.types.unliteral, compiled.get_call_template
        )
        return compiled

    @property
    def _numba_type_(self) -> Any:
        """Return what numba takes this for, as a constant or an argument of another kernel."""
        return self.compiled._numba_type_


def _uncollected(work: Callable[..., Any]) -> Callable[..., Any]:
    """Pause the garbage collector during a call: it takes a tenth of all compiling."""

    @wraps(work)
    def paused(*given: Any) -> Any:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return work(*given)
        finally:
            if was_on:
                gc.enable()

    return paused


def _widened(
    widen: Callable[[Any], Any], template_for: Callable[..., Any], given: Any, named: Any
) -> Any:
    """Take constants for their types: numba would compile a kernel anew for each constant."""
    return template_for(tuple(map(widen, given)), named)


def _made(function: F, **options: bool) -> F:
    return cast("F", Kernel(function, options) if COMPILES else _wrapping(function))


def _wrapping(function: Any) -> Any:
    """Silence numpy's overflow warnings for words, and return Python numbers to Python callers."""

    @wraps(function)
    def plain(*args: Any, **keywords: Any) -> Any:
        if getattr(_running, "kernel", False):  # kernels pass each other numpy numbers
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
    """Compile a function of arrays and scalars on first use.

    Parameters
    ----------
    function
        A free function in numba's subset of Python.

    Returns
    -------
    The same function, compiled (``nogil``, cached). With ``NUMBA_DISABLE_JIT=1`` the plain one,
    in which words also wrap silently.
    """
    return _made(function)


def lean(function: F) -> F:
    """As :func:`kernel`, for functions that create no array: array references are not counted.

    A call that the compiler does not inline counts a reference up and down for every array it is
    given: about ten nanoseconds each, more than a short function needs for its work.
    """
    return _made(function, _nrt=False)


def inlined(function: F) -> F:
    """As :func:`lean`, for a short function that is inlined into every caller.

    Every array passed in a call is seven words on the stack, more than a short function reads.
    """
    return _made(function, _nrt=False, forceinline=True)

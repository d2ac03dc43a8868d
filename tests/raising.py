"""A call that must fail, in one line."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec

import pytest

P = ParamSpec("P")


def raises(
    error: type[BaseException] | tuple[type[BaseException], ...],
    match: str,
    call: Callable[P, object],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Let the call alone raise this error: its arguments are made before."""
    __tracebackhide__ = True
    with pytest.raises(error, match=match or None):
        call(*args, **kwargs)


async def raises_awaited(error: type[BaseException], match: str, call: Awaitable[object]) -> None:
    """Check that an awaitable ends with an error whose text matches."""
    with pytest.raises(error, match=match or None):
        await call

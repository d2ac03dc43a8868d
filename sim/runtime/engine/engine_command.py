""":class:`EngineCommand`: one queued call to the engine's thread, with its future and outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sim.errors import Cancelled, HubbubError


class EngineError(HubbubError):
    """The engine does not tick any more; the world can still be saved."""


class ReplacedError(EngineError):
    """Another engine took over before this one answered; ask that one."""


Settle = Callable[[Any, Exception | None], None]


@dataclass(slots=True, eq=False)
class EngineCommand:
    """Something to be done between ticks."""

    order: int
    act: Callable[[], Any]
    settle: Settle
    is_long: bool = False
    is_safe: bool = False
    is_felt: bool = False
    _first: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> bool:
        """Take it up; False when it was taken back before. Asked once, by the engine."""
        return self._first.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Take it back, in any thread; False when it has begun: then it is carried out."""
        return not self.is_felt and self._first.acquire(blocking=False)


def nothing() -> None:
    """Do nothing."""


def nobody(_told: object) -> None:
    """Tell nobody."""


def closed() -> Cancelled:
    """Return the error of whoever waits for a simulation that was closed."""
    return Cancelled("The simulation was closed before this was done.")


def outcome(act: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Return (result, error) of a call; what no future can carry is wrapped."""
    try:
        return act(), None
    except StopIteration as error:
        return None, HubbubError(f"StopIteration: {error}")
    except Exception as error:
        return None, error
    except BaseException as error:  # a plugin's sys.exit must not end the program
        return None, HubbubError(f"{type(error).__name__}: {error}")

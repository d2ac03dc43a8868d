""":class:`EngineClient`: what a simulation needs of an engine, in a thread here or in a process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from sim.core.progress import Report
from sim.runtime.engine.outbox import Frames
from sim.runtime.engine.program import Program
from sim.runtime.engine.stall import StallOutcome
from sim.runtime.engine.thread_client import ThreadEngine
from sim.runtime.frames.sessions import Session
from sim.runtime.health.checks import Health
from sim.runtime.jobs import Job
from sim.runtime.performance import Performance
from sim.world.log import LoggedAct
from sim.world.world import World

if TYPE_CHECKING:
    from sim.store import SaveReport


T = TypeVar("T")
P = ParamSpec("P")


class EngineClient(Protocol):
    """One engine, seen from one event loop; it is open, and all of it is used in the loop's thread.

    There are two: :class:`~sim.runtime.engine.thread_client.ThreadEngine`, and
    :class:`~sim.runtime.process.client.ProcessEngine`, at whose other end is one of the first.
    Most of what is asked is a request of :mod:`sim.runtime.engine.requests`.

    Attributes
    ----------
    frames
        The frames and who watches them.
    last
        How the last engine ended that another one took over from; None: none did.
    """

    frames: Frames
    last: StallOutcome | None

    async def close(self) -> None:
        """Stop after the running tick; whoever waits is told."""

    # Requests

    async def ask(
        self,
        request: Callable[Concatenate[ThreadEngine, P], Awaitable[T]],
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> T:
        """Return what a request comes to; an awaiter that is cancelled takes it back."""

    async def follow(
        self,
        request: Callable[Concatenate[ThreadEngine, Report, P], Awaitable[T]],
        report: Report,
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> T:
        """As :meth:`ask`, a request that tells how far it is; what ``report`` raises ends it."""

    def job(
        self,
        request: Callable[Concatenate[ThreadEngine, Report, P], Awaitable[T]],
        /,
        *args: P.args,
        **keywords: P.kwargs,
    ) -> Job[T]:
        """Return such a request as a job, which ends with the engine at the latest."""

    async def focus(self, session: int | None) -> None:
        """Show a session in full in the frames to come; None: always the newest."""

    async def begin(self, program: Program, since: int | None) -> list[tuple[int, str, str]]:
        """Carry out a program from now on, in this engine and in any that takes over.

        Returns number, text and model of each message that it sent at once.
        """

    async def save(self, path: str | Path | None, note: str, report: Report) -> SaveReport:
        """Write the world as it is between two ticks to a file; None: to the one it came from."""

    async def world(self) -> World:
        """Return a copy of the world as it is now, which this engine's ticks never touch."""

    # What it says of itself

    def session(self, number: int, said: tuple[str, str] | None = None) -> Session:
        """Return the session of a message; ``said``: its text and model, where it was just sent."""

    def hear(self) -> None:
        """Have events sent from now on: somebody listens."""

    def health(self, within: float) -> Health:
        """Return every check; the last look may be ``within`` so many seconds old."""

    def acts(self, last: int) -> tuple[LoggedAct, ...]:
        """Return the newest acts of the world's log, oldest first, at most ``last``."""

    def performance(self) -> Performance:
        """Return how well commands were answered so far."""

    @property
    def contacts(self) -> int:
        """Contacts between agents that were weighed, by the messages that there are."""

    # Ends of engines

    async def ready(self) -> None:
        """Wait while one engine takes over from another, and raise when none can."""

    async def restart(self) -> StallOutcome:
        """End a stall, or raise InputError: the engine answers; EngineError: it is no plugin's."""

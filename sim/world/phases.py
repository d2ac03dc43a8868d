"""The tick, as one ordered and readable list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import HubbubError, PluginError
from sim.spread.cascade import Cascade

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["PHASES", "Phase"]


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of the tick.

    Attributes
    ----------
    name, says
        Its name, and what it does in one line.
    run
        Called with the world.
    """

    name: str
    says: str
    run: Callable[[World], None]


def begin(world: World) -> None:
    """Start the queued cascades whose time has come, by priority, then by age."""
    running = sum(cascade.status == "running" for cascade in world.cascades)
    ready = [c for c in world.cascades if c.status == "queued" and c.starts_at < world.tick]
    ready.sort(key=lambda cascade: (-cascade.priority, cascade.id))
    for cascade in ready[: max(world.max_running - running, 0)]:
        start(world, cascade)


def start(world: World, cascade: Cascade) -> None:
    """Let a cascade's seeds adopt at the last completed tick."""
    try:
        cascade.begin(cascade.starts_at if cascade.starts_at >= world.tick else world.tick - 1)
    except (Exception, SystemExit) as error:
        fail(world, cascade, error)


def spread(world: World) -> None:
    """Turn ties into contacts through each cascade's channel, and contacts into adoptions."""
    absent = world.absent()
    network = world.network()
    for cascade in world.cascades:
        if cascade.status != "running":
            continue
        cascade.advance(world.tick, absent)
        contacts = cascade.channel.contacts(network, cascade.id, world.tick)
        try:
            cascade.model.step(cascade, contacts, cascade.draws(world.tick))
            cascade.measure(contacts)
        except (
            Exception,
            SystemExit,
        ) as error:  # whatever a plugin does costs only its own cascade
            fail(world, cascade, error)


def fail(world: World, cascade: Cascade, error: BaseException) -> None:
    """Stop a cascade whose plugin failed, and leave nothing of its half-done tick behind."""
    world.scratch().release()
    reason = error.reason if isinstance(error, PluginError) else _said(error)
    cascade.fail(f"{cascade.model_name}: {reason}")


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, HubbubError) else f"{type(error).__name__}: {error}"


PHASES = (
    Phase("begin", "queued cascades start by priority; their seeds adopt", begin),
    Phase(
        "spread", "channels turn ties into contacts, models turn contacts into adoptions", spread
    ),
)

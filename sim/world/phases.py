"""The tick, as one ordered and readable list."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
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


def expose(world: World) -> None:
    """Turn ties into this tick's contacts, through the channel of each running cascade."""
    absent = world.absent()
    network = world.network()
    world.exposed = []
    for cascade in world.cascades:
        if cascade.status == "running":
            cascade.advance(world.tick, absent)
            try:
                contacts = cascade.channel.contacts(network, cascade.id, world.tick)
            except (Exception, SystemExit) as error:  # a channel's fault costs only its cascade
                fail(world, cascade, error)
            else:
                world.exposed.append((cascade, contacts))


def respond(world: World) -> None:
    """Let each cascade's model turn contacts into adoptions and other changes of state."""
    for cascade, contacts in world.exposed:
        try:
            cascade.model.step(cascade, contacts, cascade.draws(world.tick))
        except (Exception, SystemExit) as error:  # a plugin's fault costs only its own cascade
            fail(world, cascade, error)


def measure(world: World) -> None:
    """Count states and new adopters; a cascade in which nothing can change comes to rest."""
    for cascade, contacts in world.exposed:
        if cascade.status != "running":
            continue
        try:
            cascade.measure(contacts)
        except (Exception, SystemExit) as error:
            fail(world, cascade, error)
    world.exposed = []


def fail(world: World, cascade: Cascade, error: BaseException) -> None:
    """Stop a cascade whose plugin failed, and leave nothing of its half-done tick behind."""
    world.scratch().release()
    reason = error.reason if isinstance(error, PluginError) else _said(error)
    cascade.fail(f"{cascade.model_name}: {reason}")


def _said(error: BaseException) -> str:
    """Return one sentence, with the file and line where a foreign error rose."""
    if isinstance(error, HubbubError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({PurePath(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


PHASES = (
    Phase("begin", "queued cascades start by priority; their seeds adopt", begin),
    Phase("expose", "the channel turns ties into contacts: who hears whom", expose),
    Phase("respond", "each message's model turns contacts into changes of state", respond),
    Phase("measure", "states and new adopters are counted; finished cascades rest", measure),
)

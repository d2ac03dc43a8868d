"""Recovery from a hanging plugin: the engine restarts from the last good state without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.interrupt import Stalled
from sim.core.registry import failures
from sim.runtime.engine.stall import Stall, StallOutcome
from sim.runtime.ownership import claim
from sim.world.state.placeholders import LostModel
from sim.world.world import World

if TYPE_CHECKING:
    from sim.runtime.engine.live import LiveWorld
    from sim.runtime.engine.thread_client import EngineClient

__all__ = ["Restarts", "taken_over", "tell_what_is_lost", "was_stopped"]


def tell_what_is_lost(live: LiveWorld) -> None:
    """Say which plugins failed, are missing or changed; messages that need a missing one stop."""
    for remark in (*map(str, failures()), *live.world.remarks):
        live.note(remark)
    for cascade in live.world.cascades:
        model = cascade.model
        if cascade.alive and isinstance(model, LostModel):
            cascade.fail(f"{cascade.model_name} {type(model).lacks}")
    live.notice()


def was_stopped(live: LiveWorld, stall: Stall) -> StallOutcome:
    """Say what the interruption of a plugin ended."""
    ended = [c.id for c in live.world.cascades if c.error and Stalled.__name__ in c.error][-1:]
    live.notice()
    said = StallOutcome(live.world.tick, stall.plugin, stall.place, tuple(ended), was_rebuilt=False)
    live.announce(said.sentence)
    return said


def taken_over(live: LiveWorld, other: LiveWorld, stall: Stall) -> StallOutcome:
    """Go on where another left off, of whose world this is a copy; stop what stalled it."""
    live.lines.extendleft(reversed(other.lines))
    live.chosen, live.is_dirty = other.chosen, True
    stopped = [c for c in live.world.cascades.loose if c.alive and c.model_name == stall.plugin]
    for cascade in stopped:
        cascade.fail(f"{stall.plugin}: did not come back ({stall.place})")
    live.notice()
    ids = tuple(cascade.id for cascade in stopped)
    said = StallOutcome(live.world.tick, stall.plugin, stall.place, ids, was_rebuilt=True)
    live.announce(said.sentence)
    return said


class Restarts:
    """What a simulation can do about a plugin that does not come back."""

    _world: World

    @property
    def _link(self) -> EngineClient:
        raise NotImplementedError

    async def restart(self) -> StallOutcome:
        """End a stall (``frame.stalled``): the plugin that does not come back is stopped.

        A loop written in Python is interrupted, and costs its own message. From any other the
        thread is left behind, and the world goes on from its last completed tick in a new one;
        whoever waited for a command is then told to ask again.

        Raises
        ------
        InputError
            When the engine answers.
        EngineError
            When no foreign plugin holds it up.
        """
        ended = await self._link.restart()
        if ended.was_rebuilt:
            self._world = self._link.live.world
            claim(self._world)
        return ended

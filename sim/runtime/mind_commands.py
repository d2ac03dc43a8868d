""":class:`MindCommands`, a mixin of ``Simulation``: start and stop the decisions of minds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sim.errors import HubbubError
from sim.minds.deciding import commands as minding
from sim.minds.deciding.thinker import Thinker
from sim.runtime.engine.minds import DecisionRunner
from sim.runtime.engine.thread_client import EngineClient
from sim.runtime.minds_opening import doze, lie_awake

__all__ = ["MindCommands"]

_PATIENCE = 5.0
"""Seconds that a closing simulation waits for its engine to leave minds to the rules."""


class MindCommands:
    """What a simulation lets its minded members do."""

    @property
    def _link(self) -> EngineClient:
        raise NotImplementedError

    async def think(self, thinker: Thinker | None) -> None:
        """Let minded members decide from now on; None: the rules for all of them again.

        Commands are answered while they think; the next tick waits for them.

        Raises
        ------
        InputError
            When the world has no platform.
        """
        link = self._link
        engine = link.engine
        before = engine.thinking
        if before is not None:
            before.stop()
        made = [] if thinker is None else [thinker.made]

        def changed() -> object:
            if before is not None:
                before.hush(link.live)
            woken = link.live.call(minding.wake_minds, thinker is not None, *made)
            engine.thinking = (
                None if thinker is None else DecisionRunner(thinker, engine.hurry, *made)
            )
            return woken

        await link.ask(changed, is_long=True, is_safe=True, is_felt=before is not None)

    async def _begin_thinking(self, thinker: Thinker | None) -> None:
        """Let minds decide from the beginning, if any shall."""
        link = self._link
        if thinker is not None:
            await self.think(thinker)
        elif lie_awake(link.live.world):
            await link.ask(lambda: doze(link.live), is_long=True, is_safe=True)

    async def _end_thinking(self) -> None:
        """Leave the world to the rules, as far as it can still be told."""
        if self._link.engine.thinking is not None:
            with suppress(HubbubError, TimeoutError):
                await asyncio.wait_for(self.think(None), _PATIENCE)

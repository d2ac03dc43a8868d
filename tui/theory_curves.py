"""The curves of theory for the message shown, worked out beside the screen and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.dialogs.error import sentence_of
from tui.safe_text import line

if TYPE_CHECKING:
    from sim import Theory
    from sim.runtime import Focus
    from tui.program import HubbubApp


SHORTEST = 64
"""Ticks that are predicted at least; twice as many whenever a message has come further."""

READ_FOR = 20.0
"""Seconds that the toast stays."""

Key = tuple[object, ...]


class TheoryCurves:
    """The theories of one message, and which of them is drawn."""

    def __init__(self, app: HubbubApp) -> None:
        self._app = app
        self._at = -1
        self._known: tuple[Theory, ...] = ()
        self._key: Key = ()
        self._asked: Key = ()

    async def turn(self) -> str:
        """Draw the next theory, or none after the last one; returns what to say."""
        focus = self._app.frame.focus if self._app.frame else None
        if focus is None:
            return "No message is shown; press i to send one."
        await self._learn(focus, self._key_of(focus))
        if not self._known:
            self._at = -1
            return f"No equation is known for {focus.model} with these parameters."
        self._at = self._at + 1 if self._at + 1 < len(self._known) else -1
        self._app.redraw()
        if self._at < 0:
            return "Theory is not drawn any more."
        theory = self._known[self._at]
        self._app.notify(theory.limits, title="Theory", timeout=READ_FOR)
        return f"Theory, dashed: {line(theory.name, 200)}."

    def shown(self, focus: Focus | None) -> Theory | None:
        """Return the theory to draw beside a message, if it is known by now."""
        if focus is None or self._at < 0:
            return None
        key = self._key_of(focus)
        if key != self._key and key != self._asked:
            self._app.run_worker(self._follow(focus, key), group="theory", exit_on_error=False)
        is_same = key[:-1] == self._key[:-1]
        return self._known[self._at] if is_same and self._at < len(self._known) else None

    def _key_of(self, focus: Focus) -> Key:
        """Return what a prediction depends on; last how many ticks it has."""
        ticks = SHORTEST
        while ticks < len(focus.history):
            ticks *= 2
        frame = self._app.frame
        ties = frame.ties if frame else 0
        return focus.id, focus.model, focus.parameters, focus.seeds, ties, id(self._app.feed), ticks

    async def _follow(self, focus: Focus, key: Key) -> None:
        await self._learn(focus, key)
        self._app.redraw()

    async def _learn(self, focus: Focus, key: Key) -> None:
        if key == self._key:
            return
        self._asked = key
        ticks, backend = int(str(key[-1])), self._app.backend
        try:
            known = await self._app.simulation.study(
                backend.theory, focus.model, dict(focus.parameters), focus.seeds, ticks
            )
        except Exception as error:
            self._app.say(f"Theory: {sentence_of(error)}", "error")
            known = ()
        self._known, self._key = known, key

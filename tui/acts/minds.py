"""Minds: who decides by itself, and whether a language model is asked."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sim.errors import InputError
from tui.arguments import choice, pairs
from tui.screens.progress import in_thread

if TYPE_CHECKING:
    from tui.app import Hubbub

Words = tuple[str, ...]

_OPEN: WeakKeyDictionary[Any, AbstractContextManager[Any]] = WeakKeyDictionary()
"""What was opened for a simulation, to be closed when its minds are put to rest."""


async def minds(app: Hubbub, words: Words) -> None:
    """Give members a mind of their own, or tell what came of those there are."""
    from sim.run import minding

    if not words:
        told = await app.simulation.query(minding.told)
        app.say(told or "Nobody has a mind; type `minds top:50:pagerank`, then `llm on`.")
        return
    said = pairs(words[1:])
    if set(said) - {"mind", "goal"}:
        raise InputError("Minds take mind=NAME and goal=WORDS, nothing else.")
    many = await app.simulation.call(minding.give_minds, words[0], **said)
    app.say(f"{many:,} members have a mind of their own; `llm on` lets them decide.", "good")


async def llm(app: Hubbub, words: Words) -> None:
    """Let minds decide after each tick, or the rules for all of them again."""
    from sim.run.minds_opening import thinker_of

    simulation = app.simulation
    wish = choice("wish", words, ("on", "off")) or "on"
    if not hasattr(simulation, "think"):
        raise InputError("Minds think in the program's own process; start it without --isolated.")
    if wish == "off":
        await simulation.think(None)
        await _closed(simulation)
        app.say("The rules decide for all members.", "good")
        return
    opening = thinker_of()
    thinker = await in_thread(opening.__enter__, "language models")
    await simulation.think(thinker)
    await _closed(simulation)
    _OPEN[simulation] = opening
    app.say(
        f"{thinker.lacks} Until then rules decide." if thinker.lacks else "Minds decide now.",
        "warning" if thinker.lacks else "good",
    )


async def _closed(simulation: Any) -> None:
    opening = _OPEN.pop(simulation, None)
    if opening is not None:
        await in_thread(lambda: opening.__exit__(None, None, None), "language models")

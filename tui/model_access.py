"""Access to language models: one way for minds, interviews and surveys alike.

It is opened when it is first wanted, and closed with the program. The budget is one for as long as
the program runs: to close the way and open it again brings no new money.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sim.errors import InputError
from tui.dialogs.progress import in_thread

if TYPE_CHECKING:
    from sim.minds.deciding.thinker import Thinker
    from sim.minds.models.budget import Budget
    from tui.program import HubbubApp


Using = Callable[["Thinker"], Awaitable[None]]


class ModelAccess:
    """The way to language models.

    Attributes
    ----------
    prefer
        The model that is asked first; empty: as settings say.
    least
        The share of decisions below which models decide too few; None: as settings say.
    thinker
        Who asks, while the way is open.
    """

    def __init__(self) -> None:
        self.prefer = ""
        self.least: float | None = None
        self.thinker: Thinker | None = None
        self._opening: AbstractContextManager[Thinker] | None = None
        self._budget: Budget | None = None

    async def budget(self) -> Budget:
        """Return the caps, at first those of the settings, and what was spent."""
        if self._budget is None:
            from sim.minds.models.configured import budget_in
            from sim.settings import current

            self._budget = await in_thread(lambda: budget_in(current()), "settings")
        return self._budget

    async def ready(self) -> Thinker:
        """Return who asks; opens the way, unless it is open."""
        thinker = self.thinker
        if thinker is None or thinker.pool is None:
            thinker = await self.anew()
        if thinker.pool is None:
            raise InputError(thinker.lacks)
        return thinker

    async def anew(self, use: Using | None = None, *, offline: bool = False) -> Thinker:
        """Open the way anew, as settings say now, and close the old one; may lack somebody."""
        from sim.runtime.minds import thinker_of

        budget = await self.budget()
        opening = thinker_of(offline=offline, budget=budget, prefer=self.prefer, least=self.least)
        thinker = await in_thread(opening.__enter__, "language models")
        if use is not None:
            try:
                await use(thinker)
            except BaseException:
                await in_thread(lambda: opening.__exit__(None, None, None), "language models")
                raise
        await self.close()
        self._opening, self.thinker = opening, thinker
        return thinker

    async def close(self) -> None:
        """Close it; what is under way there ends, doing it again is harmless."""
        opening, self._opening, self.thinker = self._opening, None, None
        if opening is not None:
            await in_thread(lambda: opening.__exit__(None, None, None), "language models")


_OF: WeakKeyDictionary[Any, ModelAccess] = WeakKeyDictionary()


def asking_of(app: HubbubApp) -> ModelAccess:
    """Return the way of a program; made when it is first wanted."""
    return _OF.setdefault(app, ModelAccess())

"""What lets minds decide, opened as the settings say, and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sim.core.settings import current
from sim.llm.budget import Budget
from sim.llm.configured import prompts_folder
from sim.llm.opening import open_pool
from sim.run.minding import wake_minds
from sim.run.minds import Thinker

if TYPE_CHECKING:
    from sim.run.live import LiveWorld
    from sim.world.world import World

__all__ = ["asleep", "doze", "lie_awake", "thinker_of"]


def asleep(world: World) -> str:
    """Return what a person should know of minds that nobody lets decide; empty: there are none."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.members.size:
        return ""
    return f"{minds.members.size:,} members have a mind, and it sleeps: the rules decide for them."


def doze(live: LiveWorld) -> None:
    """Let minds sleep that were awake when the world was last seen, as after a crash; say so.

    Awake minds that nobody asks would leave their members silent.
    """
    live.call(wake_minds, False)
    live.announce(f"{asleep(live.world)} Wake them by :llm on.")


def lie_awake(world: World) -> bool:
    """Return whether minds are said to decide."""
    return world.platform is not None and world.platform.minds.awake


@contextmanager
def thinker_of(
    *, offline: bool = False, budget: Budget | None = None, prefer: str = ""
) -> Iterator[Thinker]:
    """Yield what lets minds decide; its ``lacks`` says why nobody is asked, if so.

    Parameters
    ----------
    offline
        Whether nobody shall be asked.
    budget
        Other caps than those of the settings.
    prefer
        The model that is asked first; empty: as settings say.
    """
    settings, limit = current(), current().llm_prompt_tokens
    if offline:
        yield Thinker(prompts=prompts_folder(), limit=limit)
        return
    with open_pool(settings, budget, prefer) as (pool, lacks):
        yield Thinker(pool, lacks=lacks, prompts=prompts_folder(), limit=limit)

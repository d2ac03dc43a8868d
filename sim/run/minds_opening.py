"""What lets minds decide, opened as the settings say, and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sim.core.settings import current
from sim.llm.budget import Budget
from sim.llm.configured import prompts_folder
from sim.llm.opening import open_pool
from sim.run.minds import Thinker

__all__ = ["thinker_of"]


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

"""What lets minds decide, opened as the settings say, and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sim.core.settings import current
from sim.llm.configured import prompts_folder
from sim.llm.opening import open_pool
from sim.run.minds import Thinker

__all__ = ["thinker_of"]


@contextmanager
def thinker_of(*, offline: bool = False) -> Iterator[Thinker]:
    """Yield what lets minds decide; its ``lacks`` says why nobody is asked, if so.

    Parameters
    ----------
    offline
        Whether nobody shall be asked.
    """
    settings, limit = current(), current().llm_prompt_tokens
    if offline:
        yield Thinker(prompts=prompts_folder(), limit=limit)
        return
    with open_pool(settings) as (pool, lacks):
        yield Thinker(pool, lacks=lacks, prompts=prompts_folder(), limit=limit)

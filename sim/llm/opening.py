"""A pool as the settings say, open and closed again; the model on this machine is started too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

from sim.core.settings import Settings
from sim.errors import HubbubError
from sim.llm.budget import Budget
from sim.llm.configured import budget_in, nobody, prices_in, providers_in
from sim.llm.local import LocalModel
from sim.llm.pool import ModelPool

__all__ = ["lacks_in", "open_pool"]


def lacks_in(settings: Settings) -> str:
    """Return why nobody can be asked, one sentence; empty when somebody can."""
    if find_spec("openai") is None:
        return "The package openai is missing; install it by: pip install 'hubbub[llm]'"
    return "" if settings.llm_local or settings.llm_model else nobody()


@contextmanager
def open_pool(
    settings: Settings, budget: Budget | None = None
) -> Iterator[tuple[ModelPool | None, str]]:
    """Yield a pool and an empty sentence, or None and why there is nobody to ask.

    Parameters
    ----------
    settings
        They name models, keys and caps.
    budget
        Other caps than theirs.
    """
    with ExitStack() as stack:
        try:
            lacks = lacks_in(settings)
            pool = None if lacks else _pool(settings, budget, stack)
        except HubbubError as error:
            pool, lacks = None, str(error)
        yield pool, lacks


def _pool(settings: Settings, budget: Budget | None, stack: ExitStack) -> ModelPool:
    local = []
    if settings.llm_local:
        local = [stack.enter_context(LocalModel()).provider]
    providers = [*local, *providers_in(settings)]
    return stack.enter_context(
        ModelPool(providers, budget or budget_in(settings), prices_in())
    )  # fmt: skip

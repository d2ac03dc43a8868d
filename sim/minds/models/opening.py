"""``open_pool``: an async context manager of a :class:`ModelPool` from settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

from sim.errors import HubbubError
from sim.minds.models.budget import Budget
from sim.minds.models.configured import budget_in, embeddings_in, nobody, prices_in, providers_in
from sim.minds.models.local import LocalModel, missing_parts
from sim.minds.models.local_server import ALIAS
from sim.minds.models.pool import ModelPool
from sim.settings.settings import Settings

__all__ = ["lacks_in", "models_in", "open_pool"]


def models_in(settings: Settings) -> tuple[str, ...]:
    """Return the models that can be preferred, the one that is asked first first.

    The model on this machine is among them once it is installed, whether settings ask it or not.
    """
    fallbacks = [said.rpartition("@")[0] for said in settings.llm_fallbacks]
    named = [name for name in (settings.llm_model, *fallbacks) if name]
    if settings.llm_local:
        return tuple(dict.fromkeys([ALIAS, *named]))
    return tuple(dict.fromkeys([*named, *([] if missing_parts() else [ALIAS])]))


def lacks_in(settings: Settings, prefer: str = "") -> str:
    """Return why nobody can be asked, one sentence; empty when somebody can."""
    if find_spec("openai") is None:
        return "The package openai is missing; install it by: pip install 'hubbub[llm]'"
    asks_local = settings.llm_local or prefer == ALIAS
    return "" if asks_local or settings.llm_model else nobody()


@contextmanager
def open_pool(
    settings: Settings, budget: Budget | None = None, prefer: str = ""
) -> Iterator[tuple[ModelPool | None, str]]:
    """Yield a pool and an empty sentence, or None and why there is nobody to ask.

    Parameters
    ----------
    settings
        They name models, keys and caps.
    budget
        Other caps than theirs.
    prefer
        The model that is asked first, one of :func:`models_in`; empty: as settings say.
    """
    with ExitStack() as stack:
        try:
            lacks = lacks_in(settings, prefer)
            pool = None if lacks else _pool(settings, budget, prefer, stack)
        except HubbubError as error:
            pool, lacks = None, str(error)
        yield pool, lacks


def _pool(settings: Settings, budget: Budget | None, prefer: str, stack: ExitStack) -> ModelPool:
    local = []
    if settings.llm_local or prefer == ALIAS:
        local = [stack.enter_context(LocalModel()).provider]
    providers = [*local, *providers_in(settings)]
    providers.sort(key=lambda provider: provider.model != prefer)  # the others keep their order
    return stack.enter_context(
        ModelPool(
            providers, budget or budget_in(settings), prices_in(),
            embeddings=embeddings_in(settings),
        )
    )  # fmt: skip

""":class:`MindsOffer`: the minds, goals, prompts and models that a dialog can offer."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from sim.core.registry import load_plugins, names
from sim.minds.deciding.commands import give_minds
from sim.minds.deciding.estimate import RunEstimate, expected
from sim.minds.models.configured import lacks_in, models_in, prices_in, prompts_folder
from sim.minds.models.local_server import ALIAS
from sim.minds.models.prices import FREE, Price, price_of
from sim.minds.models.provider import Provider
from sim.settings.settings import current
from sim.world.minds.giving import members_of
from sim.world.world import World

_FIRST = ("model", "archetype", "surrogate", "rule")


@dataclass(frozen=True, slots=True)
class MindsOffer:
    """What can be chosen."""

    minds: tuple[str, ...]
    fields: tuple[str, ...]
    models: tuple[str, ...]
    dollars: float
    lacks: str


def minds_offer() -> MindsOffer:
    """Return what can be chosen; reads settings and plugins, so not in the screen's thread."""
    load_plugins()
    there = sorted(names("mind"), key=lambda name: (name not in _FIRST, name))
    ranked = [name for name in _FIRST if name in there] + [n for n in there if n not in _FIRST]
    said = inspect.signature(give_minds).parameters.values()
    fields = [one.name for one in said if one.kind is one.POSITIONAL_OR_KEYWORD]
    settings = current()
    models = models_in(settings)
    lacks = lacks_in(settings, models[0] if models else "")
    return MindsOffer(tuple(ranked), tuple(fields[3:]), models, settings.llm_dollars, lacks)


def expected_of(
    world: World, members: str, ticks: int, model: str = "", goal: str = ""
) -> tuple[int, RunEstimate]:
    """Return how many members an expression names, and about what their run would ask."""
    who, limit = members_of(world, members), current().llm_prompt_tokens
    found = expected(
        world, who, ticks, _price(model), goal=goal, prompts=prompts_folder(), limit=limit
    )
    return int(who.size), found


def _price(model: str) -> Price:
    """Return the price of a model; none where nobody is asked, or the model is on this machine."""
    local = model in {"", ALIAS} or Provider(model, current().llm_url).is_local
    return FREE if not model else price_of(model, prices_in(), local=local)

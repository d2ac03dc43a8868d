"""``hubbub run --minds``: options about minds, checked and handed to the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sim.errors import InputError
from sim.scenario.minds import AWAKE, MindsRequest

if TYPE_CHECKING:
    from sim.world.world import World


Who = Annotated[
    str | None,
    typer.Option(
        "--minds",
        help="Who decides by itself: top:50:pagerank, share:0.001, awake, ...",
        rich_help_panel="Minds",
    ),
]
MindName = Annotated[
    str | None,
    typer.Option(
        "--mind",
        help="What decides for them: model, rule, archetype, or model,model=NAME,language=German.",
        rich_help_panel="Minds",
    ),
]
Goal = Annotated[
    str | None,
    typer.Option(
        "--goal",
        help="What those members want, in words.",
        rich_help_panel="Minds",
    ),
]
Cap = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        help="A cap of the run's minds, kept with the world: '$0.50', '200 requests', "
        "'50000 tokens', 'none tokens'; may be repeated.",
        rich_help_panel="Minds",
    ),
]
Least = Annotated[
    float | None,
    typer.Option(
        "--least-share",
        min=0,
        max=1,
        help="Stop where models decide less than this share; else as the settings say.",
        rich_help_panel="Minds",
    ),
]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        help="Ask no language model; rules stand in.",
        rich_help_panel="Minds",
    ),
]


def minds_asked(
    who: str | None,
    mind: str | None,
    goal: str | None,
    offline: bool,
    budget: Sequence[str] = (),
    least: float | None = None,
) -> MindsRequest | None:
    """Return what was asked of minds, None for nothing.

    Raises
    ------
    InputError
        When minds are described and nobody is to have one; or a cap is none.
    """
    if who is None:
        if mind is not None or goal is not None or budget or least is not None:
            raise InputError(
                "--mind, --goal, --budget and --least-share are of members; say which by --minds."
            )
        return MindsRequest(offline=True) if offline else None
    bare = MindsRequest(offline=offline, budget=tuple(budget), least=least)
    _ = bare.caps  # refuses what is none
    if who == AWAKE:
        return bare
    return replace(bare, who=who, mind=mind or "model", goal=goal or "")


def accounts(world: World) -> list[str]:
    """Return what came of decisions so far, a line each; nothing where nobody has a mind."""
    if world.platform is None or not world.platform.minds.counts:
        return []
    from sim.minds.deciding.commands import accounts as told

    return list(told(world))

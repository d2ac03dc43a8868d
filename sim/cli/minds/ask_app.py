"""The verbs that ask members questions; each imports what it needs when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.minds.run import Goal, MindName, minds_asked
from sim.cli.program.options import Json
from sim.cli.program.start import prepare
from sim.scenario.minds import MindsRequest

_World = Annotated[
    str, typer.Argument(metavar="WORLD", help="A world file, a saved name, demo, or new:AGENTS.")
]


def ask(
    context: typer.Context,
    world: _World,
    who: Annotated[
        str,
        typer.Argument(
            metavar="WHO", help="The id of a member, or a sample: random:20, community:NAME:20, ..."
        ),
    ],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What they are asked.")],
    choices: Annotated[
        str, typer.Option(help="Of a sample: what may be answered, by commas.")
    ] = "",
    json: Json = False,
) -> None:
    """Ask a member, or a sample of them; they answer in character, and the world stays as it is.

    A language model answers: hubbub llm check says whether one is there, and what is missing.
    """
    prepare(context.obj)
    from sim.cli.minds.interviews import ask_members

    ask_members(world, who, question, choices, json=json)


def llm_estimate(
    context: typer.Context,
    world: _World,
    ticks: Annotated[int, typer.Option(help="Of the run.")] = 24,
    minds: Annotated[
        str | None, typer.Option(help="Who decides by itself: top:50:pagerank")
    ] = None,
    mind: MindName = None,
    goal: Goal = None,
    json: Json = False,
) -> None:
    """Say what minds would ask and cost in a run; nobody is asked."""
    prepare(context.obj)
    from sim.cli.minds.interviews import show_estimate

    asked = minds_asked(minds, mind, goal, offline=False) or MindsRequest()
    show_estimate(world, asked, ticks, json=json)

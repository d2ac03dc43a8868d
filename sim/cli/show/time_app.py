"""The verb about what happened in a world."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.start import prepare

__all__ = ["history"]

World = Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


def history(
    context: typer.Context,
    world: World,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", help="What one member did: its id.")
    ] = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(help="What two members convinced each other of: two ids."),
    ] = None,
    message: Annotated[
        int | None, typer.Option("--message", "-m", help="Who adopted a message, from whom.")
    ] = None,
    first: Annotated[int | None, typer.Option("--from", help="The first tick.")] = None,
    last: Annotated[int | None, typer.Option("--to", help="The last tick.")] = None,
    points: Annotated[int, typer.Option(min=1, help="Rows of the counts over time.")] = 20,
    top: Annotated[int, typer.Option(min=1, help="Rows of a list; JSON has all.")] = 50,
    json: Json = False,
) -> None:
    """Tell what happened in a world: counts over time, or one member's, pair's or message's."""
    prepare(context.obj)
    from sim.cli.show.history import Question, show_history

    asked = Question(agent, pair, message, first, last, points, top)
    show_history(world, asked, json=json)

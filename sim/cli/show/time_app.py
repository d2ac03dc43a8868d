"""Verbs about a world's past: what happened in it, its named ticks, and other ways from there."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.exits import OK
from sim.cli.program.start import prepare

__all__ = ["bookmark", "branch", "history"]

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


def branch(
    context: typer.Context,
    world: World,
    name: Annotated[str, typer.Option(help="The name of the new world; it lies beside this one.")],
    at: Annotated[
        str | None, typer.Option(help="A tick or a bookmark; else where the world is.")
    ] = None,
    json: Json = False,
) -> None:
    """Make another world from a tick of one that has a journal; the two go their own ways."""
    prepare(context.obj)
    from sim.cli.worlds.branch import make_branch

    make_branch(world, name, at, json=json)


def bookmark(
    context: typer.Context,
    world: World,
    name: Annotated[str | None, typer.Argument(help="Its name; else all are listed.")] = None,
    at: Annotated[int | None, typer.Option(help="The tick; else where the world is.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away.")] = False,
    json: Json = False,
) -> None:
    """Give a tick of a world with a journal a name, or list those that have one."""
    prepare(context.obj)
    from sim.cli.worlds.branch import list_bookmarks, set_bookmark

    if name is not None:
        set_bookmark(world, name, at, remove=remove)
    if name is None or json:
        list_bookmarks(world, json=json)
    raise typer.Exit(OK)

"""The verbs of ``hubbub past``: earlier ticks of a world with a journal, named, gone back to."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.exits import OK
from sim.cli.program.options import Json
from sim.cli.program.panels import VerbApp
from sim.cli.program.start import prepare

past = VerbApp(
    "Earlier ticks of a world with a journal: name them, go back, go another way from there. "
    "hubbub run WORLD --journal keeps one from then on, and so does the screen."
)
World = Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")]
At = Annotated[str | None, typer.Option(help="A tick or a bookmark; else where the world is.")]


@past.command("branch")
def past_branch(
    context: typer.Context,
    world: World,
    name: Annotated[str, typer.Option(help="The name of the new world; it lies beside this one.")],
    at: At = None,
    json: Json = False,
) -> None:
    """Make another world from a tick of one that has a journal; the two go their own ways."""
    prepare(context.obj)
    from sim.cli.worlds.past import make_branch

    make_branch(world, name, at, json=json)


@past.command("bookmark")
def past_bookmark(
    context: typer.Context,
    world: World,
    name: Annotated[str | None, typer.Argument(help="Its name; else all are listed.")] = None,
    at: At = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away.")] = False,
    json: Json = False,
) -> None:
    """Give a tick of a world with a journal a name, or list those that have one."""
    prepare(context.obj)
    from sim.cli.worlds.past import list_bookmarks, set_bookmark

    if name is not None:
        set_bookmark(world, name, at, remove=remove)
    if name is None or json:
        list_bookmarks(world, json=json)
    raise typer.Exit(OK)


@past.command("back")
def past_back(
    context: typer.Context,
    world: World,
    at: Annotated[str, typer.Argument(help="A tick, or a bookmark.")],
) -> None:
    """Take a world back to a tick; a bookmark leads to where it was."""
    prepare(context.obj)
    from sim.cli.worlds.past import go_back

    go_back(world, at)

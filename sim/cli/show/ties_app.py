"""Verbs that look at who is tied to whom."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.start import prepare
from sim.errors import InputError

__all__ = ["path", "ties"]

World = Annotated[str, typer.Argument(help="A world file, a saved name, demo, or new:AGENTS.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


def ties(
    context: typer.Context,
    world: World,
    agent: Annotated[str, typer.Option("--agent", "-a", help="Whose ties: an id.")],
    kind: Annotated[
        str | None,
        typer.Option(help="follows, followers, friends, muted, blocked or 'blocked by'; else all."),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="What is remembered of changes, oldest first.")
    ] = False,
    radius: Annotated[
        int | None, typer.Option(min=1, help="Instead: all within so many steps, either way.")
    ] = None,
    other: Annotated[
        str | None,
        typer.Option(help="Instead: all that is between the two: ties, acts and changes."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows a kind; JSON has all.")] = 20,
    json: Json = False,
) -> None:
    """Show whom a member follows, who follows it, its friends, mutes and blocks."""
    prepare(context.obj)
    from sim.cli.show.ties import show_around, show_pair, show_ties

    if other is not None:
        if kind is not None or history or radius is not None:
            raise InputError(
                "--other shows all between two; leave --kind, --history, --radius out."
            )
        show_pair(world, agent, other, top=top, json=json)
        return
    if radius is not None:
        if kind is not None or history:
            raise InputError("--radius shows all that is around; leave --kind and --history out.")
        show_around(world, agent, radius, top=top, json=json)
        return
    show_ties(world, agent, kind, history=history, top=top, json=json)


def path(
    context: typer.Context,
    world: World,
    start: Annotated[str, typer.Argument(help="The id of the member that speaks.")],
    goal: Annotated[str, typer.Argument(help="The id of the member that is to hear it.")],
    json: Json = False,
) -> None:
    """Show a shortest way that a message can take from one member to another."""
    prepare(context.obj)
    from sim.cli.show.ties import show_path

    show_path(world, start, goal, json=json)

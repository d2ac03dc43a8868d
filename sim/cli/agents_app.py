"""Verbs that look at the members of a world, and change many of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.start import prepare

__all__ = ["agents", "compatibility"]

World = Annotated[str, typer.Argument(help="A world file, a saved name, demo, or new:AGENTS.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


def agents(
    context: typer.Context,
    world: World,
    where: Annotated[
        str | None,
        typer.Option(help="A condition, such as 'activity > .5 and community == \"x\"'."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="NAME=VALUE: status, activity, interests, community or a trait; may repeat.",
        ),
    ] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="A table, JSON list or JSON lines of people.")
    ] = None,
    match: Annotated[
        str, typer.Option(help="How profiles find their agents: auto, id or order.")
    ] = "auto",
    moves: Annotated[
        str | None, typer.Option(help="Show moves of life at ticks FROM:TO instead.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the changed world is saved.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 20,
    json: Json = False,
) -> None:
    """List the members of a world; give them profiles or change many, and save the result."""
    prepare(context.obj)
    from sim.cli.agents import Order, show_agents

    order = Order(world, where, tuple(values or ()), profiles, match, moves, out)
    show_agents(order, top, json=json)


def compatibility(
    context: typer.Context,
    world: World,
    first: Annotated[str, typer.Argument(help="The id of a member.")],
    second: Annotated[str, typer.Argument(help="The id of another.")],
    json: Json = False,
) -> None:
    """Show how well two members would get on, and what makes the score."""
    prepare(context.obj)
    from sim.cli.agents import show_compatibility

    show_compatibility(world, first, second, json=json)

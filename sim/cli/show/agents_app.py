"""Verbs that look at the members of a world, and change many of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.start import prepare
from sim.errors import InputError

__all__ = ["acts", "agents", "compatibility", "groups"]

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
            help="NAME=VALUE: status, activity, interests, community or a trait; may repeat. "
            "Who is not active takes no part; idle members are still proposed as friends, banned "
            "ones have no new ties, destroyed ones lose ties, groups and community for good.",
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
    state: Annotated[
        str | None, typer.Option(help="Who is in a state of a message now: MESSAGE:STATE.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", help="All that is known of one member: an id.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the changed world is saved.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 20,
    json: Json = False,
) -> None:
    """List the members of a world; give them profiles or change many, and save the result."""
    prepare(context.obj)
    from sim.cli.show.agents import Order, show_agents, show_member

    if agent is not None:
        if where or values or profiles or moves or out or state:
            raise InputError("One member is shown by itself; leave the other options out.")
        show_member(world, agent, json=json)
        return
    order = Order(world, where, tuple(values or ()), profiles, match, moves, out, state)
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
    from sim.cli.show.agents import show_compatibility

    show_compatibility(world, first, second, json=json)


def acts(
    context: typer.Context,
    world: World,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", help="Acts of or about a member: an id.")
    ] = None,
    other: Annotated[str | None, typer.Option(help="Only between it and this member.")] = None,
    act: Annotated[str | None, typer.Option(help="Only of one kind, such as like.")] = None,
    ticks: Annotated[str, typer.Option(help="Only of ticks FROM:TO.")] = ":",
    top: Annotated[int, typer.Option(min=1, help="Rows at most; JSON has all.")] = 20,
    json: Json = False,
) -> None:
    """Show what members did on the platform, the newest first; of one, or between two."""
    prepare(context.obj)
    from sim.cli.show.acts import Asked, show_acts

    show_acts(world, Asked(agent, other, act, ticks), top, json=json)


def groups(
    context: typer.Context,
    world: World,
    name: Annotated[str | None, typer.Argument(help="One group: who is in it.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows at most; JSON has all.")] = 20,
    json: Json = False,
) -> None:
    """List the groups of a world with their limits, or the members of one."""
    prepare(context.obj)
    from sim.cli.show.groups import show_groups

    show_groups(world, name, top, json=json)

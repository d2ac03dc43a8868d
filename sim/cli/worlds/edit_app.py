"""The nouns of ``hubbub edit WORLD``; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.grammar import world_of
from sim.cli.program.options import Json
from sim.cli.program.panels import VerbApp
from sim.cli.program.start import prepare

edit = VerbApp("Change a world, and save the result to a file.")

Out = Annotated[
    Path, typer.Option("--out", "-o", help="Where the changed world is saved, NAME.hub.")
]


@edit.callback()
def of_world(
    context: typer.Context,
    world: Annotated[
        str, typer.Argument(metavar="WORLD", help="A world file, a saved name, demo, new:AGENTS.")
    ],
) -> None:
    """Take the world that all the nouns are about."""
    del world  # world_of returns it
    prepare(context.obj)


@edit.command("agents")
def edit_agents(
    context: typer.Context,
    out: Out,
    where: Annotated[
        str | None,
        typer.Option(help="A condition, such as 'activity > .5 and community == \"x\"'; else all."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Status, activity, interests, community or a trait; may repeat. "
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
    json: Json = False,
) -> None:
    """Set values of many members, or give them profiles."""
    from sim.cli.worlds.editing import AgentEdit, edit_agents

    order = AgentEdit(world_of(context), where, tuple(values or ()), profiles, match, out)
    edit_agents(order, json=json)


@edit.command("ties")
def edit_ties(
    context: typer.Context,
    does: Annotated[
        str,
        typer.Argument(
            metavar="DOES",
            help="follow, unfollow, befriend, unfriend, mute, unmute, block or unblock; or set, "
            "which changes the tie by which AGENT follows OTHER.",
        ),
    ],
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The id of the member that does.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The id of whom it does that to.")],
    out: Out,
    relation: Annotated[
        str | None, typer.Option("--type", help="With set: the type, such as friend; '': none.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="With set: a property; no VALUE takes it away."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Let a member follow another, befriend, mute or block it, or end that; or set a tie."""
    from sim.cli.worlds.editing import TieEdit, edit_ties

    order = TieEdit(world_of(context), does, agent, other, relation, tuple(values or ()), out)
    edit_ties(order, json=json)

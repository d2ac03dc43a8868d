"""The verb that runs the same world under several conditions; it imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.minds.run import Goal, MindName, Offline, Who
from sim.cli.program.start import prepare
from sim.errors import InputError

__all__ = ["compare"]

Against = Annotated[
    str | None, typer.Option("--against", help="The other mind: rule, or model,temperature=0, ...")
]
Replies = Annotated[
    Path | None,
    typer.Option(help="What models answer is written here; with --offline read from here."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]


def compare(
    context: typer.Context,
    world: Annotated[
        str,
        typer.Argument(
            metavar="WORLD",
            help="A world file, a saved name, demo, new:AGENTS, scenario.toml, or gallery:NAME.",
        ),
    ],
    recommenders: Annotated[
        str,
        typer.Option(
            help="Two or more, separated by commas, or all: see hubbub models --kind recommender."
        ),
    ] = "chronological,popularity",
    ticks: Annotated[
        int | None,
        typer.Option(min=1, help="Ticks of each run; else as the scenario says, or 48."),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many runs of each, seeds from the world's own on; else 5, of minds 1."
        ),
    ] = None,
    variant: Annotated[str, typer.Option(help="Of a scenario that has several.")] = "",
    minds: Who = None,
    mind: MindName = None,
    against: Against = None,
    goal: Goal = None,
    replies: Replies = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Run the same world and seeds under several recommenders, and show what differs.

    With --minds, --mind and --against it is two minds, or two prompts, of the same members.
    """
    prepare(context.obj)
    if minds is not None:
        from sim.cli.minds.compare import ComparisonOptions, show_minds_comparison

        asked = ComparisonOptions(
            minds, mind or "model", against or "rule", goal or "", replies, offline
        )
        show_minds_comparison(world, asked, ticks, replicates or 1, variant=variant, json=json)
        return
    if any((mind, against, goal, replies, offline)):
        raise InputError("--mind, --against, --goal, --replies, --offline: say whose by --minds.")
    from sim.cli.runs.compare import show_comparison

    show_comparison(world, recommenders, ticks, replicates or 5, variant=variant, json=json)

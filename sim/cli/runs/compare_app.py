"""CLI declaration of ``hubbub compare``: the same world under several conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.minds.run import Goal, MindName, Offline, Who
from sim.cli.program.start import prepare
from sim.cli.runs.app import Backend, Into, Resume, Workers
from sim.errors import InputError

__all__ = ["compare"]

Against = Annotated[
    str | None, typer.Option("--against", help="The other mind: rule, or model,temperature=0, ...")
]
Replies = Annotated[
    Path | None,
    typer.Option(help="What models answer is written here; with --offline read from here."),
]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        metavar="'NAME: CHANGES'",
        help='A future of the world, such as "checked: do=fact-check message=0 at=2; '
        'recommender=blend"; NAME alone is as it is. Once for each.',
    ),
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
        str | None,
        typer.Option(
            help="Two or more, separated by commas, or all: see hubbub models --kind recommender. "
            "Without anything to compare: chronological,popularity."
        ),
    ] = None,
    ticks: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Ticks of each run; else as the scenario says, or 48, of futures until all is at "
            "rest.",
        ),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many runs of each, seeds from the world's own on; else 5, of minds 1, of "
            "futures 20.",
        ),
    ] = None,
    variant: Annotated[str, typer.Option(help="Of a scenario that has several.")] = "",
    minds: Who = None,
    mind: MindName = None,
    against: Against = None,
    goal: Goal = None,
    replies: Replies = None,
    offline: Offline = False,
    arm: Arms = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="The variants of a scenario, beside it as it stands.")
    ] = False,
    message: Annotated[
        list[str] | None,
        typer.Option(help="Sent in each future: a text, or \"text='...' model=sir beta=0.2\"."),
    ] = None,
    measure: Annotated[
        str, typer.Option(help="Whose difference is the conclusion; else the share reached.")
    ] = "",
    margin: Annotated[
        float | None,
        typer.Option(help="A difference that would not matter, chosen before the runs."),
    ] = None,
    workers: Workers = None,
    backend: Backend = "",
    into: Into = None,
    resume: Resume = False,
    write: Annotated[
        Path | None,
        typer.Option(help="The differences of futures as .csv, .jsonl or .parquet."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Their curves and the difference as .png, .svg or .pdf."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the same world and seeds under several conditions, and show what differs.

    Recommenders; futures from where the world stands (--arm), or the variants of a scenario
    (--variants); with --minds, --mind and --against two minds of the same members.
    """
    prepare(context.obj)
    of_futures = bool(arm) or variants
    if of_futures and (recommenders or variant or minds is not None):
        raise InputError("Compare one thing: --arm or --variants, or --recommenders, or --minds.")
    if of_futures:
        from sim.cli.runs.compare_futures import FutureOptions, show_futures

        wanted = FutureOptions(
            arm or (), message or (), variants, ticks, replicates, measure, margin, workers,
            write, plot, backend, into, resume,
        )  # fmt: skip
        show_futures(world, wanted, json=json)
        return
    if message or measure or margin is not None or write or plot:
        raise InputError("--message, --measure, --margin, --write and --plot are of --arm.")
    if workers or backend or into or resume:
        raise InputError("--workers, --backend, --into and --resume are of --arm and --variants.")
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

    named = recommenders or "chronological,popularity"
    show_comparison(world, named, ticks, replicates or 5, variant=variant, json=json)

"""CLI declaration of ``hubbub compare``: the same world under several conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.minds.run import Goal, MindName, Offline, Who
from sim.cli.program.options import Json
from sim.cli.program.start import prepare
from sim.cli.runs.app import Backend, Into, Resume, Workers
from sim.errors import InputError

Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        help="The other mind: rule, or model,temperature=0, ...",
        rich_help_panel="Minds",
    ),
]
Replies = Annotated[
    Path | None,
    typer.Option(
        help="What models answer is written here; with --offline read from here.",
        rich_help_panel="Minds",
    ),
]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        metavar="'NAME: CHANGES'",
        help='"banned: do=ban agents=top:20:degree at=2". Once for each future: NAME alone is as '
        'it is, "sir: text=Hello model=sir" has a message of its own, "fair: recommender=blend" a '
        "recommender; a semicolon parts several changes.",
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: differences, or a value a run.")]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", metavar="FILE",
        help="Write it to NAME.json, .csv, .jsonl or .parquet; curves of futures to NAME.png, .svg "
        "or .pdf. One of each.",
    ),
]  # fmt: skip


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
    variant: Annotated[
        str,
        typer.Option(
            help="Of a scenario that has several.",
            rich_help_panel="What is compared",
        ),
    ] = "",
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
    inject: Annotated[
        list[str] | None,
        typer.Option(help="Sent in each future: a text, or \"text='...' model=sir beta=0.2\"."),
    ] = None,
    measure: Annotated[
        str,
        typer.Option(
            help="Whose difference is the conclusion; else the share reached.",
            rich_help_panel="What is compared",
        ),
    ] = "",
    margin: Annotated[
        float | None,
        typer.Option(
            help="A difference that would not matter, chosen before the runs.",
            rich_help_panel="What is compared",
        ),
    ] = None,
    workers: Workers = None,
    backend: Backend = "",
    into: Into = None,
    resume: Resume = False,
    json: Json = False,
    csv: Csv = False,
    out: Out = None,
) -> None:
    """Run the same world and seeds under several conditions, and show what differs.

    Recommenders; futures from where the world stands, or of what a scenario does (--arm), or the
    variants of a scenario (--variants); with --minds, --mind and --against two minds of the same
    members. --workers, --backend, --into, --resume, --inject, --measure, --margin and figures are
    of futures.
    """
    prepare(context.obj)
    from sim.cli.program.output import DATA, FIGURES, Output

    of_futures = bool(arm) or variants
    if of_futures and (recommenders or variant or minds is not None):
        raise InputError("Compare one thing: --arm or --variants, or --recommenders, or --minds.")
    endings = (*DATA, *FIGURES) if of_futures else DATA
    output = Output.asked(json=json, csv=csv, out=out, endings=endings)
    if of_futures:
        from sim.cli.runs.compare_futures import FutureOptions, show_futures

        wanted = FutureOptions(
            arm or (), inject or (), variants, ticks, replicates, measure, margin, workers,
            backend, into, resume, output,
        )  # fmt: skip
        show_futures(world, wanted)
        return
    if inject or measure or margin is not None:
        raise InputError("--inject, --measure and --margin are of --arm.")
    if workers or backend or into or resume:
        raise InputError("--workers, --backend, --into and --resume are of --arm and --variants.")
    if minds is not None:
        from sim.cli.minds.compare import ComparisonOptions, show_minds_comparison

        asked = ComparisonOptions(
            minds, mind or "model", against or "rule", goal or "", replies, offline
        )
        show_minds_comparison(world, asked, ticks, replicates or 1, output, variant=variant)
        return
    if any((mind, against, goal, replies, offline)):
        raise InputError("--mind, --against, --goal, --replies, --offline: say whose by --minds.")
    from sim.cli.runs.compare import show_comparison

    named = recommenders or "chronological,popularity"
    show_comparison(world, named, ticks, replicates or 5, output, variant=variant)

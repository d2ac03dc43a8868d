"""``hubbub compare``: the same world under several conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.output import DATA, FIGURES, Json, Output
from sim.cli.run import (
    AnyWorld,
    Backend,
    Goal,
    Into,
    MindName,
    Offline,
    Resume,
    Who,
    Workers,
)  # fmt: skip
from sim.cli.start import prepare
from sim.errors import InputError

_COMPARED = "What is compared"

Recommenders = Annotated[
    str | None,
    typer.Option(
        help="Two or more, separated by commas, or all: see hubbub models --kind recommender. "
        "Default when nothing else is compared: chronological,popularity."
    ),
]
Ticks = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Ticks per run; default: as the scenario says, or 48; with --arm until nothing is "
        "spreading.",
    ),
]
Replicates = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Runs per condition, with seeds from the world's own on; default: 5; with --minds 1, "
        "with --arm 20.",
    ),
]
Variant = Annotated[
    str, typer.Option(help="Which variant of the scenario to use.", rich_help_panel=_COMPARED)
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against", help="The other mind: rule, or model,temperature=0, ...",
        rich_help_panel="Minds",
    ),
]  # fmt: skip
Replies = Annotated[
    Path | None,
    typer.Option(
        help="Write the replies of models here; with --offline read them from here.",
        rich_help_panel="Minds",
    ),
]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm", metavar="'NAME: CHANGES'",
        help='"banned: do=ban agents=top:20:degree at=2". Once per condition: NAME alone is the '
        'baseline, "sir: text=Hello model=sir" has a message of its own, "fair: recommender=blend" '
        "a recommender; a semicolon separates several changes.",
    ),
]  # fmt: skip
Variants = Annotated[
    bool, typer.Option("--variants", help="Compare the variants of a scenario with its base.")
]
Inject = Annotated[
    list[str] | None,
    typer.Option(help="Send in each condition: a text, or \"text='...' model=sir beta=0.2\"."),
]
Measure = Annotated[
    str,
    typer.Option(
        help="Measure of the conclusion; default: the share reached.", rich_help_panel=_COMPARED
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(
        help="A difference that would not matter, chosen before the runs.",
        rich_help_panel=_COMPARED,
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: differences, or one value per run.")]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", metavar="FILE",
        help="Write it to NAME.json, .csv, .jsonl or .parquet; curves of --arm to NAME.png, .svg "
        "or .pdf. One of each.",
    ),
]  # fmt: skip


def compare(
    context: typer.Context, world: AnyWorld, recommenders: Recommenders = None,
    ticks: Ticks = None, replicates: Replicates = None, variant: Variant = "", minds: Who = None,
    mind: MindName = None, against: Against = None, goal: Goal = None, replies: Replies = None,
    offline: Offline = False, arm: Arms = None, variants: Variants = False, inject: Inject = None,
    measure: Measure = "", margin: Margin = None, workers: Workers = None, backend: Backend = "",
    into: Into = None, resume: Resume = False, json: Json = False, csv: Csv = False,
    out: Out = None,
) -> None:  # fmt: skip
    """Run the same world and seeds under several conditions, and show the differences.

    Compares recommenders; with --arm or --variants changes to a world or a scenario; with --minds,
    --mind and --against two minds of the same members. --workers, --backend, --into, --resume,
    --inject, --measure, --margin and figures need --arm or --variants.
    """
    prepare(context.obj)
    of_arms = bool(arm) or variants
    if of_arms and (recommenders or variant or minds is not None):
        raise InputError("Compare one thing: --arm or --variants, or --recommenders, or --minds.")
    endings = (*DATA, *FIGURES) if of_arms else DATA
    output = Output.asked(json=json, csv=csv, out=out, endings=endings)
    if of_arms:
        from sim.cli.futures import show_futures

        show_futures(
            world, arm or (), inject or (), output, variants=variants, ticks=ticks,
            replicates=replicates, measure=measure, margin=margin, workers=workers,
            backend=backend, into=into, resume=resume,
        )  # fmt: skip
        return
    if inject or measure or margin is not None:
        raise InputError("--inject, --measure and --margin need --arm.")
    if workers or backend or into or resume:
        raise InputError("--workers, --backend, --into and --resume need --arm or --variants.")
    if minds is None and any((mind, against, goal, replies, offline)):
        raise InputError("--mind, --against, --goal, --replies and --offline need --minds.")
    from sim.cli import comparing

    if minds is None:
        named = recommenders or "chronological,popularity"
        comparing.show_recommenders(world, named, ticks, replicates or 5, output, variant)
    else:
        comparing.show_minds(
            world, minds, (mind or "model", against or "rule"), goal or "", ticks, replicates or 1,
            output, variant, replies=replies, offline=offline,
        )  # fmt: skip

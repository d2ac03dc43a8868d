"""CLI declaration of ``hubbub seeds``: finds seeds, or members and ties to block."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.options import Csv, Json, Out, Pairs
from sim.cli.program.start import completed, prepare

_AGAINST = "degree,pagerank,discount,core,random, or all. Plain choices; celf in small worlds."


def seeds(
    context: typer.Context,
    world: Annotated[
        str,
        typer.Argument(metavar="WORLD", help="A world file, a saved name, demo, or new:AGENTS."),
    ],
    best: Annotated[
        int | None, typer.Option(help="How many seeds, or members or ties to block; else 10.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Under which model; else that of the settings.", autocompletion=completed("models")
        ),
    ] = "",
    parameter: Pairs = None,
    costs: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="degree (1 + listeners), activity, openness, ..."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="What all seeds may cost together, by --costs.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="opim (with a guarantee), or celf (small worlds).")
    ] = "opim",
    epsilon: Annotated[
        float, typer.Option(help="Looked for is 1 - 1/e - epsilon of the best.")
    ] = 0.1,
    against: Annotated[str, typer.Option(help=_AGAINST)] = "",
    block: Annotated[
        str, typer.Option(metavar="agents|ties", help="Find what to block against a rumour.")
    ] = "",
    rumour: Annotated[
        str, typer.Option(metavar="SEEDS", help="Who has the rumour: random:5, ids:3,9, ...")
    ] = "",
    json: Json = False,
    csv: Csv = False,
    out: Out = None,
) -> None:
    """Find whom to tell first for most reach, or whom to silence against a rumour.

    Seeds come with the reach to expect and how near the best possible they are.
    """
    prepare(context.obj)
    from sim.cli.program.output import Output
    from sim.cli.runs.seeds import SeedsRequest, show_seeds
    from sim.scenario.worlds import assignments

    output = Output.asked(json=json, csv=csv, out=out)
    from sim.lab.seeding import BASELINES

    named = tuple(name.strip() for name in against.split(",") if name.strip())
    asked = SeedsRequest(
        best=10 if best is None and max_cost is None and costs is None else best,
        model=model, parameters=assignments(parameter or ()), costs=costs, budget=max_cost,
        method=method, epsilon=epsilon, against=BASELINES if named == ("all",) else named,
        block=block, rumour=rumour,
    )  # fmt: skip
    show_seeds(world, asked, output)

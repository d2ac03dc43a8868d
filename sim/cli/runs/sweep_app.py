"""The verb that runs a scenario at many points of its parameters; it imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.options import Json, Out
from sim.cli.program.start import prepare
from sim.cli.runs.app import Backend, Resume, Workers


def sweep(
    context: typer.Context,
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="scenario.toml, or gallery:NAME.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=RANGE",
            help="beta=0.1:0.5:9, platform.slots=5,10, network.mean_degree=5:20; may be repeated. "
            "Else as [sweep] says.",
        ),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="grid, latin-hypercube, sobol-sequence, halton; morris, sobol: with indices."
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many; at least 4 x (k + 1) by morris, 32 x (k + 2) by sobol."
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Runs at each point, of the same seeds; else 5.")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            help="What is shown: share, size, depth, peak, ...; last_acts, how a series ended; "
            "else share."
        ),
    ] = None,
    ticks: Annotated[
        int | None, typer.Option(min=0, help="Of each run, at most; else as the scenario says.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the first replicate, and of the design.")
    ] = None,
    variant: Annotated[str, typer.Option(help="Of a scenario that has several.")] = "",
    workers: Workers = None,
    backend: Backend = "",
    into: Annotated[
        Path | None,
        typer.Option(help="Keep each finished run in this file, NAME.runs (a network each one)."),
    ] = None,
    resume: Resume = False,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a line a point.")] = False,
    out: Out = None,
) -> None:
    """Run a scenario at many points of its parameters, and say what the outcome owes to each.

    What would be refused at any point is refused before anything runs. Shows a heat map of two
    parameters, a tornado of any other number, and how sensitive the measure is to each.
    """
    prepare(context.obj)
    from sim.cli.program.output import Output
    from sim.cli.runs.sweep import show_sweep

    how = {
        "design": design, "points": points, "replicates": replicates, "measure": measure,
        "ticks": ticks, "seed": seed, "variant": variant,
        "workers": workers, "backend": backend,
        "into": into, "resume": resume,
    }  # fmt: skip
    show_sweep(scenario, vary or (), how, Output.asked(json=json, csv=csv, out=out))

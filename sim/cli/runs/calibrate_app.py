"""The verb that fits parameters to what was observed; it imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.options import Csv, Json
from sim.cli.program.start import completed, prepare


def calibrate(
    context: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            help="Trees, sizes, a curve or facts (.jsonl, .csv): sim/lab/calibration/README.md."
        ),
    ],
    fit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LOW:HIGH",
            help="A parameter of the model or the network, and its range; NAME alone: its bounds.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="A model, and what it is told: viral,base=0.3.",
            autocompletion=completed("models"),
        ),
    ] = "viral",
    network: Annotated[
        str,
        typer.Option(
            help="A generator, and what it is told: retweet-like,roots=40,agents=200040.",
            autocompletion=completed("networks"),
        ),
    ] = "retweet-like",
    holdout: Annotated[
        float, typer.Option(help="Share of the messages that is not fitted to.")
    ] = 0.5,
    messages: Annotated[int, typer.Option(help="Messages simulated at a point.")] = 40,
    minutes: Annotated[float, typer.Option(help="For how long each is followed.")] = 1440.0,
    seeds: Annotated[
        str, typer.Option(help="Who begins, in turn: top:40, random:40; else the roots.")
    ] = "",
    simulations: Annotated[
        int | None, typer.Option(help="Points to simulate; else 16 a parameter and 16 more.")
    ] = None,
    method: Annotated[str, typer.Option(help="waves, or optuna.")] = "waves",
    level: Annotated[float, typer.Option(help="Of the region of all parameters.")] = 0.95,
    discrepancy: Annotated[
        float, typer.Option(help="By what share the model itself may be off.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="The same seed, the same result.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Points simulated at once.")] = 2,
    json: Json = False,
    csv: Csv = False,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write a report, NAME.md; the fit, NAME.json or .csv; every table into a folder.",
        ),
    ] = None,
) -> None:
    """Fit parameters to messages that were observed, and judge them by others that were not.

    Beside each error stands that of copying the fitted messages, which no model has to beat.
    """
    prepare(context.obj)
    from sim.cli.program.output import DATA, Output
    from sim.cli.runs.calibrate import CalibrationRequest, show_calibration

    plan = {"messages": messages, "minutes": minutes, "seeds": seeds}
    how = {
        "model": model, "network": network, "holdout": holdout, "simulations": simulations,
        "method": method, "level": level, "discrepancy": discrepancy, "seed": seed,
    }  # fmt: skip
    output = Output.asked(json=json, csv=csv, out=out, endings=(*DATA, ".md", ""))
    show_calibration(CalibrationRequest(data, tuple(fit or ()), how, plan, workers), output)

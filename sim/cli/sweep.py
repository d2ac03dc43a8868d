"""``hubbub sweep``: run a scenario at many points of its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim import lab
from sim.cli.output import Json, Out, Output, require_folder, table_of, tell, tell_remarks
from sim.cli.run import Backend, Resume, Workers
from sim.cli.start import prepare
from sim.cli.watch import probe_foreign, watched
from sim.core import threads
from sim.errors import Cancelled, InputError
from sim.scenario.gallery import is_scenario


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
            "Default: [sweep] of the file.",
        ),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(
            help="grid, latin-hypercube, sobol-sequence, halton; with indices: morris, sobol."
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of points; at least 4 x (k + 1) for morris, 32 x (k + 2) for sobol.",
        ),
    ] = None,
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Runs per point, with the same seeds; default: 5.")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            help="Measure to show: share, size, depth, peak, ...; last_acts, how a series ended; "
            "default: share."
        ),
    ] = None,
    ticks: Annotated[
        int | None, typer.Option(min=0, help="Most ticks per run; default: as the scenario says.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the first replicate, and of the design.")
    ] = None,
    variant: Annotated[str, typer.Option(help="Which variant of the scenario to use.")] = "",
    workers: Workers = None,
    backend: Backend = "",
    into: Annotated[
        Path | None,
        typer.Option(help="Keep each finished run in NAME.runs (one file per network)."),
    ] = None,
    resume: Resume = False,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one CSV row per point.")] = False,
    out: Out = None,
) -> None:
    """Run a scenario at many points of its parameters, and show how each affects the outcome.

    Every point is checked before anything runs. Shows a heat map of two parameters, a tornado plot
    of any other number, and how sensitive the measure is to each.
    """
    prepare(context.obj)
    output = Output.asked(json=json, csv=csv, out=out)
    if not is_scenario(scenario):
        raise InputError(
            f"A sweep needs a scenario, NAME.toml or gallery:NAME, not {scenario!r}; "
            "hubbub scenario from-world writes a world as one."
        )
    if resume and into is None:
        raise InputError("--resume needs a file of results; name it: --into FILE.")
    require_folder(into)
    from sim.scenario.sections import split_vary

    ranges: dict[str, Any] = {}
    for words in vary or ():
        name, values = split_vary(words)
        if name in ranges:
            raise InputError(f"--vary {name} is given twice; give it once.")
        ranges[name] = values
    parameters = ranges or None
    probe_foreign()
    with watched() as report:
        try:
            found = lab.sweep_now(
                scenario, parameters=parameters, design=design, points=points,
                replicates=replicates, measure=measure, ticks=ticks, seed=seed, variant=variant,
                workers=workers or threads.workers(), backend=backend or "loky", into=into,
                resume=resume, report=report, tell=tell,
            )  # fmt: skip
        except Cancelled:
            if into is not None:
                tell(f"Finished runs are kept in {into}; add --resume to continue.")
            raise
    output.give(lambda: _facts(found), lambda: found.points, lambda: "\n\n".join(_text(found)))
    tell_remarks(line for one in found.records for line in one.remarks)


def _text(found: lab.Sweep) -> list[str]:
    parts = [found.points.caption, str(found.picture())]
    try:
        parts.append(table_of(found.sensitivity()))
    except InputError as error:
        parts.append(str(error))
    parts.append(found.conclusion().partition("\n")[0])
    return [part for part in parts if part]


def _facts(found: lab.Sweep) -> dict[str, Any]:
    sensitivity = found.tables.get("sensitivity")
    return {
        "design": found.design.kind,
        "measure": found.measure,
        "points": list(found.points.rows()),
        "sensitivity": list(sensitivity.rows()) if sensitivity is not None else [],
        "tornado": list(found.tornado().table().rows()),
    }

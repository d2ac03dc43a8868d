"""The verbs of ``hubbub study``; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.options import Json
from sim.cli.program.panels import VerbApp
from sim.cli.program.start import prepare

studies = VerbApp(
    "Studies that repeat: a question in a file, run with intervals, told as a report."
)

Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@studies.command("new")
def new_study(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="NAME", help="Of the study, or NAME.toml.")],
    force: Force = False,
) -> None:
    """Write a commented study file to begin with; it runs as it is."""
    prepare(context.obj)
    from sim.cli.studies.studies import write_new

    write_new(file, force=force)


@studies.command("run")
def run_study(
    context: typer.Context,
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY", help="A study file; or scenario.toml or gallery:NAME, with variants."
        ),
    ],
    into: Annotated[
        Path | None, typer.Option(help="The file of results; else NAME.runs beside the study.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with that file: only what is missing runs.")
    ] = False,
    replicates: Annotated[
        int | None, typer.Option(help="Runs of each arm; else as the file says.")
    ] = None,
    worlds: Annotated[
        int | None, typer.Option(help="Networks to begin from in turn; else as the file says.")
    ] = None,
    agents: Annotated[
        int | None, typer.Option(help="Members of drawn networks; else as the file says.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Runs at once; else as many as threads.")
    ] = None,
    backend: Annotated[str, typer.Option(help="loky, threading, ray or dask.")] = "loky",
    json: Json = False,
) -> None:
    """Run every arm of a study with the same seeds; say how they differ, and what was expected.

    Each run is kept as soon as it is finished; stopped or killed, it goes on with --resume and
    comes to the same.
    """
    prepare(context.obj)
    from sim.cli.studies.studies import StudyRequest, carry_out_study

    carry_out_study(
        StudyRequest(study, into, resume, replicates, worlds, agents, workers, backend), json=json
    )


@studies.command("report")
def report_study(
    context: typer.Context,
    results: Annotated[
        Path,
        typer.Argument(metavar="RESULTS", help="NAME.runs, or the study whose results lie by it."),
    ],
    out: Annotated[
        list[Path],
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The page: NAME.html in one file, NAME.md with its figures; one of each.",
        ),
    ],
    force: Force = False,
) -> None:
    """Write what came of a study as a page: figures, verdicts, tables, sources, how to repeat it.

    A study that is not finished is told as far as it is.
    """
    prepare(context.obj)
    from sim.cli.studies.studies import write_report

    write_report(results, out, force=force)


@studies.command("schema")
def study_schema(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file; else it is printed.")
    ] = None,
) -> None:
    """Write the JSON Schema of study files, by which editors complete and check them."""
    prepare(context.obj)
    from sim.cli.studies.studies import write_schema

    write_schema(out)

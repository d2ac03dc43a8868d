"""``hubbub study``: write, run, resume and report studies."""

from __future__ import annotations

import json as jsons
import shlex
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from sim import lab
from sim.cli.help import VerbApp
from sim.cli.output import (
    Json,
    again,
    as_json,
    files_of,
    require_folder,
    say,
    spare_worlds,
    table_of,
    tell,
    tell_remarks,
    write_text,
)  # fmt: skip
from sim.cli.start import prepare
from sim.cli.watch import probe_foreign, watched
from sim.core import threads
from sim.core.text import plural
from sim.errors import Cancelled, FileError, InputError
from sim.settings.logging import log

studies = VerbApp("Repeatable studies: a question in a file, run with intervals, with a report.")

Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


@studies.command("new")
def new_study(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="NAME", help="Name of the study, or NAME.toml.")],
    force: Force = False,
) -> None:
    """Write a commented study file to start from; it runs as it is."""
    prepare(context.obj)
    path = lab.named_file(file)
    lab.write_template(path, force=force)
    say(f"Wrote {path}. Run it: hubbub study run {shlex.quote(str(path))}")


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
        Path | None, typer.Option(help="File of results; default: NAME.runs beside the study.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from that file: only what is missing runs.")
    ] = False,
    replicates: Annotated[
        int | None, typer.Option(help="Runs per condition; default: as the file says.")
    ] = None,
    worlds: Annotated[
        int | None, typer.Option(help="Starting networks, used in turn; default: as the file says.")
    ] = None,
    agents: Annotated[
        int | None, typer.Option(help="Members of generated networks; default: as the file says.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Runs at once; default: one per thread.")
    ] = None,
    backend: Annotated[str, typer.Option(help="loky, threading, ray or dask.")] = "loky",
    json: Json = False,
) -> None:
    """Run every condition of a study with the same seeds; show how they differ from expectation.

    Each run is kept as soon as it is finished; stopped or killed, the study continues with --resume
    and gives the same results.
    """
    prepare(context.obj)
    path = into or lab.results_beside(study)
    if path == Path(study):
        raise InputError(f"{path} holds results; name its study, or --into FILE.")
    plan = lab.study_of(study, replicates=replicates, worlds=worlds, agents=agents)
    require_folder(path)
    if into is not None and not resume and not path.exists():
        spare_worlds(path)
    probe_foreign()
    began = perf_counter()
    with watched() as report:
        try:
            found = lab.run_study_now(
                plan, workers=workers or threads.workers(), backend=backend, into=path,
                resume=resume, report=report, tell=tell,
            )  # fmt: skip
        except Cancelled:
            if path.exists():
                tell(f"Finished runs are kept in {path}. To resume: {again(None, '--resume')}")
            raise
    log("ran", command=again(), replicates=plan.said.replicates)
    say(as_json(_facts(found)) if json else "\n\n".join(_text(found)))
    seconds = perf_counter() - began
    show = tell if json else say
    show(f"{plural(found.records.finished, 'run')} in {seconds:.1f} s, kept in {path}.")
    show(f"For a report: hubbub study report {shlex.quote(str(path))} --out report.html")
    tell_remarks(found.records.remarks)


def _text(found: lab.StudyFindings) -> list[str]:
    tables = [found.means, found.differences, *([found.expected] if found.study.claims else [])]
    heading = filter(None, (found.study.name, found.study.said.question))
    return [*heading, *map(table_of, tables), found.conclusion()]


def _facts(found: lab.StudyFindings) -> dict[str, Any]:
    """Return all results, the same for the same study."""
    return {
        "study": found.study.name,
        "question": found.study.said.question,
        "arms": [arm.name for arm in found.study.arms],
        "seeds": list(found.records.seeds),
        "world": found.begun["world"],
        "versions": found.begun["versions"],
        "expected": list(found.expected.rows()),
        "differences": list(found.differences.rows()),
        "means": list(found.means.rows()),
        "conclusion": found.conclusion().splitlines(),
    }


@studies.command("report")
def report_study(
    context: typer.Context,
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="NAME.runs, or the study beside it.")
    ],
    out: Annotated[
        list[Path],
        typer.Option(
            "--out", "-o", metavar="FILE",
            help="The page: NAME.html in one file, NAME.md with its figures; one of each.",
        ),
    ],
    force: Force = False,
) -> None:  # fmt: skip
    """Write the results of a study as a page: figures, verdicts, tables, sources, how to repeat it.

    A study that is not finished is reported as far as it is.
    """
    prepare(context.obj)
    pages = files_of(out, (".html", ".md"))
    file = results.with_suffix(".runs") if results.suffix == ".toml" else results
    if file != results and not file.is_file():
        run = shlex.quote(str(results))
        raise FileError(file, f"does not exist yet; hubbub study run {run} writes it")
    found = lab.read_findings(file)
    progress = "" if found.is_finished else f" {found.how_far()}"
    for page in pages.values():
        say(f"Wrote {found.report(page, force=force)}.{progress}")


@studies.command("schema")
def study_schema(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: print it.")
    ] = None,
) -> None:
    """Write the JSON Schema of study files, for editor completion."""
    prepare(context.obj)
    from sim.lab.studies.study import schema

    require_folder(out)
    spare_worlds(out)
    write_text(out or Path("-"), jsons.dumps(schema(), indent=2) + "\n")

"""``hubbub study``: a file to begin with, its schema, a run that can be stopped, a report."""

from __future__ import annotations

import json as jsons
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.log import log
from sim.cli.program.output import (
    again,
    as_json,
    files_of,
    require_folder,
    say,
    spare_worlds,
    table,
    tell,
    watched,
    write_text,
)
from sim.core.text import one_line
from sim.errors import Cancelled, FileError, InputError

if TYPE_CHECKING:
    from sim.lab.studies import StudyFindings
    from sim.lab.tables import Table


_MOST_REMARKS = 5


def write_new(file: Path, *, force: bool) -> None:
    """Write a study file to begin with.

    Raises
    ------
    FileError
        When it is there, or cannot be written.
    """
    from sim.lab.studies.study import template

    path = file if file.suffix == ".toml" else file.with_name(f"{file.name}.toml")
    require_folder(path)
    if path.exists() and not force:
        raise FileError(path, "is there already; name another, or replace it by --force")
    write_text(path, template(path.stem.replace("-", " ").capitalize()))
    say(f"{path} is written. Run it: hubbub study run {shlex.quote(str(path))}")


def write_schema(into: Path | None) -> None:
    """Write or print the JSON Schema of study files.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    from sim.lab.studies.study import schema

    require_folder(into)
    spare_worlds(into)
    write_text(into or Path("-"), jsons.dumps(schema(), indent=2) + "\n")


def write_report(results: Path, out: Sequence[Path], *, force: bool) -> None:
    """Write the report of a study.

    Parameters
    ----------
    results
        A file of results, or the study beside which it lies.
    out
        ``.html`` and ``.md``, at most one of each.
    force
        Whether to replace what is there.

    Raises
    ------
    FileError, InputError
        One sentence.
    """
    from sim.lab.studies import read_findings

    pages = files_of(out, (".html", ".md"))
    file = results.with_suffix(".runs") if results.suffix == ".toml" else results
    if file != results and not file.is_file():
        run = shlex.quote(str(results))
        raise FileError(file, f"there are no results yet; hubbub study run {run} makes them")
    found = read_findings(file)
    said = "" if found.is_finished else f" {found.how_far()}"
    for page in pages.values():
        say(f"{found.report(page, force=force)} is written.{said}")


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What was typed to run a study.

    Parameters
    ----------
    study
        A file, or ``gallery:NAME``.
    into, resume
        The file of results, None: beside the study; whether to go on with it.
    replicates, worlds, agents, workers
        None: as the file says; as many as threads.
    backend
        Of the workers.
    """

    study: str
    into: Path | None = None
    resume: bool = False
    replicates: int | None = None
    worlds: int | None = None
    agents: int | None = None
    workers: int | None = None
    backend: str = "loky"

    @property
    def results(self) -> Path:
        """The file of results."""
        from sim.lab.studies import results_beside

        return self.into or results_beside(self.study)


def carry_out_study(asked: StudyRequest, *, json: bool) -> None:
    """Run a study, keep each run, and show what came of it.

    Raises
    ------
    HubbubError
        One sentence; what is finished is in the file of results.
    """
    from sim.core.threads import workers
    from sim.lab.studies import run_study_now, study_of

    path = asked.results
    if path == Path(asked.study):
        raise InputError(f"{path} holds results; name the study that they are of, or --into FILE.")
    study = study_of(
        asked.study, replicates=asked.replicates, worlds=asked.worlds, agents=asked.agents
    )
    require_folder(path)
    if asked.into is not None and not asked.resume and not path.exists():
        spare_worlds(path)
    probe_foreign()
    began = perf_counter()
    with watched() as report:
        try:
            found = run_study_now(
                study, workers=asked.workers or workers(), backend=asked.backend,
                into=path, resume=asked.resume, report=report, tell=tell,
            )  # fmt: skip
        except Cancelled:
            if path.exists():
                tell(f"What is finished is kept in {path}. On with it: {again(None, '--resume')}")
            raise
    log("ran", command=again(), replicates=study.said.replicates)
    say(as_json(_facts(found)) if json else "\n\n".join(_told(found)))
    seconds = perf_counter() - began
    show = tell if json else say
    show(f"{found.records.finished:,} runs, {seconds:.1f} s, kept in {path}.")
    show(f"Its report: hubbub study report {shlex.quote(str(path))} --out report.html")
    for line in _remarks(found):
        tell(line)


def _told(found: StudyFindings) -> list[str]:
    said = [found.study.name, found.study.said.question]
    shown = [found.means, found.differences, *([found.expected] if found.study.claims else [])]
    return [*filter(None, said), *map(_plain, shown), found.conclusion()]


def _plain(rows: Table) -> str:
    from sim.lab.tables import shown

    lines = table([rows.names, *([shown(v) for v in row.values()] for row in rows.rows())])
    return f"{rows.caption}\n{lines}"


def _facts(found: StudyFindings) -> dict[str, Any]:
    """Return everything found, the same for the same study."""
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


def _remarks(found: StudyFindings) -> list[str]:
    every = found.records.remarks
    more = len(every) - _MOST_REMARKS
    shown = [one_line(line) for line in every[:_MOST_REMARKS]]
    return [*shown, *([f"{more} more remarks."] if more > 0 else [])]

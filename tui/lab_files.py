"""Files of the lab: studies, scenarios to sweep, data to fit; list, check, write, run them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import lab
from sim.errors import FileError, HubbubError
from tui.experiments import FilePlan
from tui.safe_text import line
from tui.text import count

if TYPE_CHECKING:
    from sim.lab import Result, Study, StudyFindings


GALLERY = "gallery:"
MOST_FILES = 200
"""Maximum number of files of a folder that are examined."""
MOST_BYTES = 1 << 20
"""Maximum bytes of an edited file; scenarios have the same limit."""


@dataclass(frozen=True)
class LabFile:
    """A file that describes many runs."""

    path: Path  # the file
    kind: str  # `"study"`, or `"sweep"`: a scenario that says what varies
    title: str  # what it is about
    state: str  # how many of its runs are kept


@dataclass(frozen=True)
class Diagnostic:
    """An error in a text."""

    sentence: str  # the error, its place, and what is allowed
    row: int = -1  # its line, from 0; -1: the whole text


def named_file(name: str) -> Path:
    """Return the named file, with or without its suffix; relative paths start here."""
    path = Path(name).expanduser()
    return path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")


def lab_files(folder: Path) -> list[LabFile]:
    """List the studies of a folder, and its scenarios with a ``[sweep]``, by name."""
    found = []
    for path in sorted(folder.glob("*.toml"))[:MOST_FILES]:
        try:
            known = _looked_at(path)
        except HubbubError:  # opening it shows the error
            continue
        if known is not None:
            found.append(known)
    return found


def _looked_at(path: Path) -> LabFile | None:
    from sim.lab.studies import results_beside
    from sim.scenario.spec import toml_table

    table = toml_table(path)
    if "study" in table or "arms" in table:
        said = table.get("study")
        title = str(said.get("title", "")) if isinstance(said, dict) else ""
        return LabFile(path, "study", title or path.stem, _state(results_beside(path)))
    if "sweep" in table:
        about = table.get("about")
        title = str(about.get("title", "")) if isinstance(about, dict) else ""
        return LabFile(path, "sweep", title or path.stem, _state(sweep_results(str(path))))
    return None


def scenario_title(path: Path) -> str | None:
    """Return the title of a scenario; None: it is not one, or cannot be read."""
    from sim.scenario.spec import toml_table

    try:
        table = toml_table(path)
    except HubbubError:
        return None
    if {"study", "arms"} & {*table} or not {"network", "messages", "platform"} & {*table}:
        return None
    about = table.get("about")
    return str(about.get("title", "")) if isinstance(about, dict) else ""


def _state(results: Path) -> str:
    try:
        kept = kept_in(results)
    except FileError:
        return "its results cannot be read, or are being written"
    return f"{count(kept)} runs kept" if kept else "not run"


def kept_in(results: Path) -> int:
    """Return the number of finished runs in a results file and the numbered files beside it."""
    from sim.lab.runs.results import finished_in

    return sum(finished_in(path) for path in results_of(results))


def results_of(results: Path) -> list[Path]:
    """Return the existing results files: the named one, or the numbered ones for each network."""
    numbered = re.compile(re.escape(results.stem) + r"\.\d+" + re.escape(results.suffix))
    beside = sorted(results.parent.glob(f"*{results.suffix}")) if results.parent.is_dir() else []
    return [each for each in beside if each == results or numbered.fullmatch(each.name)]


def remove_results(results: Path) -> None:
    """Delete a results file and the numbered files beside it."""
    for path in results_of(results):
        path.unlink(missing_ok=True)


def sweep_results(where: str) -> Path:
    """Return the default results file of a sweep: ``NAME.sweep.runs`` beside it."""
    if where.startswith(GALLERY):
        return Path(f"{where.removeprefix(GALLERY)}.sweep.runs")
    return Path(where).with_suffix(".sweep.runs")


# -- texts ------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """Return the text of a file to edit."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileError(path, "is longer than 1 MiB; edit it with another program")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise FileError(path, f"{reason}; `study new {path.stem}` writes one") from None
    except UnicodeDecodeError:
        raise FileError(path, "is not a UTF-8 text file; name a study or a scenario") from None


def write_text(path: Path, text: str, *, force: bool = True) -> None:
    """Write a text atomically; a write error leaves the file unchanged."""
    from sim.io.exporting.export import outlet

    with outlet(path, force=force) as (draft,):
        draft.write_text(text, encoding="utf-8")


def write_new_study(path: Path) -> None:
    """Write a commented template study."""
    from sim.lab.studies import template

    if path.exists():
        raise FileError(path, f"is there already; `study edit {path.stem}` opens it")
    if not path.parent.is_dir():
        raise FileError(path, f"there is no folder {path.parent}; make it first")
    write_text(path, template(path.stem.replace("-", " ").capitalize()), force=False)


def fault_of(path: Path, text: str) -> Diagnostic | None:
    """Return the first error in the text of a study or scenario; None: it is valid."""
    from sim.lab.studies import study_of
    from sim.scenario.plan import Stop
    from sim.scenario.spec import scenario_from, toml_text

    try:
        table = toml_text(path, text)
        if {"study", "arms"} & {*table}:
            study_of(path, text=text)
        else:
            scenario_from(path, table).plan(Stop(None)).check()
    except HubbubError as error:
        said = error.reason if isinstance(error, FileError) else str(error)
        return Diagnostic(line(said, 600), _row_of(text, said))
    return None


_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)")
_SECTION = re.compile(r"\[{1,2}([^\]\n]+)\]{1,2}(?: (?:number )?(\d+))?")
_KEY = re.compile(r"^\s*(?:\"([^\"]+)\"|([\w-]+))\s*=")


def _row_of(text: str, said: str) -> int:
    """Return the line that a sentence names; -1: none."""
    if syntax := _SYNTAX.search(said):
        return int(syntax.group(1)) - 1
    if "(at end of document)" in said:
        return max(0, len(text.splitlines()) - 1)
    named = _SECTION.search(said)
    if named is None:
        return -1
    rows, wanted = text.splitlines(), named.group(1)
    heads = [
        row for row, each in enumerate(rows) if each.strip().strip("[]") == wanted
        and each.strip().startswith("[")
    ]  # fmt: skip
    if not heads:
        return -1
    head = heads[min(int(named.group(2) or 1), len(heads)) - 1]
    after = said[named.end() :]
    for row in range(head + 1, len(rows)):
        if rows[row].lstrip().startswith("["):
            break
        key = _KEY.match(rows[row])
        if key and re.search(rf"(?<![\w-]){re.escape(key[1] or key[2])}(?![\w-])", after):
            return row
    return head


# -- plans ------------------------------------------------------------------------------------


def study_plan(study: Study, into: Path, again: str) -> FilePlan:
    """Return a plan that runs a study, and resumes its results file."""

    def look(progress: Any) -> StudyFindings:
        return lab.StudyFindings(study, progress.records())

    async def begin(**how: Any) -> Result:
        with _saying_how(into, again):
            return await lab.run_study(study, into=into, resume=True, **how)

    total = len(study.arms) * study.said.replicates
    return FilePlan(f"study {study.name}", begin, look, into, total)


def sweep_plan(
    where: str, how: Mapping[str, Any], into: Path | None, message: Mapping[str, Any] | None = None
) -> FilePlan:
    """Return a plan that runs a sweep, and resumes its results file."""

    def look(progress: Any) -> Result:
        found: Result = progress.sweep()
        return found

    async def begin(**workers: Any) -> Result:
        world, asked = workers.pop("world", None), {**how, **workers}
        with _saying_how(into, f"sweep {where} ..."):
            if message is None:
                return await lab.sweep(where, **asked, into=into, resume=into is not None)
            return await lab.sweep(
                world, messages=message, **asked, into=into, resume=into is not None
            )

    return FilePlan(f"sweep of {where}", begin, look, into, needs_world=message is not None)


@contextmanager
def _saying_how(into: Path | None, again: str) -> Iterator[None]:
    """Add to the error of a mismatched results file how to remove it."""
    try:
        yield
    except FileError as error:
        if into is None or not error.reason.endswith("to start over"):
            raise
        reason = f"{error.reason} (into=FILE), or type `{again} anew`, which asks first"
        raise FileError(error.path, reason) from None


def calibration_plan(data: Path, how: Mapping[str, Any]) -> FilePlan:
    """Return a plan that fits parameters to observed messages."""

    async def begin(*, workers: int, report: Any, **_others: Any) -> Result:
        return await lab.calibrate(data, **how, workers=workers, report=report)

    return FilePlan(f"calibration on {data.name}", begin)

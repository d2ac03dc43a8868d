"""Files of the lab: studies, scenarios to play or sweep; listed, checked, written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.arrays import F64
from sim.core.text import clip, count, one_line
from sim.errors import FileError, HubbubError
from sim.lab.runs.results import finished_in
from sim.lab.studies.study import results_beside, study_of
from sim.scenario.gallery import PREFIX, gallery_names, gallery_path, is_scenario
from sim.scenario.plan import Stop
from sim.scenario.spec import scenario_from, toml_table, toml_text

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


def named_file(name: str | Path) -> Path:
    """Return the named file, with or without its suffix; relative paths start here."""
    path = Path(name).expanduser()
    return path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")


def where_of(name: str) -> str:
    """Return the scenario or study that was named: ``gallery:NAME``, or a file."""
    return name if name.startswith(PREFIX) else str(named_file(name))


def scenario_at(name: str) -> str:
    """Return the scenario that was named: a file, or else one of the gallery."""
    if is_scenario(name) or named_file(name).exists() or name not in gallery_names():
        return where_of(name)
    return PREFIX + name


def lab_files(folder: Path) -> list[LabFile]:
    """List the studies of a folder, and its scenarios with a ``[sweep]``, by name."""
    every = sorted(folder.glob("*.toml"))[:MOST_FILES]
    return [known for known in map(_looked_at, every) if known is not None]


def _looked_at(path: Path) -> LabFile | None:
    table = _table(path)
    if "study" in table or "arms" in table:
        title = _of_section(table, "study").get("title", path.stem)
        return LabFile(path, "study", str(title), _state(results_beside(path)))
    if "sweep" in table:
        title = _of_section(table, "about").get("title", path.stem)
        return LabFile(path, "sweep", str(title), _state(sweep_results(str(path))))
    return None


def _table(path: Path) -> Mapping[str, Any]:
    """Return a file's contents; empty if it cannot be read: opening it shows the error."""
    try:
        return toml_table(path)
    except HubbubError:
        return {}


def _of_section(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def scenarios() -> list[str]:
    """List the scenarios of this folder, which can be played, and the gallery."""
    here = [str(path) for path in sorted(Path().glob("*.toml")) if _is_played({*_table(path)})]
    return [*here, *(PREFIX + name for name in gallery_names())]


def _is_played(named: set[str]) -> bool:
    return not {"study", "arms"} & named and bool({"network", "messages", "platform"} & named)


def _state(results: Path) -> str:
    try:
        kept = kept_in(results)
    except FileError:
        return "its results cannot be read, or are being written"
    return f"{count(kept)} runs kept" if kept else "not run"


def kept_in(results: Path) -> int:
    """Return the number of finished runs in a results file and the numbered files beside it."""
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
    return Path(where.removeprefix(PREFIX).removesuffix(".toml") + ".sweep.runs")


# -- stories ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScenarioStory:
    """What a scenario asks, claims and expects, and what its runs showed."""

    where: str  # `gallery:NAME`, or a file
    title: str
    question: str
    claim: str
    variants: tuple[str, ...]
    still: Mapping[str, Any]  # of runs made once, see `tests.docs.gallery_page`; empty: none

    @property
    def measure(self) -> str:
        """The measure that its claims are about; empty: unknown."""
        return str(self.still.get("measure", ""))

    def course(self, variant: str) -> F64:
        """Return the mean course of a variant in these runs, tick by tick."""
        points = np.array(self.still["courses"][variant], np.float64)
        ticks = np.arange(len(points)) * self.still["step"]
        return np.interp(np.arange(ticks[-1] + 1), ticks, points)


def story_of(where: str) -> ScenarioStory:
    """Return the story of a scenario: a file, or ``gallery:NAME``."""
    is_ours = where.startswith(PREFIX)
    path = gallery_path(where) if is_ours else Path(where)
    stills = json.loads((path.parent / "stills.json").read_text("utf-8")) if is_ours else {}
    table = _table(path)
    about = _of_section(table, "about")
    title, question, claim = (
        clip(one_line(str(about.get(key, ""))), 400) for key in ("title", "question", "sees")
    )
    variants = tuple(_of_section(table, "variants"))
    return ScenarioStory(
        where, title, question, claim, variants, stills.get(where.removeprefix(PREFIX), {})
    )


# -- texts ------------------------------------------------------------------------------------


def text_of_file(path: Path) -> str:
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


def fault_of(path: Path, text: str) -> Diagnostic | None:
    """Return the first error in the text of a study or scenario; None: it is valid."""
    try:
        table = toml_text(path, text)
        if {"study", "arms"} & {*table}:
            study_of(path, text=text)
        else:
            scenario_from(path, table).plan(Stop(None)).check()
    except HubbubError as error:
        said = error.reason if isinstance(error, FileError) else str(error)
        return Diagnostic(clip(one_line(said), 600), _row_of(text.splitlines(), said))
    return None


_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)")
_SECTION = re.compile(r"\[{1,2}([^\]\n]+)\]{1,2}(?: (?:number )?(\d+))?")
_KEY = re.compile(r"^\s*(?:\"([^\"]+)\"|([\w-]+))\s*=")


def _row_of(rows: list[str], said: str) -> int:
    """Return the line that a sentence names: by number, or by section and key; -1: none."""
    if syntax := _SYNTAX.search(said):
        return int(syntax[1]) - 1
    if "(at end of document)" in said:
        return max(0, len(rows) - 1)
    named = _SECTION.search(said)
    is_head = [each.lstrip().startswith("[") for each in rows]
    heads = [
        row for row, each in enumerate(rows)
        if named and is_head[row] and each.strip().strip("[]") == named[1]
    ]  # fmt: skip
    if named is None or not heads:
        return -1
    head = heads[min(int(named[2] or 1), len(heads)) - 1]
    end = next((row for row in range(head + 1, len(rows)) if is_head[row]), len(rows))
    for row in range(head + 1, end):
        key = _KEY.match(rows[row])
        name = re.escape(key[1] or key[2]) if key else ""
        if key and re.search(rf"(?<![\w-]){name}(?![\w-])", said[named.end() :]):
            return row
    return head

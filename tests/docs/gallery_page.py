"""The page of the gallery: what each scenario teaches, and whether it was seen, with intervals.

``python -m tests.docs.gallery_page --write`` runs all of them as studies, a minute or two, and
writes ``sim/scenario/gallery/README.md`` with a figure beside it for each, and ``stills.json``:
what the gallery of the screen shows of each before it is played.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import sim
from sim import lab
from sim.lab.statistics.differences import amount
from sim.lab.studies.findings import StudyFindings, Verdict, figures_of
from sim.scenario import gallery_names

FOLDER = Path(sim.__file__).parent / "scenario" / "gallery"
PAGE = FOLDER / "README.md"
REPLICATES, WORLDS = 20, 20
MOST_POINTS = 40
"""Points of a course in a still."""
SMALLER = {
    "breaking-news": 2000, "echo-chamber": 2000, "herd-effect": 2000, "sybil-attack": 2000,
}  # fmt: skip
"""Agents of those that live on a platform; the others have as many as their file says."""

_HEAD = f"""\
# The gallery
Ten scenarios that come with Hubbub, each with one thing to teach. Each is a study too: `hubbub
study run gallery:NAME` checks what it claims, `hubbub study report` writes a page of its own.
What follows is such a run of each: {REPLICATES} replicates of every variant, the same draws under
each, begun from {WORLDS} networks drawn by the scenario's generator. A claim *agrees* where the
95 % interval of its paired difference (Student's t) leaves out 0 on the side that was expected,
*disagrees* on the other; else it is *undecided*. Each interval is right by itself. Only what is
listed as a claim was tested; what the words say beyond that is told under *But*.
"""

BUT = {
    "complex-contagion": "The ring does carry the complex contagion on at four members a tick, and "
    "is not all round when the run ends: longer runs would tell.",
    "super-spreader-ban": "*About as many as before* is no claim, and not quite so: with members "
    "drawn at random gone the rumour reaches a little less than with nobody gone (see the means).",
    "sybil-attack": "That bought likes *do nothing* under trust or age is not tested: no variant "
    "is without them.",
    "opinion-polarisation": "That there are about 1 / (2 epsilon) camps is the paper's; they are "
    "not counted here.",
}
"""What the words of a scenario say that its claims do not test, or that was not seen."""


def ran(name: str) -> StudyFindings:
    """Run one as the page has it."""
    return lab.run_study_now(
        f"gallery:{name}", replicates=REPLICATES, worlds=WORLDS, agents=SMALLER.get(name),
        workers=1,
    )  # fmt: skip


def section(name: str, found: StudyFindings) -> str:
    """Return what the page says of one."""
    return "\n".join([*_lines(name, found), ""])


def _lines(name: str, found: StudyFindings) -> Iterator[str]:
    said = found.study.said
    yield f"## {said.title}"
    yield f"**Asks**: {said.question}  "
    yield f"**Teaches**: {said.sees}  "
    yield f"**After**: {said.source}\n"
    yield "| claim | verdict | difference | 95 % interval |"
    yield "|---|---|---:|---:|"
    yield from (_row(verdict) for verdict in found.verdicts)
    yield f"\n![{name}: {found.study.measures[0]} under each variant]({name}.svg)\n"
    yield _means(found)
    if name in BUT:
        yield f"**But**: {BUT[name]}\n"
    size = SMALLER.get(name)
    small = "" if size is None else f" --agents {size}"
    yield (
        f"`hubbub study run gallery:{name} --replicates {REPLICATES} --worlds {WORLDS}{small}`: "
        f"{found.records.agents:,} agents. The figure: {figures_of(found)[0].caption}"
    )


def _means(found: StudyFindings) -> str:
    means = found.means.where(measure=found.study.measures[0])
    said = ", ".join(
        f"{row['arm']} {amount(row['mean'])} ({amount(row['low'])} to {amount(row['high'])})"
        for row in means.rows()
    )
    return f"**Means** of {found.study.measures[0]}: {said}.  "


def _row(verdict: Verdict) -> str:
    low, high = verdict.found.interval[:2]
    return (
        f"| {verdict.claim} | {verdict.word} | {amount(verdict.found.mean)} | "
        f"{amount(low)} to {amount(high)} |"
    )


def still(found: StudyFindings) -> dict[str, Any]:
    """Return what the screen shows of one before it is played: each variant's median course."""
    measure, arms = found.study.measures[0], found.study.arms
    series = "ever" if measure.startswith(("share", "shown")) else f"metric_{measure}"
    ended, courses = {}, {}
    for name in (arm.name for arm in arms):
        values, rows = found.values(measure, name), found.futures.curve(series, name)
        known = np.flatnonzero(~np.isnan(rows).all(axis=0))
        median = np.nanmedian(rows[:, known], axis=0)
        courses[name] = np.interp(np.arange(rows.shape[1]), known, median)
        ended[name] = [float(f"{f(values):.4g}") for f in (np.min, np.mean, np.max)]
    step = -(-max(map(len, courses.values())) // MOST_POINTS)
    drawn = {n: [float(f"{y:.3g}") for y in course[::step]] for n, course in courses.items()}
    claims = [[str(each.claim), each.word] for each in found.verdicts]
    return {"measure": measure, "series": series, "agents": found.records.agents, "step": step,
            "ended": ended, "claims": claims, "courses": drawn}  # fmt: skip


def write() -> None:
    """Run all, and write the page and its figures."""
    parts, stills = [_HEAD], {}
    for name in gallery_names():
        found = ran(name)
        stills[name] = still(found)
        parts.append(section(name, found))
        (FOLDER / f"{name}.svg").write_text(figures_of(found)[0].svg, "utf-8")
    PAGE.write_text("\n".join(parts), "utf-8")
    lines = (f"{json.dumps(name)}: {json.dumps(each)}" for name, each in stills.items())
    (FOLDER / "stills.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    write()

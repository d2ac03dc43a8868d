"""The report of a study: what was asked, what was seen, and everything to repeat it.

Pages are made of blocks; :mod:`~sim.lab.studies.pages` writes them as HTML or Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.core.cards import card_of
from sim.core.text import one_line
from sim.core.toml import toml_key, toml_value
from sim.lab.studies.figures import Drawn, Marked, curves_drawn, means_drawn
from sim.lab.studies.findings import StudyFindings, Verdict
from sim.lab.studies.pages import Block, write_page
from sim.lab.studies.study import Study
from sim.scenario.odd import described, plugins_of

__all__ = ["blocks_of", "figures_of", "study_as_toml", "write_report"]

_MOST_FIGURES = 6
_MOST_SEEDS = 200


def write_report(found: StudyFindings, path: Path, *, force: bool) -> Path:
    """Write a report; see :meth:`~sim.lab.studies.findings.StudyFindings.report`."""
    return write_page(found.study.name, list(blocks_of(found)), path, force=force)


def blocks_of(found: StudyFindings) -> Iterator[Block]:
    """Yield what the report says, from the question to the last detail."""
    said = found.study.said
    for label, text in (("Question", said.question), ("Expected", said.sees)):
        if text:
            yield Block("text", f"{label}: {text}")
    if said.source:
        yield Block("text", f"After: {said.source}")
    if not found.is_finished:
        yield Block("text", found.how_far())
    yield from _answer(found)
    yield from _numbers(found)
    yield from _repeat(found)
    yield from _models(found.study)
    yield Block("heading", "The base by the ODD protocol")
    yield Block("markdown", described(found.study.base))


def _answer(found: StudyFindings) -> Iterator[Block]:
    yield Block("heading", "What was seen")
    if found.verdicts:
        yield Block("list", [_judged(verdict) for verdict in found.verdicts])
        yield Block("table", found.expected)
    yield Block("list", found.sentences(found.study.measures[0]))
    for figure in figures_of(found):
        yield Block("figure", figure)


def _judged(verdict: Verdict) -> str:
    words = {
        "agrees": "seen: ", "disagrees": "not seen, the runs disagree: ",
        "undecided": "undecided, the interval holds 0 or is not known: ",
    }  # fmt: skip
    return f"{words[verdict.word]}{verdict.claim}".capitalize()


def figures_of(found: StudyFindings) -> list[Drawn]:
    """Return the figures: each measure by arm, and how messages spread where some were sent."""
    drawn = [_means(found, measure) for measure in found.study.measures[:_MOST_FIGURES]]
    curves = found.complete.curves
    if len(curves) and "ever" in curves and np.nansum(curves["ever"]) > 0:
        arms = [(arm.name, found.complete.curve("ever", arm.name)) for arm in found.study.arms]
        caption = (
            "Agents that took a message up by then, tick by tick: the mean of each arm to the end "
            "of its longest run, and the middle nine tenths of its replicates."
        )
        drawn.append(curves_drawn("spread", caption, arms))
    return drawn


def _means(found: StudyFindings, measure: str) -> Drawn:
    means = found.means.where(measure=measure)
    rows = [
        Marked(arm.name, found.values(measure, arm.name), *(float(means[key][place]) for key in
               ("mean", "low", "high")))
        for place, arm in enumerate(found.study.arms)
    ]  # fmt: skip
    caption = f"{measure}: each replicate, the mean, and its 95 % interval."
    return means_drawn(f"measure-{found.study.measures.index(measure) + 1}", caption, rows)


def _numbers(found: StudyFindings) -> Iterator[Block]:
    yield Block("heading", "Numbers")
    yield Block("table", found.means)
    yield Block("table", found.differences)
    for measure in found.study.measures[1:]:
        yield Block("list", found.sentences(measure))
    yield Block("heading", "The arms")
    yield Block("list", [_arm_said(arm.name, arm.keys) for arm in found.study.arms])
    if found.records.remarks:
        yield Block("heading", "Remarks of the runs")
        yield Block("list", list(found.records.remarks))


def _arm_said(name: str, keys: Mapping[str, Any]) -> str:
    said = ", ".join(f"{key} = {toml_value(value)}" for key, value in keys.items())
    return f"{name}: {said or 'the base as it stands'}"


def _repeat(found: StudyFindings) -> Iterator[Block]:
    study, versions = found.study, found.begun.get("versions", {})
    seeds = found.records.seeds
    shown = ", ".join(map(str, seeds[:_MOST_SEEDS])) + (" ..." if len(seeds) > _MOST_SEEDS else "")
    yield Block("heading", "To repeat it")
    yield Block(
        "text", "Save the study below as study.toml; the same versions give the same table."
    )
    yield Block("code", "hubbub study run study.toml --into study.runs\n"
                        "hubbub study report study.runs --into report.html")  # fmt: skip
    yield Block("list", [
        f"It was called {study.called}.",
        f"{found.records.finished:,} runs: {len(seeds):,} replicates of {len(study.arms)} arms, "
        f"{study.ticks:,} ticks at most; one seed draws the same under every arm.",
        f"Seeds of the replicates: {shown}",
        _networks(found),
        f"Digests of the base worlds: {_digests(found)}",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        *_written_for(study, versions),
    ])  # fmt: skip
    yield Block("code", study_as_toml(study))


def _networks(found: StudyFindings) -> str:
    many, agents = found.study.said.worlds, f"{found.records.agents:,} agents"
    if many == 1:
        return (
            f"{agents}; every replicate begins from the same network, so the intervals are of "
            "other draws on it, and not of other networks (worlds = 10 takes ten)."
        )
    first = found.study.base.network.seed
    return (
        f"{agents}; replicates begin from {many:,} networks in turn, of the seeds {first} to "
        f"{first + many - 1}."
    )


def _digests(found: StudyFindings) -> str:
    world = found.begun.get("world", "")
    if isinstance(world, str):
        return world
    names = (arm.name for arm in found.study.arms)
    return "; ".join(f"{name}: {' '.join(own)}" for name, own in zip(names, world, strict=True))


def _written_for(study: Study, versions: Mapping[str, Any]) -> list[str]:
    other = {n: v for n, v in study.said.versions.items() if str(versions.get(n, "")) != v}
    if not other:
        return []
    said = ", ".join(f"{name} {version}" for name, version in other.items())
    return [f"The study was written for {said}, and ran with others."]


def study_as_toml(study: Study) -> str:
    """Return a study as a file, its base included.

    Examples
    --------
    >>> from sim.lab.studies import study_of
    >>> found = study_of("gallery:product-launch", agents=300)
    >>> "[arms.hubs]" in study_as_toml(found)
    True
    """
    parts = []
    for name, section in study.table.items():
        if name == "arms":
            parts += [_section(f"[arms.{toml_key(arm)}]", keys) for arm, keys in section.items()]
        elif isinstance(section, list):
            parts += [_section(f"[[{name}]]", block) for block in section]
        elif isinstance(section, dict):
            parts.append(_section(f"[{name}]", section))
        else:
            parts.insert(0, f"{name} = {toml_value(section)}\n")
    return "\n".join(parts)


def _section(head: str, keys: Mapping[str, Any]) -> str:
    return "".join([f"{head}\n", *(f"{toml_key(k)} = {toml_value(v)}\n" for k, v in keys.items())])


def _models(study: Study) -> Iterator[Block]:
    yield Block("heading", "Models and their sources")
    found: dict[str, str] = {}
    for arm in study.arms:
        for plugin in plugins_of(arm.scenario):
            source = one_line(card_of(type(plugin)).source)
            found[plugin.plugin_name] = source or "no source is stated"
    lines = [f"{name}: {source}" for name, source in found.items()]
    yield Block("list", lines or ["None: nothing was sent."])

"""``hubbub compare``: the same world and seeds under several recommenders, side by side."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.output import Output, table, tell, watched
from sim.cli.worlds.open_save import AUTHOR
from sim.core.progress import Report
from sim.errors import InputError
from sim.scenario.gallery import is_scenario, open_scenario
from sim.scenario.plan import Stop

if TYPE_CHECKING:
    from sim.lab.paired import Difference
    from sim.lab.recommenders import Comparison
    from sim.lab.tables import Table
    from sim.scenario.driver import Program
    from sim.scenario.spec import Scenario
    from sim.world.world import World


_TICKS = 48
_BESIDE = 4
"""Recommenders that stand side by side; of more, each has a line."""
_MANY = "Means over seeds; name four or fewer for differences and what papers say of them."


def show_comparison(
    where: str,
    recommenders: str,
    ticks: int | None,
    replicates: int,
    output: Output,
    *,
    variant: str = "",
) -> None:
    """Run and write a comparison.

    Parameters
    ----------
    where
        A world as every verb takes it, a scenario file, or ``gallery:NAME``.
    recommenders
        Names, separated by commas; or ``all``.
    ticks, replicates
        How long each run is (None: as the scenario says, else 48), and how many seeds there are,
        one for each replicate.
    output
        How it is printed, and what it is written to.
    variant
        Of a scenario that has several.

    Raises
    ------
    HubbubError
        One sentence.
    """
    chosen = _named(recommenders)
    probe_foreign()
    with watched() as report:
        from sim.lab.recommenders import compare_recommenders_now, vetted
        from sim.lab.runs import seeds_from

        vetted(chosen, 1 if ticks is None else ticks, seeds_from(0, replicates))
        subject = subject_of(where, variant, report)
        first = subject.make(None).seed
        found = compare_recommenders_now(
            subject.make, chosen, ticks=ticks or subject.ticks or _TICKS,
            seeds=seeds_from(first, replicates), program=subject.program, report=report,
        )  # fmt: skip
    output.give(
        lambda: _facts(found), lambda: _values(found), lambda: "\n\n".join(_text(found, where))
    )


def _named(said: str) -> list[str]:
    """Return the recommenders that are named; ``all`` is every one that feeds can be ranked by."""
    from sim.core.registry import names

    if said.strip() == "all":
        return list(names("recommender"))
    return [name.strip() for name in said.split(",") if name.strip()]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: how the world of a seed is made (None: of its own), what is done to it."""

    make: Callable[[int | None], World]
    ticks: int | None = None
    program: Program | None = None


def subject_of(where: str, variant: str, report: Report) -> Subject:
    """Return what a person names: a world, or a scenario, whose plan has begun in each world.

    Raises
    ------
    HubbubError
        One sentence.
    """
    if is_scenario(where):
        return _of_scenario(open_scenario(where, variant), report)
    if variant:
        raise InputError("Variants belong to scenarios; leave out --variant.")
    from sim.cli.worlds.open_save import open_world

    return Subject(lambda seed: open_world(where, report, seed=seed))


def _of_scenario(scenario: Scenario, report: Report) -> Subject:
    # Rules decide for all, and each run lasts as long as the others.
    plan = replace(scenario.plan(author=AUTHOR), minds=None, stop=Stop(sys.maxsize))

    def make(seed: int | None) -> World:
        world = scenario.world(report, seed, tell=tell, author=AUTHOR)
        plan.prepare(world)
        if world.platform is None:
            world.open_platform()
        for message in plan.messages:
            message.inject(world)
        for remark in world.remarks if seed is None else ():  # once, not for each run
            tell(remark)
        return world

    return Subject(make, scenario.stop.ticks, plan)


def _facts(found: Comparison) -> dict[str, Any]:
    from sim.lab.runs.measures import FEED_MEASURES as MEASURES

    pairs = list(combinations(found.names, 2))
    return {
        "recommenders": found.names,
        "seeds": found.seeds,
        "ticks": found.ticks,
        "measures": [
            {
                "name": name,
                "group": measure.group,
                "says": measure.says,
                "means": {one: found.mean(one, name) for one in found.names},
                "values": {
                    one: found.values[row, :, column].tolist()
                    for row, one in enumerate(found.names)
                },
                "differences": [
                    {"first": a, "second": b} | found.difference(a, b, name)._asdict()
                    for a, b in pairs
                ],
            }
            for column, (name, measure) in enumerate(MEASURES.items())
        ],
        "literature": [
            {"first": a, "second": b} | judged._asdict()
            for a, b in pairs
            for judged in found.judged(a, b)
        ],
    }


def _values(found: Comparison) -> Table:
    """Return a row a measure, recommender and seed."""
    from sim.lab.runs.measures import FEED_MEASURES as MEASURES
    from sim.lab.tables import Table

    return Table.of_rows(
        {"measure": name, "group": measure.group, "recommender": one, "seed": seed,
         "value": float(found.values[row, replicate, column])}
        for column, (name, measure) in enumerate(MEASURES.items())
        for row, one in enumerate(found.names)
        for replicate, seed in enumerate(found.seeds)
    )  # fmt: skip


def _text(found: Comparison, where: str) -> list[str]:
    count = len(found.seeds)
    seeds = f"seed {found.seeds[0]}"
    if count > 1:
        seeds = f"{count} seeds ({found.seeds[0]} to {found.seeds[-1]})"
    told = [table(_rows(found)), *_pairs(found)]
    if len(found.names) > _BESIDE:
        told = [*(table(rows) for rows in _by_group(found)), _MANY]
    return [
        f"{where}: {found.ticks} ticks, {seeds}, the same draws under each.",
        *told,
        _meanings(found),
        "It is what members are shown and do by the rule policy, not what they come to think.",
    ]


def _meanings(found: Comparison) -> str:
    """Say what each column or line of the tables is, a line each."""
    from sim.lab.runs.measures import FEED_MEASURES as MEASURES

    known = [m for m in MEASURES if not all(math.isnan(found.mean(one, m)) for one in found.names)]
    width = max(map(len, known), default=0)
    return "\n".join(f"{name:<{width}}  {MEASURES[name].says}" for name in known)


def _rows(found: Comparison) -> list[tuple[str, ...]]:
    from sim.lab.runs.measures import FEED_MEASURES as MEASURES

    base = found.names[0]
    heading = ["", "", base]
    for name in found.names[1:]:
        heading += [name, f"minus {base}"]
    rows, group = [tuple(heading)], ""
    for name, measure in MEASURES.items():
        if math.isnan(found.mean(base, name)):
            continue
        cells = [measure.group if measure.group != group else "", name, _number(found, base, name)]
        for other in found.names[1:]:
            cells += [_number(found, other, name), _apart(found.difference(base, other, name))]
        rows.append(tuple(cells))
        group = measure.group
    return rows


def _by_group(found: Comparison) -> list[list[tuple[str, ...]]]:
    """Return a table for each group of measures, a line for each recommender."""
    from sim.lab.runs.measures import FEED_MEASURES as MEASURES

    tables = []
    for group in dict.fromkeys(measure.group for measure in MEASURES.values()):
        named = [name for name, measure in MEASURES.items() if measure.group == group]
        known = [m for m in named if not all(math.isnan(found.mean(one, m)) for one in found.names)]
        lines = [(one, *(_number(found, one, m) for m in known)) for one in found.names]
        tables.append([(group, *known), *lines])
    return tables


def _number(found: Comparison, name: str, measure: str) -> str:
    return f"{found.mean(name, measure):.4f}"


def _apart(difference: Difference) -> str:
    if math.isnan(difference.half):
        return f"{difference.mean:+.4f}"
    star = " *" if difference.sign else ""
    return f"{difference.mean:+.4f} +-{difference.half:.4f}{star}"


def _pairs(found: Comparison) -> list[str]:
    """Say how each difference of means stands to what papers say."""
    lines = [
        f"{judged.verdict}: {judged.claim} ({judged.mean:+.4f}, {b} minus {a}). {judged.source}."
        for a, b in combinations(found.names, 2)
        for judged in found.judged(a, b)
    ]
    note = "* the 95 % interval of the mean difference (Student's t, each alone) leaves out 0."
    if len(found.seeds) == 1:
        note = "One replicate gives no interval; add --replicates 5."
    said = "\n".join(lines) or "No paper is cited here for these recommenders side by side."
    return [note, said]

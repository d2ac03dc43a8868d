"""``hubbub compare``: recommenders or minds side by side in the same world."""

from __future__ import annotations

import json as jsons
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.output import Output, require_folder, table, tell, write_text
from sim.cli.watch import probe_foreign, watched
from sim.cli.worlds import AUTHOR, open_world
from sim.core.progress import Report
from sim.core.registry import names
from sim.core.text import plural
from sim.errors import FileError, InputError
from sim.lab.minds import MIND_MEASURES, arm_of, compare_minds_now
from sim.lab.recommenders import compare_recommenders_now, validated
from sim.lab.runs import seeds_from
from sim.lab.runs.measures import FEED_MEASURES as MEASURES
from sim.lab.tables import Table
from sim.minds.models.configured import open_pool
from sim.minds.models.replies import RecordedReplies, is_reply
from sim.scenario.gallery import is_scenario, open_scenario
from sim.scenario.plan import Stop
from sim.settings.settings import current

if TYPE_CHECKING:
    from sim.lab.minds import ArmAgreement, MindsComparison
    from sim.lab.paired import Difference
    from sim.lab.recommenders import Comparison
    from sim.minds.deciding.thinker import Answerer as Pool
    from sim.runtime.engine.run_control import Program
    from sim.scenario.spec import Scenario
    from sim.world.world import World


_TICKS, _MIND_TICKS = 48, 24
_BESIDE = 4
"""The most recommenders shown as columns; if there are more, each gets a row."""
_MANY = "Means over seeds; name four or fewer for differences and what papers say of them."
_INTERVAL = "* the 95 % interval of the mean difference (Student's t, each alone) excludes 0."
_SINGLE = "One replicate gives no interval; add --replicates 5."
_MOST_BYTES = 512 << 20


def show_recommenders(
    where: str, recommenders: str, ticks: int | None, replicates: int, output: Output, variant: str
) -> None:
    """Run a comparison of recommenders (comma-separated, or ``all``) and print it."""
    if recommenders.strip() == "all":
        chosen = list(names("recommender"))
    else:
        chosen = [name.strip() for name in recommenders.split(",") if name.strip()]
    probe_foreign()
    with watched() as report:
        validated(chosen, 1 if ticks is None else ticks, seeds_from(0, replicates))
        subject = subject_of(where, variant, report)
        first = subject.make(None).seed
        found = compare_recommenders_now(
            subject.make, chosen, ticks=ticks or subject.ticks or _TICKS,
            seeds=seeds_from(first, replicates), program=subject.program, report=report,
        )  # fmt: skip
    output.give(
        lambda: _facts(found), lambda: _values(found), lambda: "\n\n".join(_text(found, where))
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """What to compare: how to make the world of a seed (None: its own), and what runs in it."""

    make: Callable[[int | None], World]
    ticks: int | None = None
    program: Program | None = None


def subject_of(where: str, variant: str, report: Report) -> Subject:
    """Return what a person names: a world, or a scenario whose plan begins in each world."""
    if is_scenario(where):
        return _of_scenario(open_scenario(where, variant), report)
    if variant:
        raise InputError("--variant is for scenarios; leave it out.")
    return Subject(lambda seed: open_world(where, report, seed=seed))


def _of_scenario(scenario: Scenario, report: Report) -> Subject:
    # Rules decide for all members, and all runs have the same length.
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
    """Return one row per measure, recommender and seed."""
    return Table.of_rows(
        {"measure": name, "group": measure.group, "recommender": one, "seed": seed,
         "value": float(found.values[row, replicate, column])}
        for column, (name, measure) in enumerate(MEASURES.items())
        for row, one in enumerate(found.names)
        for replicate, seed in enumerate(found.seeds)
    )  # fmt: skip


def _text(found: Comparison, where: str) -> list[str]:
    seeds = f"seed {found.seeds[0]}"
    if len(found.seeds) > 1:
        seeds = f"{plural(len(found.seeds), 'seed')} ({found.seeds[0]} to {found.seeds[-1]})"
    told = [table(_rows(found)), *_pairs(found)]
    if len(found.names) > _BESIDE:
        told = [*(table(rows) for rows in _by_group(found)), _MANY]
    known = [m for m in MEASURES if not all(math.isnan(found.mean(one, m)) for one in found.names)]
    width = max(map(len, known), default=0)
    return [
        f"{where}: {plural(found.ticks, 'tick')}, {seeds}, the same draws in each condition.",
        *told,
        "\n".join(f"{name:<{width}}  {MEASURES[name].says}" for name in known),
        "These measure what members are shown and do by rules, not what they come to think.",
    ]


def _rows(found: Comparison) -> list[tuple[str, ...]]:
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
    """Return one table per group of measures, with one row per recommender."""
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
    """Say how each difference of means compares with published claims."""
    lines = [
        f"{judged.verdict}: {judged.claim} ({judged.mean:+.4f}, {b} minus {a}). {judged.source}."
        for a, b in combinations(found.names, 2)
        for judged in found.judged(a, b)
    ]
    claims = "\n".join(lines) or "No cited paper compares these recommenders."
    return [_SINGLE if len(found.seeds) == 1 else _INTERVAL, claims]


def show_minds(
    where: str, who: str, minds: tuple[str, str], goal: str, ticks: int | None, replicates: int,
    output: Output, variant: str, *, replies: Path | None, offline: bool,
) -> None:  # fmt: skip
    """Run and print a comparison of two minds of the same members."""
    if not offline:
        require_folder(replies)
    with watched() as report:
        arms = arm_of(minds[0]), arm_of(minds[1])
        subject = subject_of(where, variant, report)
        seeds = seeds_from(subject.make(None).seed, replicates)
        with _pool(replies, offline=offline) as pool:
            found = compare_minds_now(
                subject.make, who, *arms, ticks=ticks or subject.ticks or _MIND_TICKS,
                seeds=seeds, goal=goal, pool=pool, limit=current().llm_prompt_tokens,
                program=subject.program, report=report,
            )  # fmt: skip
    if replies is not None and not offline:
        write_text(replies, "".join(f"{jsons.dumps(row)}\n" for row in found.replies))
    output.give(
        lambda: _mind_facts(found),
        lambda: _mind_values(found),
        lambda: "\n\n".join(_mind_text(found, where)),
    )


@contextmanager
def _pool(replies: Path | None, *, offline: bool) -> Iterator[Pool | None]:
    """Yield the models to ask, or the recorded replies in their place."""
    if offline:
        yield None if replies is None else RecordedReplies(_read(replies))
        return
    with open_pool(current()) as (pool, lacks):
        if lacks:
            tell(f"{lacks} Until then rules decide.")
        yield pool


def _read(path: Path) -> list[list[Any]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileError(path, "is larger than 512 MiB; a file of replies is smaller")
        rows = [jsons.loads(line) for line in path.read_text("utf-8-sig").splitlines()]
    except OSError as error:
        raise FileError(path, (error.strerror or "cannot be read").lower()) from None
    except (ValueError, RecursionError):
        rows = [None]

    if not all(map(is_reply, rows)):
        raise FileError(
            path, "holds no replies; hubbub compare --minds ... --replies FILE writes them"
        )
    return rows


def _mind_facts(found: MindsComparison) -> dict[str, Any]:
    return {
        "arms": found.arms,
        "members": found.members,
        "seeds": found.seeds,
        "ticks": found.ticks,
        "measures": [
            {
                "name": name,
                "says": says,
                "means": [found.mean(0, name), found.mean(1, name)],
                "values": found.values[:, :, at].tolist(),
                "difference": found.difference(name)._asdict(),
                "chance": None if (by := found.chance(name)) is None else by._asdict(),
            }
            for at, (name, says) in enumerate(MIND_MEASURES.items())
        ],
        "acts": found.acts,
        "sources": found.sources,
        "agreement": found.agreement._asdict(),
        "alike": None if found.alike is None else found.alike._asdict(),
        "faults": found.faults,
    }


def _mind_values(found: MindsComparison) -> Table:
    """Return one row per measure, arm and seed."""
    return Table.of_rows(
        {"measure": name, "arm": arm, "seed": seed, "value": float(found.values[row, each, column])}
        for column, name in enumerate(MIND_MEASURES)
        for row, arm in enumerate(found.arms)
        for each, seed in enumerate(found.seeds)
    )


def _mind_text(found: MindsComparison, where: str) -> Iterator[str]:
    count = len(found.seeds)
    seeds = f"seed {found.seeds[0]}" if count == 1 else f"{count} seeds"
    yield (
        f"{where}: {plural(found.members, 'member')}, {plural(found.ticks, 'tick')}, {seeds}, the "
        f"same draws in both conditions."
    )
    yield table(_mind_rows(found))
    yield _agreement("Agreement", found.agreement)
    if found.alike is not None:
        yield _agreement("Test-retest agreement of the first", found.alike)
    yield from found.faults
    yield _INTERVAL if count > 1 else _SINGLE


def _mind_rows(found: MindsComparison) -> Iterator[tuple[str, ...]]:
    head = () if found.again is None else ("first again minus first",)
    yield "", *found.arms, "second minus first", *head
    for name in MIND_MEASURES:
        means = (_mind_number(found.mean(arm, name)) for arm in (0, 1))
        by_chance = found.chance(name)
        more = () if by_chance is None else (_mind_apart(by_chance),)
        yield name, *means, _mind_apart(found.difference(name)), *more
    for title, counts in (("source", found.sources), ("act", found.acts)):
        for name in sorted(counts[0].keys() | counts[1].keys()):
            first, second = (of.get(name, 0) for of in counts)
            row = f"{title}: {name}", f"{first:,}", f"{second:,}", f"{second - first:+,}"
            yield (*row, *("" for _ in head))


def _mind_number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4f}"


def _mind_apart(difference: Difference) -> str:
    mean = difference.mean
    text = f"{mean:+,.0f}" if mean == round(mean) else f"{mean:+,.4f}"
    if math.isnan(difference.half):
        return text
    return f"{text} +-{difference.half:,.4f}{' *' if difference.sign else ''}"


def _agreement(what: str, told: ArmAgreement) -> str:
    if not told.pairs:
        return f"{what}: no member decided in the same tick in both conditions."
    text = f"{what}: the same acts in {told.same:.0%} of {plural(told.pairs, 'decision')}"
    if told.fed_alike:
        text += (
            f"; before the same feed ({told.fed_alike:,}) the same acts about the same messages in "
            f"{told.same_fed_alike:.0%}"
        )
    return f"{text}."

"""``hubbub compare --arm`` and ``--variants``: one world under several conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.output import FIGURES, Output, require_folder, table, tell, write_text
from sim.cli.watch import probe_foreign, watched
from sim.cli.worlds import AUTHOR, open_world
from sim.core.progress import Report
from sim.core.threads import workers as threads
from sim.errors import InputError
from sim.lab.futures import compare_now, conditions_in_words, future_of, message_in_words
from sim.lab.statistics.differences import SHARE, amount, percent, require_margin
from sim.scenario.gallery import is_scenario, open_scenario
from sim.scenario.plan import Stop

if TYPE_CHECKING:
    from sim.lab.futures import Futures
    from sim.world.world import World


_AS_IT_IS = "baseline"
_REPLICATES = 20


def show_futures(
    where: str, arms: Sequence[str], messages: Sequence[str], output: Output, *, variants: bool,
    ticks: int | None, replicates: int | None, measure: str, margin: float | None,
    workers: int | None, backend: str, into: Path | None, resume: bool,
) -> None:  # fmt: skip
    """Run a world under several conditions and print how they differ."""
    require_folder(into)
    if resume and into is None:
        raise InputError("--resume needs a file of results; name it: --into FILE.")
    require_margin(margin)
    changes, common = _conditions(where, arms, messages, variants=variants)
    probe_foreign()
    with watched() as report:
        programs: Mapping[str, Any]
        if variants:
            world, programs, ticks = _of_variants(where, ticks, report)
        elif is_scenario(where):
            world, programs, ticks = _of_scenario(where, changes, common, ticks, report)
            common = []
        else:
            world, programs = open_world(where, report), changes
        for remark in world.remarks:
            tell(remark)
        found = compare_now(
            world, programs, ticks=ticks, messages=common,
            replicates=_REPLICATES if replicates is None else replicates, measure=measure,
            workers=workers or threads(), backend=backend or "loky", into=into, resume=resume,
            report=report,
        )  # fmt: skip
    for path in (path for ending, path in output.files.items() if ending in FIGURES):
        figure = BytesIO()
        found.plot().savefig(figure, format=path.suffix.removeprefix("."))
        write_text(path, figure.getvalue())
    conclusion = found.conclusion(margin=margin)
    output.give(
        lambda: _facts(found, conclusion),
        lambda: found.differences,
        lambda: "\n\n".join(_text(found, where, conclusion)),
    )
    for remark in found.records.remarks:
        tell(remark)


def _conditions(
    where: str, arms: Sequence[str], messages: Sequence[str], *, variants: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the arms and messages that were typed; refuse wrong ones before any world is made."""
    if variants:
        if not is_scenario(where):
            raise InputError("--variants needs a scenario; for a world use --arm.")
        if arms or messages:
            raise InputError("--variants uses conditions of a scenario; leave out --arm, --inject.")
        return {}, []
    changes = conditions_in_words(arms)
    if len(changes) == 1 and _AS_IT_IS not in changes:
        changes = {_AS_IT_IS: {}, **changes}
    return changes, [message_in_words(words) for words in messages]


def _of_scenario(
    where: str,
    arms: Mapping[str, Any],
    messages: Sequence[dict[str, Any]],
    ticks: int | None,
    report: Report,
) -> tuple[World, Mapping[str, Any], int]:
    """Return the world of a scenario, and futures that each add to what the scenario does."""
    base = open_scenario(where)
    plan = base.plan(Stop(ticks), author=AUTHOR)
    plan.check()
    futures = {
        name: replace(future_of(name, does, common=messages), plan=plan)
        for name, does in arms.items()
    }
    world = base.world(report, None, tell=tell, author=AUTHOR)
    return world, futures, plan.stop.limit


def _of_variants(
    where: str, ticks: int | None, report: Report
) -> tuple[World, Mapping[str, Any], int]:
    base = open_scenario(where)
    if not base.variants:
        raise InputError(f"{where} has no variants; write them as [variants.NAME].")
    scenarios = {"base": base} | {name: open_scenario(where, name) for name in base.variants}
    plans = {}
    for name, scenario in scenarios.items():
        if (scenario.network, scenario.population) != (base.network, base.population):
            raise InputError(
                f"Variant {name!r} has another network or population; run each variant in its own "
                "world with hubbub scenario variants."
            )
        plans[name] = scenario.plan(Stop(ticks), author=AUTHOR)
        plans[name].check()
    world = base.world(report, None, tell=tell, author=AUTHOR)
    return world, plans, max(plan.stop.limit for plan in plans.values())


def _facts(found: Futures, conclusion: str) -> dict[str, Any]:
    return {
        "arms": found.arms,
        "seeds": found.seeds,
        "tick": found.tick,
        "digest": found.digest,
        "begun": found.begun,
        "measure": found.main,
        "differences": list(found.differences.rows()),
        "means": list(found.means.rows()),
        "conclusion": conclusion.splitlines(),
        "remarks": found.records.remarks,
    }


def _text(found: Futures, where: str, conclusion: str) -> list[str]:
    count = len(found.seeds)
    seeds = (
        f"seeds {found.seeds[0]} to {found.seeds[-1]}" if count > 1 else f"seed {found.seeds[0]}"
    )
    told = [
        f"{where} from tick {found.tick:,}: {count:,} "
        f"{'replicates' if count > 1 else 'replicate'} ({seeds}), the same draws in each condition."
    ]
    for arm in found.arms[1:]:
        told += _arm(found, arm)
    each = (
        "Each 95 % interval, and p, stands by itself: of twenty without a difference, one excludes "
        "0; Holm's p is corrected for all of them. Intervals use Student's t (shares of runs: "
        'Bonett-Price), for draws on this network only. "needed": replicates that would show a '
        "true difference of this size with 80 % power."
    )
    more = [found.corrected(), each] if count > 1 else []
    return [*told, conclusion, *filter(None, more), f"Digest of the starting world: {found.digest}"]


def _arm(found: Futures, arm: str) -> list[str]:
    """Return a table of what differs under an arm, and what does not."""
    first = found.arms[0]
    rows: list[tuple[str, ...]] = [
        ("", first, arm, "difference", "95 % interval", "p", "Holm", "needed")
    ]
    same = []
    for measure in found.measures:
        apart = found.difference(measure, arm)
        if apart.mean == 0 and (apart.interval.width == 0 or apart.pairs == 1):
            same.append(measure)
            continue
        means = (found.mean(measure, each) for each in (first, arm))
        low, high = apart.interval[:2]
        if found.unit(measure) == SHARE:
            each, size = map(percent, means), amount(apart.mean, SHARE)
            size = f"+{size}" if apart.mean > 0 else size
            spread = f"{100 * low:.3g} to {100 * high:.3g}"
        else:
            each, size = map(_number, means), _number(apart.mean)
            spread = f"{_number(low)} to {_number(high)}"
        (row,) = found.differences.where(measure=measure, arm=arm).rows()
        rows.append((
            measure, *each, size,
            spread if low < high else "in each replicate" if apart.pairs > 1 else "",
            *("" if math.isnan(row[p]) else f"{row[p]:.3f}" for p in ("p", "p_holm")),
            "" if math.isnan(row["needed"]) else f"{row['needed']:,.0f}",
        ))  # fmt: skip
    told = [table(rows)] if len(rows) > 1 else []
    if same:
        told.append(f"No difference between {first} and {arm} in any replicate: {', '.join(same)}.")
    return told


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"

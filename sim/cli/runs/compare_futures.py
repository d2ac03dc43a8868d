"""``hubbub compare --arm`` and ``--variants``: futures of one world, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.output import FIGURES, Output, require_folder, table, tell, watched, write_text
from sim.cli.worlds.open_save import AUTHOR
from sim.core.progress import Report
from sim.errors import InputError
from sim.scenario.gallery import is_scenario, open_scenario

if TYPE_CHECKING:
    from sim.lab.futures import Futures
    from sim.scenario.spec import Scenario
    from sim.world.world import World


_AS_IT_IS = "as it is"
_REPLICATES = 20


@dataclass(frozen=True, slots=True)
class FutureOptions:
    """What is asked of a comparison of futures.

    Parameters
    ----------
    arms
        As :func:`~sim.lab.futures.future_in_words` takes them; none with ``variants``.
    messages
        Sent under every arm, as :func:`~sim.lab.futures.message_in_words` takes them.
    variants
        Whether the arms are those of a scenario.
    ticks, replicates
        None: until nothing can change any more, or as the scenario says; 20.
    measure, margin
        Of the conclusion; None: no margin.
    workers, backend
        Replicates that run at once, and by what; None: as many as threads; empty: loky.
    into, resume
        Where each run is kept as soon as it is finished; whether a file that is there is gone on
        with.
    output
        How it is printed, and what it is written to; figures too.
    """

    arms: Sequence[str] = ()
    messages: Sequence[str] = ()
    variants: bool = False
    ticks: int | None = None
    replicates: int | None = None
    measure: str = ""
    margin: float | None = None
    workers: int | None = None
    backend: str = ""
    into: Path | None = None
    resume: bool = False
    output: Output = field(default_factory=Output)


def show_futures(where: str, asked: FutureOptions) -> None:
    """Run futures of a world and write how they differ.

    Parameters
    ----------
    where
        A world as every verb takes it, or a scenario.
    asked
        What is asked.

    Raises
    ------
    HubbubError
        One sentence.
    """
    from sim.core.threads import workers as threads
    from sim.lab.statistics.differences import require_margin

    require_folder(asked.into)
    if asked.resume and asked.into is None:
        raise InputError("--resume goes on with a file of results; name it: --into FILE.")
    require_margin(asked.margin)
    arms, messages = _said(where, asked)
    probe_foreign()
    with watched() as report:
        from sim.lab.futures import compare_now

        world, programs, ticks = _forked(where, arms, messages, asked, report)
        for remark in world.remarks:
            tell(remark)
        found = compare_now(
            world, programs, ticks=ticks, messages=() if is_scenario(where) else messages,
            replicates=_REPLICATES if asked.replicates is None else asked.replicates,
            measure=asked.measure, workers=asked.workers or threads(),
            backend=asked.backend or "loky", into=asked.into, resume=asked.resume, report=report,
        )  # fmt: skip
    _draw(found, asked.output)
    said = found.conclusion(margin=asked.margin)
    asked.output.give(
        lambda: _facts(found, said),
        lambda: found.differences,
        lambda: "\n\n".join(_text(found, where, said)),
    )
    for remark in found.records.remarks:
        tell(remark)


def _said(where: str, asked: FutureOptions) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the arms and messages of the words, refused before any world is made."""
    from sim.lab.futures import future_in_words, message_in_words

    if asked.variants:
        if not is_scenario(where):
            raise InputError("Variants belong to scenarios; name one, or futures by --arm.")
        if asked.arms or asked.messages:
            raise InputError("--variants takes the arms of a scenario; leave out --arm, --inject.")
        return {}, []
    arms: dict[str, Any] = {}
    for words in asked.arms:
        name, does = future_in_words(words)
        if name in arms:
            raise InputError(f"Two futures are called {name!r}; give each its own name.")
        arms[name] = does
    if len(arms) == 1 and _AS_IT_IS not in arms:
        arms = {_AS_IT_IS: {}, **arms}
    return arms, [message_in_words(words) for words in asked.messages]


def _forked(
    where: str,
    arms: Mapping[str, Any],
    messages: Sequence[dict[str, Any]],
    asked: FutureOptions,
    report: Report,
) -> tuple[World, Mapping[str, Any], int | None]:
    """Return the base world, the arms, and how long they run."""
    if asked.variants:
        return _of_variants(where, asked.ticks, report)
    if is_scenario(where):
        return _of_scenario(where, arms, messages, asked.ticks, report)
    from sim.cli.worlds.open_save import open_world

    return open_world(where, report), arms, asked.ticks


def _of_scenario(
    where: str,
    arms: Mapping[str, Any],
    messages: Sequence[dict[str, Any]],
    ticks: int | None,
    report: Report,
) -> tuple[World, Mapping[str, Any], int]:
    """Return the world of a scenario, and futures that each do more than the scenario does."""
    from dataclasses import replace

    from sim.lab.futures import future_of
    from sim.scenario.plan import Stop

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
    from sim.scenario.plan import Stop

    base = open_scenario(where)
    if not base.variants:
        raise InputError(f"{where} has no variants; write them as [variants.NAME].")
    scenarios = {"base": base} | {name: open_scenario(where, name) for name in base.variants}
    plans = {}
    for name, scenario in scenarios.items():
        _require_one_base(base, scenario, name)
        plans[name] = scenario.plan(Stop(ticks), author=AUTHOR)
        plans[name].check()
    world = base.world(report, None, tell=tell, author=AUTHOR)
    return world, plans, max(plan.stop.limit for plan in plans.values())


def _require_one_base(base: Scenario, scenario: Scenario, name: str) -> None:
    if (scenario.network, scenario.population) != (base.network, base.population):
        raise InputError(
            f"Variant {name!r} makes another network or population, so it is no future of the "
            "same world; hubbub scenario variants runs each from its own."
        )


def _draw(found: Futures, output: Output) -> None:
    """Write the curves and the difference as figures."""
    from io import BytesIO

    for path in (path for ending, path in output.files.items() if ending in FIGURES):
        figure = BytesIO()
        found.plot().savefig(figure, format=path.suffix.removeprefix("."))
        write_text(path, figure.getvalue())


def _facts(found: Futures, said: str) -> dict[str, Any]:
    return {
        "arms": found.arms,
        "seeds": found.seeds,
        "tick": found.tick,
        "digest": found.digest,
        "begun": found.begun,
        "measure": found.main,
        "differences": list(found.differences.rows()),
        "means": list(found.means.rows()),
        "conclusion": said.splitlines(),
        "remarks": found.records.remarks,
    }


def _text(found: Futures, where: str, said: str) -> list[str]:
    count = len(found.seeds)
    seeds = (
        f"seeds {found.seeds[0]} to {found.seeds[-1]}" if count > 1 else f"seed {found.seeds[0]}"
    )
    told = [
        f"{where} from tick {found.tick:,}: {count:,} "
        f"{'replicates' if count > 1 else 'replicate'} ({seeds}), the same draws under each arm."
    ]
    for arm in found.arms[1:]:
        told += _arm(found, arm)
    each = (
        "Each 95 % interval, and p, is right by itself: of twenty without a difference, one leaves "
        "out 0; Holm's p is corrected for all of them. Intervals are by Student's t (shares of "
        "runs: Bonett-Price), of draws on this network and no other. Needed are replicates that "
        "would show a true difference of this size with a chance of 80 %."
    )
    more = [found.corrected(), each] if count > 1 else []
    return [*told, said, *filter(None, more), f"The world at the fork: {found.digest}"]


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
        (row,) = found.differences.where(measure=measure, arm=arm).rows()
        rows.append((
            measure, *map(_number, means), _number(apart.mean),
            f"{_number(low)} to {_number(high)}" if low < high else _without_spread(apart.pairs),
            _p(row["p"]), _p(row["p_holm"]),
            "" if math.isnan(row["needed"]) else f"{row['needed']:,.0f}",
        ))  # fmt: skip
    told = [table(rows)] if len(rows) > 1 else []
    if same:
        told.append(f"The same under {first} and {arm} in every replicate: {', '.join(same)}.")
    return told


def _without_spread(pairs: int) -> str:
    return "in each replicate" if pairs > 1 else ""


def _p(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"

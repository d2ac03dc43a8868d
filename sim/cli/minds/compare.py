"""``hubbub compare --minds``: two minds, or two prompts, in the same members of the same world."""

from __future__ import annotations

import json as jsons
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import Output, require_folder, table, tell, watched, write_text
from sim.errors import FileError

if TYPE_CHECKING:
    from sim.lab.minds import ArmAgreement, MindsComparison
    from sim.lab.paired import Difference
    from sim.lab.tables import Table
    from sim.minds.deciding.thinker import Answerer as Pool


_TICKS = 24
_MOST_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """What was asked of a comparison.

    Parameters
    ----------
    who
        An expression that names members.
    mind, against
        The arms (:func:`sim.lab.minds.arm_of`).
    goal
        What members want, where an arm does not say.
    replies
        Where replies of models are kept; None: nowhere.
    offline
        Whether nobody is asked: replies are read from there, without it rules stand in.
    """

    who: str
    mind: str
    against: str
    goal: str = ""
    replies: Path | None = None
    offline: bool = False


def show_minds_comparison(
    where: str,
    asked: ComparisonOptions,
    ticks: int | None,
    replicates: int,
    output: Output,
    *,
    variant: str = "",
) -> None:
    """Run and write a comparison of minds.

    Parameters
    ----------
    where, variant
        A world as every verb takes it, a scenario file, or ``gallery:NAME``.
    ticks, replicates
        How long each run is (None: as the scenario says, else 24), and how many seeds there are,
        one for each replicate.
    output
        How it is printed, and what it is written to.

    Raises
    ------
    HubbubError
        One sentence.
    """
    if not asked.offline:
        require_folder(asked.replies)
    with watched() as report:
        from sim.cli.runs.compare import subject_of
        from sim.lab.minds import arm_of, compare_minds_now
        from sim.lab.runs import seeds_from
        from sim.settings.settings import current

        arms = arm_of(asked.mind), arm_of(asked.against)
        subject = subject_of(where, variant, report)
        seeds = seeds_from(subject.make(None).seed, replicates)
        with _pool(asked) as pool:
            found = compare_minds_now(
                subject.make, asked.who, *arms, ticks=ticks or subject.ticks or _TICKS,
                seeds=seeds, goal=asked.goal, pool=pool,
                limit=current().llm_prompt_tokens, program=subject.program, report=report,
            )  # fmt: skip
    if asked.replies is not None and not asked.offline:
        lines = "".join(f"{jsons.dumps(row)}\n" for row in found.replies)
        write_text(asked.replies, lines)
    output.give(
        lambda: _facts(found), lambda: _values(found), lambda: "\n\n".join(_text(found, where))
    )


@contextmanager
def _pool(asked: ComparisonOptions) -> Iterator[Pool | None]:
    """Yield whom to ask, or the replies that stand for it."""
    if asked.offline and asked.replies is not None:
        from sim.minds.models.replies import RecordedReplies

        yield RecordedReplies(_read(asked.replies))
        return
    if asked.offline:
        yield None
        return
    from sim.minds.models.configured import open_pool
    from sim.settings.settings import current

    with open_pool(current()) as (pool, lacks):
        if lacks:
            tell(f"{lacks} Until then rules decide.")
        yield pool


def _read(path: Path) -> list[list[Any]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileError(path, "replies have at most 512 MiB; is it the right file?")
        rows = [jsons.loads(line) for line in path.read_text("utf-8-sig").splitlines()]
    except OSError as error:
        raise FileError(path, (error.strerror or "cannot be read").lower()) from None
    except (ValueError, RecursionError):
        rows = [None]
    from sim.minds.models.replies import is_reply

    if not all(map(is_reply, rows)):
        raise FileError(path, "no replies; hubbub compare --minds ... --replies FILE writes them")
    return rows


def _facts(found: MindsComparison) -> dict[str, Any]:
    from sim.lab.minds import MIND_MEASURES

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


def _values(found: MindsComparison) -> Table:
    """Return a row a measure, arm and seed."""
    from sim.lab.minds import MIND_MEASURES
    from sim.lab.tables import Table

    return Table.of_rows(
        {"measure": name, "arm": arm, "seed": seed, "value": float(found.values[row, each, column])}
        for column, name in enumerate(MIND_MEASURES)
        for row, arm in enumerate(found.arms)
        for each, seed in enumerate(found.seeds)
    )


def _text(found: MindsComparison, where: str) -> Iterator[str]:
    count = len(found.seeds)
    seeds = f"seed {found.seeds[0]}" if count == 1 else f"{count} seeds"
    yield (
        f"{where}: {found.members} members, {found.ticks} ticks, {seeds}, the same draws under "
        f"both."
    )
    yield table(_rows(found))
    yield _agreement("Agreement", found.agreement)
    if found.alike is not None:
        yield _agreement("Agreement of the first with itself, asked anew", found.alike)
    yield from found.faults
    note = "* the 95 % interval of the mean difference (Student's t, each alone) leaves out 0."
    yield note if count > 1 else "One replicate gives no interval; add --replicates 5."


def _rows(found: MindsComparison) -> Iterator[tuple[str, ...]]:
    from sim.lab.minds import MIND_MEASURES

    head = () if found.again is None else ("first again minus first",)
    yield "", *found.arms, "second minus first", *head
    for name in MIND_MEASURES:
        means = (_number(found.mean(arm, name)) for arm in (0, 1))
        by_chance = found.chance(name)
        more = () if by_chance is None else (_apart(by_chance),)
        yield name, *means, _apart(found.difference(name)), *more
    for title, counts in (("source", found.sources), ("act", found.acts)):
        for name in sorted(counts[0].keys() | counts[1].keys()):
            first, second = (of.get(name, 0) for of in counts)
            row = f"{title}: {name}", f"{first:,}", f"{second:,}", f"{second - first:+,}"
            yield (*row, *("" for _ in head))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4f}"


def _apart(difference: Difference) -> str:
    mean = f"{difference.mean:+,.0f}"
    if difference.mean != round(difference.mean):
        mean = f"{difference.mean:+,.4f}"
    if math.isnan(difference.half):
        return mean
    return f"{mean} +-{difference.half:,.4f}{' *' if difference.sign else ''}"


def _agreement(what: str, told: ArmAgreement) -> str:
    if not told.pairs:
        return f"{what}: nobody decided in the same tick under both."
    text = f"{what}: the same acts in {told.same:.0%} of {told.pairs:,} decisions"
    if told.fed_alike:
        text += (
            f"; before the same feed ({told.fed_alike:,}) the same acts about the same messages in "
            f"{told.same_fed_alike:.0%}"
        )
    return f"{text}."

"""``show WORLD history``: what happened in a world."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import say, table, tell, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.core.text import clip, one_line
from sim.errors import CapacityError, InputError

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.core.progress import Report
    from sim.store.history.reading import HistoryEvent, WorldHistory
    from sim.world.world import World


_CELLS = 60
_GAPS = 5
_SAYS = {"began": "began with"}
_HEADS = {"new": "first", "adopted": "ever"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Parameters
    ----------
    agent, pair, message
        At most one of them: a member's id, two of them, or a message's number.
    first, last
        Ticks.
    """

    agent: str | None = None
    pair: tuple[str, str] | None = None
    message: int | None = None
    first: int | None = None
    last: int | None = None


def show_history(where: str, asked: Question, shape: Shape) -> None:
    """Answer a question about what happened.

    Raises
    ------
    InputError
        When more than one thing is asked, or of what there is not.
    SnapshotError
        When the world cannot be read.
    """
    from sim.scenario.worlds import world_file
    from sim.store.history.reading import cohorts_of, people_of, read_history

    if sum(each is not None for each in (asked.agent, asked.pair, asked.message)) > 1:
        raise InputError("Ask for one thing: --agent, --pair or --message.")
    with watched() as report, world_file(where, report) as path:
        history = read_history(path, report=report)
        named = asked.agent is not None or asked.pair is not None or asked.message is not None
        people = people_of(path) if named else None
        if not named:
            try:
                history.cohorts = cohorts_of(_at_last(path, history.tick, report))
            except (CapacityError, InputError) as error:
                tell(f"R and who holds a message now are not told: {error}")
        if people is None:
            _show_counts(path, history, asked, shape)
        elif asked.message is not None:
            _show_message(history, people, asked, shape)
        else:
            _show_happenings(history, people, asked, shape)


def _at_last(path: Path, tick: int, report: Report) -> World:
    """Return the world as it is on record: of its file, or of the journal beside it."""
    from sim.runtime.journal.acts import apply
    from sim.store.journal.lineage import is_led_on
    from sim.store.journal.recovery import rebuild
    from sim.store.snapshot.snapshot import load

    if is_led_on(path):
        return rebuild(path, tick, apply, report=report).world
    return load(path, report=report)


def _show_happenings(history: WorldHistory, people: Agents, asked: Question, shape: Shape) -> None:
    when = {"first": asked.first, "last": asked.last}
    if asked.pair is not None:
        one, other = (people.index(each) for each in asked.pair)
        found = history.pair(one, other, **when)
    else:
        found = history.agent(people.index(asked.agent or ""), **when)
    kept = found if shape.most is None else found[: shape.most]
    facts = {"count": len(found), "rows": [_facts(each, people, history) for each in kept]}
    heading = ("tick", "who", "did", "message", "text", "whom")
    answer(shape, facts, lambda facts, most: _listed(heading, map(_row, facts["rows"]), facts))
    for line in not_kept([] if history.record is None else history.record.missing):
        tell(line)


def not_kept(gaps: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Say of which ticks, first and last, nobody knows what members did."""
    if gaps:
        said = ", ".join(f"{a:,}" if a == b else f"{a:,}-{b:,}" for a, b in gaps[:_GAPS])
        more = f" and {len(gaps) - _GAPS:,} stretches more" if len(gaps) > _GAPS else ""
        yield (
            f"What members did is not kept of the ticks {said}{more}: nobody wrote it down, or the "
            "setting history_mb had it dropped."
        )


def _facts(each: HistoryEvent, people: Agents, history: WorldHistory) -> dict[str, Any]:
    from sim.cli.show.acts import said_facts

    said = history.said(each, people)
    return {
        "tick": each.tick,
        "agent": _id(people, each.agent),
        "name": _name(people, each.agent),
        "did": each.kind,
        "message": each.message if each.message >= 0 else None,
        "post": each.post if each.post >= 0 else None,
        **said_facts(said, lambda index: _id(people, index)),
        "line": said.line(said.by, lambda index: _name(people, index)),
        "other": _id(people, each.other),
        "other_name": _name(people, each.other),
    }


def _row(fact: dict[str, Any]) -> tuple[str, ...]:
    text, did = clip(one_line(fact["line"]), _CELLS), fact["did"]
    whom = _who(fact["other"], fact["other_name"])
    whom = f"from {whom}" if did == "adopted" else whom
    who = _who(fact["agent"], fact["name"])
    number = "" if fact["message"] is None else f"#{fact['message']}"
    number = number if fact["post"] is None else f"m{fact['post']}"
    return f"{fact['tick']:,}", who, _SAYS.get(did, did), number, text, whom


def _show_message(history: WorldHistory, people: Agents, asked: Question, shape: Shape) -> None:
    number = -1 if asked.message is None else asked.message
    found = history.message(number, first=asked.first, last=asked.last)
    rows = zip(*(column.tolist() for column in found), strict=True)
    kept = list(islice(rows, shape.most))
    said = [{"agent": _id(people, a), "tick": t, "from": _id(people, s)} for a, t, s in kept]
    shown = (
        (f"{t:,}", _who(_id(people, a), _name(people, a)), _who(_id(people, s), _name(people, s)))
        for a, t, s in kept
    )
    heading = ("tick", "who adopted", "from")
    facts = {"count": len(found.agents), "rows": said}
    answer(shape, facts, lambda facts, most: _listed(heading, shown, facts))


def _show_counts(path: Path, history: WorldHistory, asked: Question, shape: Shape) -> None:
    series = history.counts(first=asked.first, last=asked.last, points=shape.rows, r=True)
    columns = {
        "tick": series.ticks,
        "new": series.new,
        "adopted": series.adopted,
        "r": series.r,
        "contacts": series.contacts,
        "running": series.running,
    }
    journal, checkpoints = _sizes(path)
    holding = sum(each.now for each in history.cohorts.values())
    rows = [
        dict(zip(columns, map(_known, row), strict=True))
        for row in zip(*(column.tolist() for column in columns.values()), strict=True)
    ]
    facts = {
        "now": history.tick, "adoptions": history.events, "holding": holding,
        "messages": len(history.told), "journal_bytes": journal,
        "checkpoint_bytes": checkpoints, "rows": rows,
    }  # fmt: skip
    if shape.json or shape.csv:
        answer(shape, facts, lambda _, most: "")
        return
    lists = (map(_number, column.tolist()) for column in columns.values())
    heading = (_HEADS.get(name, name) for name in columns)
    say(table([tuple(heading), *zip(*lists, strict=True)]))
    kept = f"; the journal takes {journal / 2**20:,.1f} MB" if journal else ""
    kept += f", its checkpoints {checkpoints / 2**20:,.1f} MB" if checkpoints else ""
    told = f"{history.events:,} first adoptions of {len(history.told):,} messages"
    if history.cohorts:
        told += f", {holding:,} held now,"
    ticks = series.ticks[:2].tolist()
    sums = (
        f" A row sums {ticks[1] - ticks[0]:,} ticks."
        if len(ticks) > 1 and ticks[1] > ticks[0] + 1
        else ""
    )
    say(f"{told} to tick {history.tick:,}{kept}.{sums}")


def _sizes(path: Path) -> tuple[int, int]:
    """Return the bytes of a journal and of its checkpoints; 0 where there is none."""
    from sim.store.journal.journal import folder_of

    folder = folder_of(path)
    files = list(folder.iterdir()) if folder.is_dir() else []
    sizes = {file.name: file.stat().st_size for file in files}
    checkpoints = sum(size for name, size in sizes.items() if name.endswith(".hub"))
    return sum(sizes.values()) - checkpoints, checkpoints


def _listed(heading: Sequence[str], rows: Iterable[Sequence[str]], facts: Facts) -> str:
    shown = list(rows)
    if not shown:
        return "Nothing on record."
    more = facts["count"] - len(shown)
    return table([heading, *shown]) + (f"\nand {more:,} more (--limit)" if more > 0 else "")


def _id(people: Agents, index: int) -> int | str | None:
    if index < 0:
        return None
    return people.id(index) if index < len(people) else index


def _name(people: Agents, index: int) -> str:
    return people.name(index) if 0 <= index < len(people) else ""


def _who(number: int | str | None, name: str) -> str:
    return "" if number is None else f"{name} ({number})"


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return ""
    return f"{value:,.2f}"


def _known(value: float) -> float | None:
    return None if isinstance(value, float) and math.isnan(value) else value

"""``show WORLD history``: what happened in a world."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from sim.cli.output import OutputFormat, answer, listed, say, table, tell
from sim.cli.posts import said_facts
from sim.cli.watch import watched
from sim.cli.worlds import not_kept
from sim.core.text import clip, one_line, plural
from sim.errors import CapacityError, InputError
from sim.runtime.journal.acts import apply
from sim.scenario.worlds import world_file
from sim.store.history.reading import cohorts_of, people_of, read_history
from sim.store.journal.journal import folder_of
from sim.store.journal.lineage import is_led_on
from sim.store.journal.recovery import rebuild
from sim.store.snapshot.snapshot import load

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.store.history.reading import HistoryEvent, WorldHistory


class When(TypedDict):
    """The first and the last tick to show."""

    first: int | None
    last: int | None


_CELLS = 60
_SAYS = {"began": "began with"}
_HEADS = {"new": "first", "adopted": "ever"}


def show_history(
    where: str, agent: str | None, pair: tuple[str, str] | None, message: int | None,
    ticks: tuple[int | None, int | None], shape: OutputFormat,
) -> None:  # fmt: skip
    """Show what happened in a world: counts, or the events of a member, a pair or a message."""
    named = sum(each is not None for each in (agent, pair, message))
    if named > 1:
        raise InputError("Ask for one thing: --agent, --pair or --message.")
    when: When = {"first": ticks[0], "last": ticks[1]}
    with watched() as report, world_file(where, report) as path:
        history = read_history(path, report=report)
        if named:
            people = people_of(path)
            if message is not None:
                _show_message(history, people, message, when, shape)
                return
            if pair is not None:
                one, other = (people.index(each) for each in pair)
                found = history.pair(one, other, **when)
            else:
                found = history.agent(people.index(agent or ""), **when)
            rows = [_facts(each, people, history) for each in found[: shape.most]]
            heading = ("tick", "who", "act", "message", "text", "whom")
            facts = {"count": len(found), "rows": rows}
            answer(shape, facts, lambda facts, _: _listed(heading, map(_row, rows), facts["count"]))
            for line in not_kept([] if history.record is None else history.record.missing):
                tell(line)
            return
        try:
            history.cohorts = cohorts_of(
                rebuild(path, history.tick, apply, report=report).world
                if is_led_on(path)
                else load(path, report=report)
            )
        except (CapacityError, InputError) as error:
            tell(f"R, and who is spreading a message now, are not shown: {error}")
        _show_counts(path, history, when, shape)


def _facts(each: HistoryEvent, people: Agents, history: WorldHistory) -> dict[str, Any]:
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


def _show_message(
    history: WorldHistory, people: Agents, number: int, when: When, shape: OutputFormat
) -> None:
    found = history.message(number, **when)
    columns = zip(*(column.tolist() for column in found), strict=True)
    kept = list(islice(columns, shape.most))
    rows = [{"agent": _id(people, a), "tick": t, "from": _id(people, s)} for a, t, s in kept]
    shown = (
        (f"{t:,}", _who(_id(people, a), _name(people, a)), _who(_id(people, s), _name(people, s)))
        for a, t, s in kept
    )
    heading, count = ("tick", "adopter", "from"), len(found.agents)
    answer(shape, {"count": count, "rows": rows}, lambda *_: _listed(heading, shown, count))


def _show_counts(path: Path, history: WorldHistory, when: When, shape: OutputFormat) -> None:
    series = history.counts(**when, points=shape.rows, r=True)
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
    told = f"{history.events:,} first adoptions of {plural(len(history.told), 'message')}"
    if history.cohorts:
        told += f", {holding:,} spreading now,"
    ticks = series.ticks[:2].tolist()
    sums = (
        f" Each row sums {plural(ticks[1] - ticks[0], 'tick')}."
        if len(ticks) > 1 and ticks[1] > ticks[0] + 1
        else ""
    )
    say(f"{told} to tick {history.tick:,}{kept}.{sums}")


def _sizes(path: Path) -> tuple[int, int]:
    """Return the bytes of a journal and of its checkpoints; 0 if there is none."""
    folder = folder_of(path)
    files = list(folder.iterdir()) if folder.is_dir() else []
    sizes = {file.name: file.stat().st_size for file in files}
    checkpoints = sum(size for name, size in sizes.items() if name.endswith(".hub"))
    return sum(sizes.values()) - checkpoints, checkpoints


def _listed(heading: Sequence[str], rows: Iterable[Sequence[str]], count: int) -> str:
    shown = list(rows)
    return listed(heading, shown, count) if shown else "Nothing on record."


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

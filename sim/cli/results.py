"""The results of a run: for programs as JSON and CSV, for people as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sim
from sim.cli.output import table, tell
from sim.core.text import clip, one_line, plural
from sim.lab.tables import Table
from sim.minds.deciding import commands
from sim.platform.acts.kinds import Act
from sim.runtime.frames.focus import ModelReports
from sim.spread.cascade.generations import cohorts_of
from sim.world.metrics.series import MEMBER_SERIES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sim.agents.columns import Agents
    from sim.scenario.driver import RunOutcome
    from sim.spread.cascade.cascade import Cascade
    from sim.world.metrics.series import MemberSeries
    from sim.world.world import World


_TEXT_CELLS = 40
_NAMED = 5


def world_facts(world: World) -> dict[str, Any]:
    """Return what results say of the world that they come from."""
    return {
        "agents": len(world.agents),
        "ties": world.ties.count,
        "seed": world.seed,
        "tick": world.tick,
        "tick_minutes": world.tick_minutes,
    }


def result(
    world: World, cascades: Iterable[Cascade], *, command: str, seconds: float
) -> dict[str, Any]:
    """Return all results of a run."""
    return {
        "hubbub": sim.__version__,
        "command": command,
        "seconds": round(seconds, 6),
        "world": world_facts(world) | {"digest": world.digest()},
        "cascades": [_told(cascade) for cascade in cascades],
    } | {**_minds(world), **_alerts(world), **_faults(world)}


def _faults(world: World) -> dict[str, Any]:
    """Return the failures of plugins other than messages' models; empty if there are none."""
    found = [] if world.platform is None else list(world.platform.faults)
    found += [] if world.metrics is None else world.metrics.faults
    found += [str(each) for each in world.interventions if each.failed]
    return {"faults": found} if found else {}


def _alerts(world: World) -> dict[str, Any]:
    """Return the alerts that were raised; empty if no metrics are taken."""
    if world.metrics is None:
        return {}
    said = [asdict(each) | {"level": each.level.name.lower()} for each in world.metrics.alerts.said]
    return {"alerts": said}


def _minds(world: World) -> dict[str, Any]:
    """Return the results of minds; empty if no member has or had one."""
    if world.platform is None or not (world.platform.minds.kinds or world.platform.minds.counts):
        return {}

    return {"minds": commands.facts_of(world)}


def _told(cascade: Cascade) -> dict[str, Any]:
    history, whole = cascade.history, cohorts_of(cascade)
    return {
        "id": cascade.id,
        "text": cascade.text,
        "model": cascade.model_name,
        "parameters": cascade.model.values(),
        "draws": cascade.draws_mode,
        "channel": cascade.channel.name,
        "status": cascade.status,
        "error": cascade.error,
        "priority": cascade.priority,
        "started_at": cascade.started_at,
        "seeds": len(cascade.seeds),
        "size": cascade.size,
        "share": cascade.size / cascade.agents,
        "counts": cascade.counts,
        "depth": cascade.depth,
        "breadth": cascade.breadth,
        "virality": cascade.virality,
        "history": {state: history[:, i] for i, state in enumerate(cascade.states)},
        "new_adopters": cascade.new_adopters,
        "adoptions": told_counts(cascade.adoptions),
        "r": whole.r,
        "seeds_r": whole.seeds,
        "now": cascade.now if cascade.now >= 0 else None,
        "metrics": dict(ModelReports().metrics(cascade)),
    }


def told_counts(counts: npt.NDArray[np.int64]) -> list[int | None]:
    """Return counts for JSON: null for an unknown count."""
    return [None if count < 0 else count for count in counts.tolist()]


def as_csv(cascades: Sequence[Cascade]) -> str:
    """Return one line for each cascade and tick."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_rows(cascades))
    return text.getvalue()


def as_table(cascades: Sequence[Cascade]) -> Table:
    """Return what :func:`as_csv` writes as a table; an empty cell is a missing value."""
    names, *rows = _rows(cascades)
    told = ([None if cell == "" else cell for cell in row] for row in rows)
    found = [dict(zip(map(str, names), row, strict=True)) for row in told]
    for row in found:
        for name in ("r", "seeds_r"):
            row[name] = None if row[name] is None else float(str(row[name]))
    return Table.of_rows(found, names=list(map(str, names)))


def _rows(cascades: Sequence[Cascade]) -> Iterator[list[object]]:
    states = list(dict.fromkeys(state for cascade in cascades for state in cascade.states))
    yield [
        "cascade",
        "model",
        "tick",
        "new",
        "size",
        "r",
        "adoptions",
        "seeds_r",
        *map(one_line, states),
    ]
    for cascade in cascades:
        new, (r, _, seeds), history = cascade.new_adopters, cohorts_of(cascade), cascade.history
        sizes, adoptions = new.cumsum(), cascade.adoptions
        place = {state: i for i, state in enumerate(cascade.states)}
        for i in range(len(new)):
            yield [
                cascade.id,
                one_line(cascade.model_name),
                cascade.started_at + i,
                int(new[i]),
                int(sizes[i]),
                "" if r[i] != r[i] else repr(float(r[i])),
                "" if adoptions[i] < 0 else int(adoptions[i]),
                "" if i or seeds != seeds else repr(seeds),
                *(int(history[i, place[state]]) if state in place else "" for state in states),
            ]


def summary(cascades: Sequence[Cascade]) -> str:
    """Return the cascades as a table for people."""
    heading = (
        "message",
        "model",
        "status",
        "seeds",
        "ever",
        "share",
        "now",
        "ticks",
        "depth",
        "breadth",
    )
    rows = [heading, *(_row(cascade) for cascade in cascades)]
    errors = [f"{cascade.id}: {cascade.error}" for cascade in cascades if cascade.error]
    return "\n".join([table(rows), *map(one_line, errors)])


def _row(cascade: Cascade) -> tuple[str, ...]:
    return (
        clip(one_line(cascade.text), _TEXT_CELLS),
        cascade.model_name,
        cascade.status,
        f"{len(cascade.seeds):,}",
        f"{cascade.size:,}",
        f"{cascade.size / cascade.agents:.2%}",
        f"{cascade.now:,}" if cascade.now >= 0 else "-",  # its model is missing
        f"{max(len(cascade.new_adopters) - 1, 0):,}",
        f"{cascade.depth:,}",
        f"{cascade.breadth:,}",
    )


def pace(ran: RunOutcome) -> str:
    """Say how large the world is and how fast it ran."""
    world, seconds = ran.world, ran.seconds
    rate = ran.contacts / seconds if seconds > 0 else 0.0
    fast = f", {_rate(rate)} contacts/s" if ran.contacts else ""
    return (
        f"{plural(len(world.agents), 'member')}, {plural(world.ties.count, 'tie')}, tick "
        f"{world.tick:,}; {seconds:.2f} s{fast}."
    )


def _rate(rate: float) -> str:
    """Return a rate per second with about three digits: 1.5 M, 42,000, 7."""
    if rate >= 1e6:
        return f"{rate / 1e6:,.1f} M"
    return f"{rate:,.0f}" if rate < 1000 else f"{round(rate, -2):,.0f}"


def lived(ran: RunOutcome) -> list[str]:
    """Return what interventions did in a run, and what members did on the platform."""
    planned = [each for each in ran.world.interventions if not each.failed]
    done = [each for each in planned if each.done_at is not None and each.done_at >= ran.since]
    acts = _acts(ran.world, ran.since)
    lines = [*(f"{str(each).rstrip('.')}." for each in done), *([acts] if acts else [])]
    return lines + alarms(ran)


def alarms(ran: RunOutcome) -> list[str]:
    """Return the alerts of a run: how many, and the newest."""
    metrics = ran.world.metrics
    said = [] if metrics is None else [a for a in metrics.alerts.said if a.tick > ran.since]
    if not said:
        return []
    newest = [f"  tick {each.tick:,}: {each.sentence}" for each in said[-_NAMED:]]
    many = f"Alerts: {len(said):,}"
    more = f"{many}, the newest (--json lists them):" if len(said) > _NAMED else f"{many}:"
    return [more, *newest]


def _acts(world: World, since: int) -> str:
    """Say what members did in a tick, most frequent act first; empty without a platform."""
    if world.platform is None:
        return ""
    ticks, counts = world.platform.log.counted
    done = counts[ticks > since].sum(axis=0)
    most = sorted(((int(done[act]), act.says) for act in Act if act and done[act]), reverse=True)
    named = ", ".join(f"{says} {count:,}" for count, says in most[:_NAMED])
    return f"Member actions: {int(done.sum()):,}" + (f" ({named})." if most else ".")


def has_failed(ran: RunOutcome) -> bool:
    """Return whether a plugin failed: a model, recommender, policy, intervention or metric."""
    faults = [] if ran.world.platform is None else ran.world.platform.faults
    faults = [*faults, *([] if ran.world.metrics is None else ran.world.metrics.faults)]
    stopped = any(cascade.status == "failed" for cascade in ran.cascades)
    undone = any("its plugin failed" in each.result for each in ran.world.interventions)
    return stopped or undone or any(" failed and " in fault for fault in faults)


def tell_failed(world: World) -> None:
    """Print which interventions failed, and which plugins other than messages' models."""
    for fault in [] if world.metrics is None else world.metrics.faults:
        tell(fault)
    for fault in [] if world.platform is None else world.platform.faults:
        tell(fault)
    for planned in world.interventions:
        if planned.failed:
            tell(f"{str(planned).rstrip('.')}.")


def metrics_text(world: World, suffix: str) -> str:
    """Return the metrics of a world as text."""
    rows = [] if world.metrics is None else list(world.metrics.table())
    if suffix == ".jsonl":
        lines = [json.dumps(row) for row in rows] + _messages(world)
        return "".join(f"{line}\n" for line in lines)
    names = () if world.metrics is None else world.metrics.names
    text = io.StringIO()
    table = csv.DictWriter(text, ["tick", *names], restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def members_text(members: MemberSeries, agents: Agents, suffix: str) -> str:
    """Return the series of single members as text: one line per tick and member."""
    rows = [row | {"agent": agents.id(int(row["agent"]))} for row in members.table()]
    if suffix == ".jsonl":
        return "".join(f"{json.dumps(row)}\n" for row in rows)
    text = io.StringIO()
    names = ["tick", "agent", *MEMBER_SERIES]
    table = csv.DictWriter(text, names, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _messages(world: World) -> list[str]:
    lines = []
    for cascade in world.cascades:
        whole = cohorts_of(cascade)
        r = [None if value != value else float(value) for value in whole.r]
        new = cascade.new_adopters.tolist()
        said = {"message": cascade.id, "started_at": cascade.started_at, "new": new}
        said |= {"adoptions": told_counts(cascade.adoptions), "r": r}
        said["seeds_r"] = None if whole.seeds != whole.seeds else whole.seeds
        lines.append(json.dumps(said))
    return lines


def accounts(world: World) -> list[str]:
    """Return the decision counts so far, one per line; empty if no member has a mind."""
    if world.platform is None or not world.platform.minds.counts:
        return []
    return list(commands.accounts(world))

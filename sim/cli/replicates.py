"""``hubbub run --replicates``: the same run many times over, each with other draws."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

import sim
from sim.cli.exits import OK, PLUGIN
from sim.cli.output import again, as_json, csv_of, say, table, tell
from sim.cli.watch import probe_foreign, watched
from sim.core.text import one_line
from sim.core.threads import workers
from sim.errors import Cancelled
from sim.settings.logging import log

if TYPE_CHECKING:
    from sim.cli.running import Outputs, Replication, RunRequest
    from sim.lab.ensembles import Ensemble
    from sim.world.world import World


def carry_out_many(request: RunRequest, asked: Replication) -> int:
    """Run the plan on twins of the world; write and show what came of it; returns the exit code."""
    from sim.lab.ensembles import ensemble_now

    asked.check(request)
    request.outputs.check()
    request.plan.check()
    probe_foreign()
    began = perf_counter()
    with watched() as report:
        world = request.make(report)
        drawn = world.seed if request.seed is None else None
        command = again(drawn, *(["--resume"] if asked.into else []))
        try:
            found = ensemble_now(
                world, program=request.plan, ticks=request.plan.stop.limit,
                replicates=asked.count, workers=asked.workers or workers(),
                backend=asked.backend or "loky", into=asked.into, resume=asked.resume,
                report=report,
            )  # fmt: skip
        except Cancelled:
            if asked.into is not None and asked.into.exists():
                tell(f"What is finished is kept in {asked.into}. To resume: {command}")
            raise
    _write(found, world, request.outputs, command)
    log("ran", command=command, replicates=asked.count)
    show = tell if request.outputs.on_stdout else say
    for line in _told(found, world, perf_counter() - began):
        show(line)
    show(f"Again: {command}")
    for line in filter(None, (*request.notes, *_left_out(request.outputs))):
        tell(line)
    return PLUGIN if "failed" in found.runs and (found.runs["failed"] > 0).any() else OK


def _left_out(outputs: Outputs) -> Iterator[str]:
    """Say what a scenario would have a single run write."""
    named = {"save": outputs.save, "metrics": outputs.metrics, "manifest": outputs.manifest}
    for name, path in named.items():
        if path is not None:
            yield f"{path} is not written: {name} is of one run, and these are replicates."


def _told(found: Ensemble, world: World, seconds: float) -> Iterator[str]:
    rows = [("", "mean", "95 % interval", "by", "median", "95 % interval", "least", "most")]
    for row in found.summary().rows():
        if row["measure"] == "failed" and not row["most"]:
            continue
        mean = _between(row["mean_low"], row["mean_high"])
        median = _between(row["median_low"], row["median_high"])
        numbers = (_number(row[name]) for name in ("mean", "median", "least", "most"))
        first, middle, least, most = numbers
        name, by = one_line(row["measure"]), row["method"]
        rows.append((name, first, mean, by, middle, median, least, most))
    yield table(rows)
    yield f"{found.summary().caption}."
    yield from found.conclusion().splitlines()
    yield (
        f"{len(world.agents):,} agents, {world.ties.count:,} ties; {found.records.finished:,} "
        f"replicates, {seconds:.2f} s."
    )


def _between(low: float, high: float) -> str:
    return "-" if low != low else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def _write(found: Ensemble, world: World, outputs: Outputs, command: str) -> None:
    if outputs.form == "json" or outputs.json is not None:
        outputs.give("json", as_json(_facts(found, world, command)) + "\n")
    if outputs.form == "csv" or outputs.csv is not None:
        outputs.give("csv", csv_of(found.curves) + "\n")
    if outputs.parquet is not None:
        found.write(outputs.parquet, "curves")


def _facts(found: Ensemble, world: World, command: str) -> dict[str, Any]:
    """Return everything found, the same for the same command."""
    known = "size" in found.summary()["measure"].tolist()
    takeoff = found.takeoff() if known else None
    return {
        "hubbub": sim.__version__,
        "command": command,
        "world": {
            "agents": len(world.agents),
            "ties": world.ties.count,
            "seed": world.seed,
            "tick": world.tick,
            "tick_minutes": world.tick_minutes,
        },
        "replicates": found.records.finished,
        "takeoff": None
        if takeoff is None
        else takeoff._asdict() | {"interval": takeoff.interval._asdict()},
        "summary": list(found.summary().rows()),
        "fan": {"ever": list(found.fan("ever").rows())} if known else {},
        "runs": list(found.runs.rows()),
        "remarks": list(found.records.remarks),
    }

"""``hubbub seeds``: find the best seeds, or members and ties to block."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sim import lab
from sim.cli.output import Csv, Json, Out, Output, Pairs, WorldName, table
from sim.cli.start import completed, prepare
from sim.cli.watch import watched
from sim.cli.worlds import open_world
from sim.core.progress import part
from sim.core.text import one_line
from sim.errors import InputError

_AGAINST = "Also: degree,pagerank,discount,core,random, or all; celf in small worlds."
_SHOWN = 20


def seeds(
    context: typer.Context,
    world: WorldName,
    best: Annotated[
        int | None,
        typer.Option(help="Number of seeds, or of members or ties to block; default: 10."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Propagation model; default: the setting.", autocompletion=completed("models")
        ),
    ] = "",
    parameter: Pairs = None,
    costs: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Cost of a seed: degree (1 + followers), activity, openness, ..."
        ),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Most that all seeds may cost together, by --costs.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="opim (with a guarantee), or celf (small worlds).")
    ] = "opim",
    epsilon: Annotated[
        float, typer.Option(help="Approximation slack; the guarantee is 1 - 1/e - epsilon.")
    ] = 0.1,
    against: Annotated[str, typer.Option(help=_AGAINST)] = "",
    block: Annotated[
        str, typer.Option(metavar="agents|ties", help="Find what to block against a rumour.")
    ] = "",
    rumour: Annotated[
        str, typer.Option(metavar="SEEDS", help="Seeds of the rumour: random:5, ids:3,9, ...")
    ] = "",
    json: Json = False,
    csv: Csv = False,
    out: Out = None,
) -> None:
    """Find the seeds with the best estimated reach, or what to block against a rumour.

    Shows the expected reach of the seeds and how near the optimum they are.
    """
    prepare(context.obj)
    from sim.lab.seeding import BASELINES
    from sim.scenario.worlds import assignments
    from sim.settings.settings import current

    output = Output.asked(json=json, csv=csv, out=out)
    if bool(block) != bool(rumour):
        raise InputError("Blocking needs both: --block agents|ties, and --rumour EXPRESSION.")
    named = tuple(name.strip() for name in against.split(",") if name.strip())
    rivals = BASELINES if named == ("all",) else named
    if block and (costs or max_cost or rivals):
        raise InputError("--costs, --max-cost and --against are for seeds, not for --block.")
    model = model or current().model
    parameters: dict[str, Any] = dict(assignments(parameter or ()))
    count = 10 if best is None and max_cost is None and costs is None else best
    found: lab.SeedResult | lab.BlockingResult
    with watched() as report:
        opened = open_world(world, part(report, 0.0, 0.3))
        search = part(report, 0.3, 0.7)
        if block:
            what: Any = block
            found = lab.block_now(
                opened, rumour, 10 if count is None else count, what=what, model=model,
                report=search, **parameters,
            )  # fmt: skip
        else:
            share = 0.5 if rivals else 1.0
            found = seeds_found = lab.best_seeds_now(
                opened, count, model=model, budget=max_cost, costs=costs, method=method,
                epsilon=epsilon, report=part(search, 0.0, share), **parameters,
            )  # fmt: skip
            if rivals:
                seeds_found.compare(rivals, report=part(search, share, 1.0 - share))
    facts: dict[str, Any] = {"model": model, "parameters": parameters}
    output.give(lambda: facts | _facts(found), found.table, lambda: "\n\n".join(_text(found)))


def _facts(found: lab.SeedResult | lab.BlockingResult) -> dict[str, Any]:
    guarantee = getattr(found, "guarantee", None)
    facts: dict[str, Any] = {"guarantee": None if guarantee is None else guarantee._asdict()}
    facts["conclusion"] = found.conclusion()
    return facts | {name: _records(one) for name, one in found.tables.items()}


def _records(rows: lab.Table) -> list[dict[str, Any]]:
    columns = {name: rows[name].tolist() for name in rows.names}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(rows))]


def _text(found: lab.SeedResult | lab.BlockingResult) -> list[str]:
    parts = []
    for one in found.tables.values():
        records = _records(one)
        cells = [tuple(_cell(value) for value in row.values()) for row in records[:_SHOWN]]
        more = len(records) - _SHOWN
        note = [f"... and {more:,} more; --csv has all."] if more > 0 else []
        caption = f"{one_line(one.caption, 200)}:"
        parts.append("\n".join([caption, table([one.names, *cells]), *note]))
    return [*parts, found.conclusion()]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)

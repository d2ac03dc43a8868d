"""``hubbub calibrate``: fit parameters to observed cascades."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sim import lab
from sim.cli.output import DATA, Csv, Json, Output, again, table, write_text
from sim.cli.start import completed, prepare
from sim.cli.watch import probe_foreign, watched
from sim.core.text import plural


def calibrate(
    context: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            help="Trees, sizes, a curve or facts (.jsonl, .csv): sim/lab/calibration/README.md."
        ),
    ],
    fit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LOW:HIGH",
            help="A parameter of the model or network, and its range; NAME alone: its bounds.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Model and parameters: viral,base=0.3.",
            autocompletion=completed("models"),
        ),
    ] = "viral",
    network: Annotated[
        str,
        typer.Option(
            help="Generator and parameters: retweet-like,roots=40,agents=200040.",
            autocompletion=completed("networks"),
        ),
    ] = "retweet-like",
    holdout: Annotated[
        float, typer.Option(help="Share of the messages held out of the fit.")
    ] = 0.5,
    messages: Annotated[int, typer.Option(help="Messages simulated per point.")] = 40,
    minutes: Annotated[float, typer.Option(help="Minutes that each message is followed.")] = 1440.0,
    seeds: Annotated[
        str, typer.Option(help="First adopters, in turn: top:40, random:40; default: the roots.")
    ] = "",
    simulations: Annotated[
        int | None, typer.Option(help="Points to simulate; default: 16 per parameter and 16 more.")
    ] = None,
    method: Annotated[str, typer.Option(help="waves, or optuna.")] = "waves",
    level: Annotated[float, typer.Option(help="Confidence level of the joint region.")] = 0.95,
    discrepancy: Annotated[
        float, typer.Option(help="Relative error allowed for the model itself.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Random seed: the same seed, the same result.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Points simulated at once.")] = 2,
    json: Json = False,
    csv: Csv = False,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", metavar="FILE",
            help="Write a report, NAME.md; the fit, NAME.json or .csv; every table into a folder.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Fit parameters to observed messages, and test them on held-out ones.

    The baseline of each error is that of predicting the fitted messages.
    """
    prepare(context.obj)
    output = Output.asked(json=json, csv=csv, out=out, endings=(*DATA, ".md", ""))
    ranges = lab.ranges_of(fit or ())
    probe_foreign()
    with watched() as report:
        found = lab.calibrate_now(
            data, ranges=ranges, workers=workers, model=model, network=network, holdout=holdout,
            simulations=simulations, method=method, level=level, discrepancy=discrepancy,
            seed=seed, messages=messages, minutes=minutes, seeds=seeds, report=report,
        )  # fmt: skip
    if "" in output.files:
        found.write_all(output.files[""])
    if ".md" in output.files:
        write_text(output.files[".md"], "\n".join(_report(found, data)) + "\n")
    output.give(
        lambda: _facts(found),
        lambda: found.table("parameters"),
        lambda: "\n\n".join(_text(found)),
    )


def _facts(found: lab.Calibration) -> dict[str, Any]:
    return {
        "command": again(),
        "model": found.plan.model,
        "network": found.plan.network,
        "level": found.level,
        "parameters": list(found.table("parameters").rows()),
        "correlations": found.correlations,
        "miss": found.miss,
        "freedom": found.freedom,
        "fits": not found.off,
        "off": found.off,
        "errors": list(found.table("errors").rows()) if found.errors else [],
        "simulations": found.simulations,
        "seed": found.seed,
        "holdout": found.holdout,
        "warnings": found.warnings,
    }


def _text(found: lab.Calibration) -> Iterator[str]:
    for name, one in found.tables.items():
        if name != "curves":
            yield f"{one.caption}.\n{table(_cells(one))}"
    if found.warnings:
        yield "\n".join(found.warnings)
    yield f"Again: {again()}"


def _cells(one: lab.Table) -> Iterator[tuple[str, ...]]:
    yield one.names
    for row in one.rows():
        yield tuple(map(_cell, row.values()))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _report(found: lab.Calibration, data: Path) -> Iterator[str]:
    """Return the lines of a report in Markdown."""
    yield f"# Calibration of {found.plan.model} on {data.name}"
    yield ""
    held = f"{found.holdout:.0%} of the messages held out" if found.holdout else "none held out"
    yield (
        f"{plural(found.simulations, 'point')} of {plural(found.plan.messages, 'message')} each in "
        f"a network {found.plan.network} of {plural(found.plan.agents, 'member')}; {held}; seed "
        f"{found.seed}."
    )
    for name, one in found.tables.items():
        if name == "curves":
            continue
        yield from ("", f"## {one.caption}", "")
        head, *rows = _cells(one)
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
    yield from (f"- {sentence}" for sentence in found.warnings)
    yield from ("", "```", again(), "```")

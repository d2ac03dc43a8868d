"""``hubbub calibrate``: parameters fitted to what was observed, and how well they foretell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.output import Output, again, table, watched, write_text
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.lab.calibration import Calibration
    from sim.lab.tables import Table


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """A calibration as it was typed.

    Attributes
    ----------
    data
        The file of what was observed.
    fit
        Words ``NAME=LOW:HIGH`` or ``NAME``.
    how, plan
        As of :func:`sim.lab.calibration.fitting.calibrate_now`.
    workers
        Points simulated at once.
    """

    data: Path
    fit: tuple[str, ...]
    how: Mapping[str, Any]
    plan: Mapping[str, Any]
    workers: int


def ranges_of(words: tuple[str, ...]) -> dict[str, tuple[float, float] | None]:
    """Read ``NAME=LOW:HIGH`` words; a name alone has the bounds that it declares.

    Raises
    ------
    InputError
        For a range that is none, or a name that comes twice.

    Examples
    --------
    >>> ranges_of(("base=0.1:0.5", "fading"))
    {'base': (0.1, 0.5), 'fading': None}
    """
    found: dict[str, tuple[float, float] | None] = {}
    for word in words:
        name, sign, ends = word.partition("=")
        name = name.strip().replace("-", "_")
        if name in found:
            raise InputError(f"--fit {name} is given twice; give it once.")
        found[name] = _ends(word, ends) if sign else None
    return found


def _ends(word: str, ends: str) -> tuple[float, float]:
    low, sign, high = ends.partition(":")
    try:
        return float(low), float(high if sign else "")
    except ValueError:
        raise InputError(
            f"--fit takes NAME=LOW:HIGH, such as base=0.01:0.5; got {word!r}."
        ) from None


def show_calibration(asked: CalibrationRequest, output: Output) -> None:
    """Calibrate, and write what was found; a report too, and every table into a folder.

    Raises
    ------
    HubbubError
        One sentence.
    """
    ranges = ranges_of(asked.fit)
    probe_foreign()
    from sim.lab.calibration import calibrate_now

    with watched() as report:
        found = calibrate_now(
            asked.data, ranges=ranges, workers=asked.workers, report=report,
            **asked.how, **asked.plan,
        )  # fmt: skip
    if "" in output.files:
        found.write_all(output.files[""])
    if ".md" in output.files:
        write_text(output.files[".md"], "\n".join(_report(found, asked)) + "\n")
    output.give(
        lambda: _facts(found, asked),
        lambda: found.table("parameters"),
        lambda: "\n\n".join(_text(found, asked)),
    )


def _facts(found: Calibration, asked: CalibrationRequest) -> dict[str, Any]:
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


def _text(found: Calibration, asked: CalibrationRequest) -> Iterator[str]:
    for name, one in found.tables.items():
        if name != "curves":
            yield f"{one.caption}.\n{table(_cells(one))}"
    if found.warnings:
        yield "\n".join(found.warnings)
    yield f"Again: {again()}"


def _cells(one: Table) -> Iterator[tuple[str, ...]]:
    yield one.names
    for row in one.rows():
        yield tuple(map(_cell, row.values()))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _report(found: Calibration, asked: CalibrationRequest) -> Iterator[str]:
    """Return the lines of a report in Markdown."""
    yield f"# Calibration of {found.plan.model} on {asked.data.name}"
    yield ""
    held = f"{found.holdout:.0%} of the messages held out" if found.holdout else "none held out"
    yield (
        f"{found.simulations} points of {found.plan.messages} messages each in a network "
        f"{found.plan.network} of {found.plan.agents:,} agents; {held}; seed {found.seed}."
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

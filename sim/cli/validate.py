"""``hubbub validate``: run the claims on models' cards again; print a table or write a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sim.cli.exits import ERROR, OK
from sim.cli.output import Output, around_marks, say, table, write_text
from sim.cli.watch import watched
from sim.core.cards import family_of
from sim.core.registry import spec
from sim.core.text import one_line, plural
from sim.errors import InputError
from sim.lab.validation import validate_now
from sim.testing import LAWS

if TYPE_CHECKING:
    from sim.lab.validation import ClaimVerdict, Validation


PAGE_BEGIN, PAGE_END = "<!-- validation -->", "<!-- end of validation -->"
_FEW = 4
_NUMBER = ("label", "expected", "observed", "low", "high", "passes")


def show_validation(
    models: tuple[str, ...], thorough: bool, workers: int | None, output: Output
) -> int:
    """Run the claims and print the outcome of each; return the exit code."""
    into = output.files.get(".md")
    if into is not None and models:
        raise InputError("A page lists all models; leave out their names or --out NAME.md.")
    frame = None if into is None else around_marks(into, PAGE_BEGIN, PAGE_END)
    if workers is None:  # starting workers takes seconds
        workers = 1 if 0 < len(models) <= _FEW else 2
    with watched() as report:
        found = validate_now(*models, thorough=thorough, workers=workers, report=report)
    output.give(lambda: _facts(found), found.table, lambda: "\n".join(_text(found)))
    if into is not None and frame is not None:
        write_text(into, f"{frame[0]}\n{page(found)}\n{frame[1]}")
        say(f"{into}: written.")
    return OK if found.passes else ERROR


def _facts(found: Validation) -> dict[str, Any]:
    return {
        "passes": found.passes,
        "thorough": found.is_thorough,
        "laws_only": found.laws_only,
        "claims": [
            {
                **row,
                "numbers": [{name: getattr(n, name) for name in _NUMBER} for n in verdict.numbers],
            }
            for row, verdict in zip(found.table().rows(), found.verdicts, strict=True)
        ],
    }


# The table


def _text(found: Validation) -> Iterator[str]:
    head = ("", "model", "claim", "expected", "observed", "in")
    yield table([head, *(_cells(verdict) for verdict in found.verdicts)])
    yield ""
    if found.laws_only:
        yield f"Checked without numeric claims: {', '.join(found.laws_only)}."
    yield from found.conclusion().splitlines()


def _cells(verdict: ClaimVerdict) -> tuple[str, ...]:
    mark = "ok" if verdict.passes else "FAILS"
    count = len(verdict.numbers)
    what = f"{verdict.what}; worst of {count}" if count > 1 else verdict.what
    return (mark, verdict.model, what, *_numbers(verdict))


def _numbers(verdict: ClaimVerdict) -> tuple[str, str, str]:
    worst = verdict.worst
    if worst is None:
        return "", "", ""
    between = f"[{worst.low:.6g}, {worst.high:.6g}]" if worst.high - worst.low > 1e-6 else "exactly"
    return f"{worst.expected:.6g}", f"{worst.observed:.6g}", between


# The page


def page(found: Validation) -> str:
    """Return the report as Markdown: one table per family, one line per claim."""
    families: dict[str, list[str]] = {}
    for model in found.models:
        families.setdefault(family_of(spec(model, "propagation").cls), []).append(model)
    result = "all hold" if found.passes else f"{len(found.broken)} do not hold"
    runs = "the larger" if found.is_thorough else "the default"
    count = f"{plural(len(found.verdicts), 'claim')} of {plural(len(found.models), 'model')}, "
    count += f"{runs} runs: {result}."
    lines = [f"{count} Laws: {', '.join(LAWS)}."]
    for family in sorted(families):
        lines += ["", f"## {family.capitalize()}", "", *_family(found, families[family])]
    return "\n".join(lines)


def _family(found: Validation, models: Iterable[str]) -> Iterator[str]:
    yield "| model | claim | expected | observed | in | how it was run | source |"
    yield "|---|---|---|---|---|---|---|"
    for model in models:
        for verdict in (each for each in found.verdicts if each.model == model):
            failure = "" if verdict.passes else " **does not hold**"
            cells = (*_numbers(verdict), verdict.how, verdict.source)
            worst = verdict.worst  # the one of several numbers that is shown
            which = f" [{worst.label}]" if worst is not None and worst.label else ""
            claim = f"{_markdown(verdict.what + which)}{failure}"
            yield f"| `{model}` | {claim} | {' | '.join(map(_markdown, cells))} |"
        if model in found.laws_only:
            yield f"| `{model}` | laws only: no number is claimed | | | | | |"


def _markdown(text: str) -> str:
    return one_line(text).replace("|", "\\|")

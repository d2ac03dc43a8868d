"""``hubbub validate``: what the cards of models claim, run again, as a table or a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.exits import ERROR, OK
from sim.cli.program.output import Output, say, table, watched
from sim.core.text import one_line
from sim.errors import FileError, InputError

if TYPE_CHECKING:
    from sim.lab.validation import ClaimVerdict, Validation


PAGE_BEGIN, PAGE_END = "<!-- validation -->", "<!-- end of validation -->"
_FEW = 4


@dataclass(frozen=True, slots=True)
class ValidationOrder:
    """What to validate and how to tell it.

    Parameters
    ----------
    models
        Names; none: all.
    thorough
        As of :func:`sim.lab.validation.validate`.
    workers
        Processes; None: this one for a few models, since others take seconds to start, else two.
    output
        How it is printed, and what it is written to; a page's report is written anew.
    """

    models: tuple[str, ...] = ()
    thorough: bool = False
    workers: int | None = None
    output: Output = field(default_factory=Output)

    @property
    def page(self) -> Path | None:
        """The page whose report to write anew."""
        return self.output.files.get(".md")


def show_validation(order: ValidationOrder) -> int:
    """Run the claims and print what came of each.

    Returns
    -------
    int
        The exit code: 1 when a claim does not hold.

    Raises
    ------
    InputError
        For a page of some models.
    FileError
        When the page has no marks, or cannot be read or written.
    """
    if order.page is not None and order.models:
        raise InputError("A page is of all models; leave the names or --out NAME.md out.")
    frame = None if order.page is None else _frame(order.page)
    from sim.lab.validation import validate_now

    is_few = 0 < len(order.models) <= _FEW
    workers = (1 if is_few else 2) if order.workers is None else order.workers
    with watched() as report:
        found = validate_now(*order.models, thorough=order.thorough, workers=workers, report=report)
    order.output.give(lambda: _facts(found), found.table, lambda: "\n".join(_text(found)))
    if order.page is not None and frame is not None:
        _write(order.page, frame[0] + "\n" + page(found) + "\n" + frame[1])
    return OK if found.passes else ERROR


def _facts(found: Validation) -> dict[str, Any]:
    return {
        "passes": found.passes,
        "thorough": found.is_thorough,
        "laws_only": found.laws_only,
        "claims": [
            {**row, "numbers": [_number(n) for n in verdict.numbers]}
            for row, verdict in zip(found.table().rows(), found.verdicts, strict=True)
        ],
    }


def _number(number: Any) -> dict[str, Any]:
    return {
        "label": number.label, "expected": number.expected, "observed": number.observed,
        "low": number.low, "high": number.high, "passes": number.passes,
    }  # fmt: skip


# The table


def _text(found: Validation) -> Iterator[str]:
    head = ("", "model", "claim", "expected", "observed", "in")
    yield table([head, *(_cells(verdict) for verdict in found.verdicts)])
    yield ""
    yield from _summary(found)


def _cells(verdict: ClaimVerdict) -> tuple[str, ...]:
    mark = "ok" if verdict.passes else "FAILS"
    count = len(verdict.numbers)
    what = f"{verdict.what}; worst of {count}" if count > 1 else verdict.what
    return (mark, verdict.model, what, *_numbers(verdict))


def _which(verdict: ClaimVerdict) -> str:
    """Return which of several numbers is shown."""
    worst = verdict.worst
    return f" [{worst.label}]" if worst is not None and worst.label else ""


def _numbers(verdict: ClaimVerdict) -> tuple[str, str, str]:
    worst = verdict.worst
    if worst is None:
        return "", "", ""
    between = f"[{worst.low:.6g}, {worst.high:.6g}]" if worst.high - worst.low > 1e-6 else "exactly"
    return f"{worst.expected:.6g}", f"{worst.observed:.6g}", between


def _summary(found: Validation) -> Iterator[str]:
    if found.laws_only:
        yield f"Laws only, no number is claimed: {', '.join(found.laws_only)}."
    yield from found.conclusion().splitlines()


# The page


def page(found: Validation) -> str:
    """Return the report as Markdown: a table a family, in which every claim is a line."""
    from sim.core.cards import family_of
    from sim.core.registry import spec
    from sim.testing import LAWS

    families: dict[str, list[str]] = {}
    for model in found.models:
        families.setdefault(family_of(spec(model, "propagation").cls), []).append(model)
    lines = [f"{_count(found)} Laws: {', '.join(LAWS)}."]
    for family in sorted(families):
        lines += ["", f"## {family.capitalize()}", "", *_family(found, families[family])]
    return "\n".join(lines)


def _count(found: Validation) -> str:
    said = "all hold" if found.passes else f"{len(found.broken)} do not hold"
    runs = "the larger" if found.is_thorough else "the default"
    return f"{len(found.verdicts)} claims of {len(found.models)} models, {runs} runs: {said}."


def _family(found: Validation, models: Iterable[str]) -> Iterator[str]:
    yield "| model | claim | expected | observed | in | how it was run | source |"
    yield "|---|---|---|---|---|---|---|"
    for model in models:
        for verdict in (each for each in found.verdicts if each.model == model):
            failure = "" if verdict.passes else " **does not hold**"
            cells = (*_numbers(verdict), verdict.how, verdict.source)
            claim = f"{_markdown(verdict.what + _which(verdict))}{failure}"
            yield f"| `{model}` | {claim} | {' | '.join(map(_markdown, cells))} |"
        if model in found.laws_only:
            yield f"| `{model}` | laws only: no number is claimed | | | | | |"


def _markdown(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def _frame(into: Path) -> tuple[str, str]:
    """Return what stands around the report of a page; refuse a page without marks at once."""
    try:
        text = into.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(into, f"cannot be read: {error.strerror}") from None
    before, begin, rest = text.partition(PAGE_BEGIN)
    _, end, after = rest.partition(PAGE_END)
    if not end:
        raise FileError(into, f"has no marks {PAGE_BEGIN} and {PAGE_END} to put the report between")
    return before + begin, end + after


def _write(into: Path, text: str) -> None:
    from sim.cli.program.output import write_text

    write_text(into, text)
    say(f"{into}: written.")

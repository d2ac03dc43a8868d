"""``hubbub seeds``: influence maximisation and blocking on a world; results as text or JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import Output, table, watched
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.lab.seeding import BlockingResult, SeedResult
    from sim.lab.tables import Table


_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SeedsRequest:
    """What was asked of ``hubbub seeds``.

    Parameters
    ----------
    best
        How many; None: as the budget pays.
    model, parameters
        Under which seeds are the best; an empty model is the settings' own.
    costs, budget
        A column of costs, and what seeds may cost together.
    method, epsilon
        How they are found.
    against
        Plain choices to stand beside.
    block, rumour
        What to block against whose rumour, if that is asked instead; ``"agents"`` or ``"ties"``.
    """

    best: int | None
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    costs: str | None = None
    budget: float | None = None
    method: str = "opim"
    epsilon: float = 0.1
    against: tuple[str, ...] = ()
    block: str = ""
    rumour: str = ""


def show_seeds(where: str, asked: SeedsRequest, output: Output) -> None:
    """Find and write seeds, or what to block.

    Parameters
    ----------
    where
        A world as every verb takes it.
    output
        How it is printed, and what it is written to.

    Raises
    ------
    HubbubError
        One sentence.
    """
    from sim.cli.worlds.open_save import open_world
    from sim.core.progress import part
    from sim.settings.settings import current

    if bool(asked.block) != bool(asked.rumour):
        raise InputError("Blocking needs both: --block agents|ties, and --rumour EXPRESSION.")
    model = asked.model or current().model
    with watched() as report:
        world = open_world(where, part(report, 0.0, 0.3))
        find = _blocks if asked.block else _seeds
        found = find(world, asked, model, part(report, 0.3, 0.7))
    output.give(lambda: _facts(found, model, asked), found.table, lambda: "\n\n".join(_text(found)))


def _seeds(world: Any, asked: SeedsRequest, model: str, report: Any) -> SeedResult:
    from sim.core.progress import part
    from sim.lab.seeding import best_seeds_now

    share = 0.5 if asked.against else 1.0
    found = best_seeds_now(
        world, asked.best, model=model, budget=asked.budget, costs=asked.costs,
        method=asked.method, epsilon=asked.epsilon, report=part(report, 0.0, share),
        **asked.parameters,
    )  # fmt: skip
    if asked.against:
        found.compare(asked.against, report=part(report, share, 1.0 - share))
    return found


def _blocks(world: Any, asked: SeedsRequest, model: str, report: Any) -> BlockingResult:
    from sim.lab.seeding import block_now

    if asked.costs or asked.budget or asked.against:
        raise InputError(
            "--costs, --max-cost and --against are for seeds; leave them out to block."
        )
    what: Any = asked.block
    return block_now(
        world, asked.rumour, 10 if asked.best is None else asked.best, what=what, model=model,
        report=report, **asked.parameters,
    )  # fmt: skip


def _facts(found: SeedResult | BlockingResult, model: str, asked: SeedsRequest) -> dict[str, Any]:
    facts: dict[str, Any] = {"model": model, "parameters": asked.parameters}
    guarantee = getattr(found, "guarantee", None)
    facts["guarantee"] = None if guarantee is None else guarantee._asdict()
    facts["conclusion"] = found.conclusion()
    return facts | {name: _records(one) for name, one in found.tables.items()}


def _records(rows: Table) -> list[dict[str, Any]]:
    columns = {name: rows[name].tolist() for name in rows.names}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(rows))]


def _text(found: SeedResult | BlockingResult) -> list[str]:
    from sim.core.text import one_line

    said = []
    for one in found.tables.values():
        records = _records(one)
        cells = [tuple(_cell(value) for value in row.values()) for row in records[:_SHOWN]]
        more = len(records) - _SHOWN
        lines = [f"{one_line(one.caption, 200)}:", table([one.names, *cells])]
        said.append("\n".join([*lines, f"... and {more:,} more; --csv has all."][: 2 + (more > 0)]))
    return [*said, found.conclusion()]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)

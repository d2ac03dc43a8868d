"""Surrogates distilled from files: reads logged decisions of runs, fits, writes the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from sim.core.files import write_whole
from sim.core.progress import Report, quiet
from sim.errors import FileError
from sim.minds.surrogate import LoggedDecision, Surrogate, distilled
from sim.runtime.journal.acts import holds
from sim.store.journal.reading import audit
from sim.world.log import LoggedAct, words_of


def distil(
    files: Sequence[str | PathLike[str]],
    *,
    held_out: float = 0.3,
    seed: int = 0,
    report: Report = quiet,
) -> Surrogate:
    """Return a surrogate of the models that decided in runs.

    Parameters
    ----------
    files
        Worlds that were run with minds, or their journals; nothing of them is changed.
    held_out, seed
        As of :func:`~sim.minds.surrogate.distilled`.
    report
        Told of progress; may cancel.

    Raises
    ------
    InputError, SnapshotError
        Too few decisions in them, or a file that is none.
    """
    found: list[LoggedDecision] = []
    for number, file in enumerate(files):
        report(f"reading {file}", number / len(files))
        found += logged_in(audit(file).acts)
    report("fitting", 1.0)
    return distilled(found, held_out=held_out, seed=seed)


def logged_in(acts: Sequence[LoggedAct]) -> Iterator[LoggedDecision]:
    """Yield the decisions of models among the acts of a run, in order."""
    for act in acts:
        if not holds(act.kind, "decisions"):
            continue
        try:
            args, _ = words_of(act.said)
        except ValueError:  # too long for the log
            continue
        model = ""
        for row in args[0]:
            model = _model(row) or model
            if row.get("seen"):
                seen, what, post = row["seen"]
                yield LoggedDecision(seen, what, post, model)


def _model(row: Mapping[str, Any]) -> str:
    """Return the model that answered; of decisions made together the first row says it."""
    replies: list[list[Any]] = row.get("replies", [])
    return str(replies[-1][7]) if replies else ""


def write(surrogate: Surrogate, path: Path) -> None:
    """Write a surrogate to a file."""
    try:
        write_whole(path, surrogate.dump())
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None

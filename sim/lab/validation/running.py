"""``validate``: runs all claims in a process pool and gives a :class:`Validation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.core.progress import Report, quiet
from sim.core.registry import load_plugins, names, spec
from sim.errors import InputError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.runs.workers import Surroundings, WorkerDied, carried_out, settle
from sim.lab.tables import Result, Table
from sim.lab.validation.claim import ClaimVerdict, ModelClaim, judge
from sim.lab.validation.declared import declared_claims
from sim.lab.validation.general import law_claim, theory_claim

KIND = "propagation"
_MOST_WORKERS = 64
_BUILT_IN = "plugins."
_BACKEND = "loky"

COLUMNS = ("model", "claim", "kind", "number", "expected", "observed", "low", "high", "passes",
           "how", "source", "failure", "seconds")  # fmt: skip
"""Of the table of a validation."""


@dataclass(frozen=True, slots=True)
class Validation(Result):
    """What became of every claim of some models; its table has a row a claim.

    Attributes
    ----------
    verdicts
        One a claim, models in the order asked for.
    is_thorough
        Whether with the larger numbers of runs.
    """

    verdicts: tuple[ClaimVerdict, ...]
    is_thorough: bool = False

    @property
    def passes(self) -> bool:
        """Whether every claim holds."""
        return not self.broken

    @property
    def broken(self) -> tuple[ClaimVerdict, ...]:
        """The claims that do not hold."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passes)

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in order."""
        return tuple(dict.fromkeys(verdict.model for verdict in self.verdicts))

    @property
    def laws_only(self) -> tuple[str, ...]:
        """Models of which no number is claimed."""
        counted = {verdict.model for verdict in self.verdicts if verdict.kind != "laws"}
        return tuple(model for model in self.models if model not in counted)

    @property
    def tables(self) -> Mapping[str, Table]:
        """One table, ``claims``: of each the number that is nearest to failing, NaN if none is."""
        rows = [_row(verdict) for verdict in self.verdicts]
        caption = "What models claim, and what was found."
        units = {"seconds": "s"}
        return {"claims": Table.of_rows(rows, names=COLUMNS, units=units, caption=caption)}

    def conclusion(self) -> str:
        """Return a sentence for each claim that does not hold, or that all do."""
        count, models = len(self.verdicts), len(self.models)
        claims = f"{count:,} claims of {models} model{'s' if models != 1 else ''}"
        if self.passes:
            return f"{claims}: all hold."
        broken = "\n".join(verdict.sentence for verdict in self.broken)
        return f"{broken}\n{claims}: {len(self.broken)} do not hold."


def _row(verdict: ClaimVerdict) -> dict[str, Any]:
    worst = verdict.worst
    numbers = (None,) * 4 if worst is None else (
        worst.expected, worst.observed, worst.low, worst.high
    )  # fmt: skip
    label = "" if worst is None else worst.label
    cells = (verdict.model, verdict.what, verdict.kind, label, *numbers, verdict.passes,
             verdict.how, verdict.source, verdict.failure, round(verdict.seconds, 3))  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def claims_of(model: str) -> tuple[ModelClaim, ...]:
    """Return everything that is claimed of a propagation model: laws, theory, numbers.

    Parameters
    ----------
    model
        Its registered name. A plugin's class may declare claims of its own in a class attribute
        ``claims``, a sequence of :class:`ModelClaim`.

    Raises
    ------
    UnknownNameError
        When there is no such model.

    Examples
    --------
    >>> [claim.kind for claim in claims_of("persuasion")][0]
    'laws'
    """
    cls = spec(model, KIND).cls
    theory = theory_claim(model)
    own: Sequence[ModelClaim] = getattr(cls, "claims", ())
    declared = declared_claims().get(model, ())
    return (law_claim(model), *([theory] if theory else []), *declared, *own)


def validate_now(
    *models: str, thorough: bool = False, workers: int = 1, report: Report = quiet
) -> Validation:
    """Run what is claimed of models.

    Parameters
    ----------
    *models
        Registered names; none: every propagation model, those of loaded plugins too.
    thorough
        Whether with the larger numbers of runs: about five times as long.
    workers
        Processes, 1 to 64. Models of plugin files are run in this one.
    report
        Told how far it is; may raise to stop.

    Returns
    -------
    Validation
        A verdict for every claim. The same claims give the same numbers whenever they are run.

    Raises
    ------
    UnknownNameError
        When there is no such model.
    InputError
        When ``workers`` is out of range.

    Examples
    --------
    >>> validate_now("persuasion").passes
    True
    """
    if not 1 <= workers <= _MOST_WORKERS:
        raise InputError(f"Workers are 1 to {_MOST_WORKERS} processes; got {workers:,}.")
    load_plugins()
    chosen = tuple(dict.fromkeys(models)) or names(KIND)
    keys = [(model, n) for model in chosen for n in range(len(_claims(model)))]
    found: dict[tuple[str, int], ClaimVerdict] = {}
    for key, verdict in _judged(keys, thorough, workers, report):
        found[key] = verdict
        report(f"{verdict.model}: {verdict.what}", len(found) / len(keys))
    return Validation(tuple(found[key] for key in keys), thorough)


validate = awaited(validate_now)


Key = tuple[str, int]


def _claims(model: str) -> tuple[ModelClaim, ...]:
    if model not in names(KIND):
        from sim.core.registry import refuse_off

        refuse_off(model)
        raise UnknownNameError("propagation model", model, names(KIND))
    return claims_of(model)


def _judged(
    keys: Sequence[Key], thorough: bool, workers: int, report: Report
) -> Iterator[tuple[Key, ClaimVerdict]]:
    """Yield verdicts as they come: what is built in on workers, what a file registers here."""
    is_known = {model: spec(model, KIND).origin.startswith(_BUILT_IN) for model, _ in keys}
    remote = [key for key in keys if is_known[key[0]]] if workers > 1 else []
    yield from ((key, _judge(key, thorough)) for key in keys if key not in set(remote))
    if not remote:
        return
    around, here = Surroundings.here(_BACKEND), len(keys) - len(remote)
    told = [(key, thorough, around) for key in remote]

    def look() -> None:
        report(f"{remote[0][0]} and others", here / len(keys))

    try:
        for verdict in carried_out(iter(told), workers, _BACKEND, look, _keyed):
            here += 1
            yield verdict
    except WorkerDied:
        raise InputError(
            "A worker ended before its claim was judged; where memory is short, ask for fewer."
        ) from None


def _keyed(told: tuple[Key, bool, Surroundings]) -> tuple[Key, ClaimVerdict]:
    """Judge a claim in a process of its own, by the settings of the one that asks."""
    key, thorough, around = told
    settle(around)
    return key, _judge(key, thorough)


def _judge(key: Key, thorough: bool) -> ClaimVerdict:
    model, number = key
    return judge(_claims(model)[number], thorough=thorough)

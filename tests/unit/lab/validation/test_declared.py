"""One claim of each kind, with fewer runs: the intervals are wider, and hold as well."""

import pytest

from sim.lab import ModelClaim
from sim.lab.validation.declared import declared_claims

FEW = 400


def kinds() -> dict[str, ModelClaim]:
    """One claim for each way of measuring."""
    found: dict[str, ModelClaim] = {}
    for claims in declared_claims().values():
        for claim in claims:
            function = claim.measure
            family = function.__module__.rpartition(".")[2]
            kind = f"{family}.{function.__qualname__.partition('.<')[0]}"
            each = f"{claim.model}: {claim.what}"  # what has no runs is quick
            found.setdefault(each if kind == "build.check_exactly" else kind, claim)
    return found


def is_long(kind: str) -> bool:
    return kind in LONG or kind.startswith("deffuant: bound")


KINDS = kinds()
LONG = {
    "cascades._large",
    "epidemics._attack",
    "epidemics._endemic",
    "opinions._consensus",
    "opinions._zealots",
    "opinions._bass",
    "opinions._hawkes",
    "epidemics._hoax",
    "epidemics._twice",
    "cascades._window",
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow if is_long(k) else ()) for k in sorted(KINDS)]
)
def test_a_claim_holds_with_few_runs_too(kind: str) -> None:
    claim = KINDS[kind]
    runs = claim.runs if is_long(kind) else min(claim.runs, FEW)
    numbers = claim.measure(runs)
    assert numbers
    assert all(number.passes for number in numbers)

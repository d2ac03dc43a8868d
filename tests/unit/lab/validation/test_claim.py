import math
from collections.abc import Sequence

import numpy as np
import pytest

from sim.errors import PluginError
from sim.lab import Compared, ModelClaim, compared_mean, compared_share
from sim.lab.validation import judge
from sim.lab.validation.claim import same
from sim.lab.validation.declared import declared_claims


def claim(*numbers: Compared) -> ModelClaim:
    return ModelClaim("sir", "a number", lambda runs: numbers, how="{runs} runs", runs=1000,
                      thorough=9000)  # fmt: skip


def test_a_mean_passes_within_four_errors_and_strain_is_the_share_of_them() -> None:
    # 0, 1, ..., 99: mean 49.5, standard deviation 29.011492, standard error 2.9011492
    values = np.arange(100)
    assert compared_mean(values, 49.5 + 4 * 2.9011).passes
    assert not compared_mean(values, 49.5 + 4 * 2.9012).passes
    assert compared_mean(values, 49.5 + 4 * 2.9012, margin=0.01).passes
    assert Compared(0.95, 1.0, below=0.1, above=0.0).strain == pytest.approx(0.5)
    assert Compared(math.nan, 1.0, 0.1).strain == math.inf


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        # 100 runs of chance .5: standard error .05
        (compared_share(70, 100, 0.5), True),
        (compared_share(71, 100, 0.5), False),
        (compared_share(1, 100, 0.0), False),
        # deterministic numbers are held to nine digits
        (Compared(1.0 + 0.9e-9, 1.0), True),
        (Compared(1.0 + 1.1e-9, 1.0), False),
        # margins may differ by side
        (Compared(0.95, 1.0, below=0.1, above=0.0), True),
        (Compared(1.05, 1.0, below=0.1, above=0.0), False),
        # what is no number fails
        (Compared(math.nan, 1.0, 0.1), False),
        (compared_mean([math.nan, 1.0], 1.0), False),
    ],
)
def test_a_number_passes_within_its_margin(found: Compared, passes: bool) -> None:
    assert found.passes is passes


def test_differences_are_counted_and_nothing_measured_does_not_hold() -> None:
    assert same("x", [1, 2, 3], [1, 0, 0]).observed == 2
    assert same("x", [1, 2], [1, 2]).passes
    assert same("x", [1, 2], [1, 2, 3]).observed == 2
    verdict = judge(claim())
    assert not verdict.passes
    assert verdict.sentence == "sir: a number: nothing was measured"


def test_a_verdict_names_its_worst_number() -> None:
    verdict = judge(claim(Compared(1.0, 1.0), Compared(2.0, 1.5, 0.1, label="second")))
    assert not verdict.passes
    assert verdict.worst is verdict.numbers[1]
    told = "1.5 is claimed, 2 was found, in [1.6, 2.4] by 1,000 runs"
    assert verdict.sentence == f"sir: a number (second): {told}"
    assert judge(claim(Compared(1.0, 1.0))).sentence == ""


def test_thorough_runs_are_more() -> None:
    seen: list[int] = []

    def measure(runs: int) -> Sequence[Compared]:
        seen.append(runs)
        return [Compared(1.0, 1.0)]

    one = ModelClaim("sir", "x", measure, how="{runs} runs", runs=10, thorough=2000)
    assert [judge(one).how, judge(one, thorough=True).how] == ["10 runs", "2,000 runs"]
    assert seen == [10, 2000]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no such thing"), "raised ValueError: no such thing"),
        (ZeroDivisionError(), "raised ZeroDivisionError: no more is known"),
        (PluginError("sir", "leaks memory"), "leaks memory"),
    ],
)
def test_a_model_that_raises_fails_its_claim(error: Exception, said: str) -> None:
    def measure(_: int) -> Sequence[Compared]:
        raise error

    verdict = judge(ModelClaim("sir", "x", measure))
    assert not verdict.passes
    assert said in verdict.sentence


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

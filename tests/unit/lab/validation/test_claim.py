import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sim import names, spec
from sim.errors import InputError, PluginError, UnknownNameError
from sim.lab import (
    Compared,
    ModelClaim,
    Validation,
    compared_mean,
    compared_share,
    validate,
    validate_now,
)
from sim.lab.runs.workers import WorkerConfig
from sim.lab.validation import claims_of, judge
from sim.lab.validation.claim import same
from sim.lab.validation.declared import declared_claims
from sim.lab.validation.running import _keyed
from sim.settings import current
from sim.settings.settings import use
from tests.raising import raises


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


BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]


def test_every_claim_is_of_a_model_that_there_is() -> None:
    assert set(declared_claims()) <= set(BUILT_IN)


@pytest.mark.parametrize("model", BUILT_IN)
def test_every_model_claims_its_laws_and_each_claim_once(model: str) -> None:
    claims = claims_of(model)
    assert claims[0].kind == "laws"
    assert len({claim.what for claim in claims}) == len(claims)
    for claim in claims:
        assert claim.model == model
        assert claim.source
        assert claim.how
        assert claim.runs <= claim.thorough


def test_a_result_tells_of_each_claim() -> None:
    told: list[float] = []
    found = asyncio.run(validate("persuasion", report=lambda stage, share: told.append(share)))
    assert found.passes
    assert found.models == ("persuasion",)
    assert found.broken == ()
    assert told[-1] == 1.0
    assert len(told) == len(found.verdicts) == len(claims_of("persuasion"))
    (laws, *_) = found.table().rows()
    assert found.conclusion() == f"{len(found.verdicts)} claims of 1 model: all hold."
    assert (laws["claim"], laws["passes"], laws["failure"]) == ("keeps its laws", True, "")
    assert Validation((judge(claims_of("bass")[0]),)).laws_only == ("bass",)


def test_the_same_claims_give_the_same_numbers() -> None:
    (claim,) = [one for one in claims_of("icep") if one.what.startswith("a border")]
    assert judge(claim).numbers == judge(claim).numbers


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_workers_give_what_one_process_gives(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setattr("sim.lab.validation.running._BACKEND", backend)
    one, two = (validate_now("persuasion", workers=workers) for workers in (1, 2))
    assert [v.numbers for v in one.verdicts] == [v.numbers for v in two.verdicts]


def test_a_worker_judges_by_the_settings_of_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.lab.runs.workers.allow", lambda _: None)
    before = current()
    asked = before.model_copy(update={"max_running": 7})
    around = WorkerConfig((0, "elsewhere of validation"), (), asked, is_parent=False)
    try:
        key, verdict = _keyed((("persuasion", 0), False, around))
        assert current().max_running == 7
    finally:
        use(before)
    assert (key, verdict.passes) == (("persuasion", 0), True)


def test_a_result_without_numbers_has_rows() -> None:
    def measure(_: int) -> Any:
        raise ValueError("no")

    (row,) = Validation((judge(ModelClaim("sir", "x", measure)),)).table().rows()
    assert (row["expected"], row["observed"], row["passes"]) == (None, None, False)
    assert row["failure"] == "raised ValueError: no"


def test_a_plugin_s_class_may_claim_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ModelClaim("bass", "one is one", lambda runs: [Compared(1.0, 1.0)], source="s", how="h")
    monkeypatch.setattr(spec("bass").cls, "claims", (own,), raising=False)
    assert claims_of("bass")[-1] is own


def test_what_there_is_not_is_refused() -> None:
    raises(UnknownNameError, "propagation model", validate_now, "sirr")
    raises(InputError, "1 to 64 processes", validate_now, "sir", workers=0)

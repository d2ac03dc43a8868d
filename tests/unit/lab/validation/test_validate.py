import asyncio
from typing import Any

import pytest

from sim import names, spec
from sim.errors import InputError, UnknownNameError
from sim.lab import Compared, ModelClaim, Validation, validate, validate_now
from sim.lab.runs.workers import WorkerConfig
from sim.lab.validation import claims_of, judge
from sim.lab.validation.declared import declared_claims
from sim.lab.validation.running import _keyed
from sim.settings import current
from sim.settings.settings import use
from tests.raising import raises

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

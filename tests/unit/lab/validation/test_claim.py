"""The rule by which claims are judged, against numbers worked out by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from sim.errors import PluginError
from sim.lab import Compared, ModelClaim, compared_mean, compared_share
from sim.lab.validation import judge
from sim.lab.validation.claim import same


def claim(*numbers: Compared) -> ModelClaim:
    return ModelClaim("sir", "a number", lambda runs: numbers, how="{runs} runs", runs=1000,
                      thorough=9000)  # fmt: skip


def test_a_mean_passes_within_four_standard_errors() -> None:
    # 0, 1, ..., 99: mean 49.5, standard deviation 29.011492, standard error 2.9011492
    values = np.arange(100)
    assert compared_mean(values, 49.5 + 4 * 2.9011).passes
    assert not compared_mean(values, 49.5 + 4 * 2.9012).passes
    assert compared_mean(values, 49.5 + 4 * 2.9012, margin=0.01).passes


def test_a_share_has_the_error_of_its_chance() -> None:
    # 100 runs of chance .5: standard error .05
    assert compared_share(70, 100, 0.5).passes
    assert not compared_share(71, 100, 0.5).passes
    assert not compared_share(1, 100, 0.0).passes


def test_deterministic_numbers_are_held_to_nine_digits() -> None:
    assert Compared(1.0 + 0.9e-9, 1.0).passes
    assert not Compared(1.0 + 1.1e-9, 1.0).passes


def test_margins_may_differ_by_side() -> None:
    assert Compared(0.95, 1.0, below=0.1, above=0.0).passes
    assert not Compared(1.05, 1.0, below=0.1, above=0.0).passes
    assert Compared(0.95, 1.0, below=0.1, above=0.0).strain == pytest.approx(0.5)


def test_what_is_no_number_fails() -> None:
    broken = Compared(math.nan, 1.0, 0.1)
    assert not broken.passes
    assert broken.strain == math.inf
    assert not compared_mean([math.nan, 1.0], 1.0).passes


def test_differences_are_counted() -> None:
    assert same("x", [1, 2, 3], [1, 0, 0]).observed == 2
    assert same("x", [1, 2], [1, 2]).passes
    assert same("x", [1, 2], [1, 2, 3]).observed == 2


def test_a_verdict_names_its_worst_number() -> None:
    verdict = judge(claim(Compared(1.0, 1.0), Compared(2.0, 1.5, 0.1, label="second")))
    assert not verdict.passes
    assert verdict.worst is verdict.numbers[1]
    assert verdict.sentence == (
        "sir: a number (second): 1.5 is claimed, 2 was found, in [1.6, 2.4] by 1,000 runs"
    )
    assert judge(claim(Compared(1.0, 1.0))).sentence == ""


def test_thorough_runs_are_more() -> None:
    seen: list[int] = []

    def measure(runs: int) -> Sequence[Compared]:
        seen.append(runs)
        return [Compared(1.0, 1.0)]

    one = ModelClaim("sir", "x", measure, how="{runs} runs", runs=10, thorough=2000)
    assert [judge(one).how, judge(one, thorough=True).how] == ["10 runs", "2,000 runs"]
    assert seen == [10, 2000]


def test_a_claim_that_measures_nothing_does_not_hold() -> None:
    verdict = judge(claim())
    assert not verdict.passes
    assert verdict.sentence == "sir: a number: nothing was measured"


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

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.jit.exact import exact_exp, exact_log, log1m, log_draw, power_draw


@given(st.floats(1e-300, 1e300))
def test_logarithm_is_that_of_the_library(x: float) -> None:
    assert exact_log(x) == pytest.approx(math.log(x), rel=1e-15, abs=2e-16)


@given(st.floats(-600, 600))
def test_exponential_is_that_of_the_library(x: float) -> None:
    assert exact_exp(x) == pytest.approx(math.exp(x), rel=2e-15)


@given(st.floats(1e-300, 0.999_999))
def test_logarithm_of_the_rest_is_accurate_for_the_smallest_chances(p: float) -> None:
    assert log1m(p) == pytest.approx(math.log1p(-p), rel=1e-14)


PINNED = [
    "-0x1.34378fcbda721p+0", "0x1.2d79559791e31p+3", "0x1.7622c78a98a07p-3",
    "0x1.078401f5a3ec8p+48", "-0x1.ad7f2b1414ae8p-24",
]  # fmt: skip


def test_exact_means_these_very_bits() -> None:
    values = [exact_log(0.3), exact_log(12345.678), exact_exp(-1.7), exact_exp(33.3), log1m(1e-7)]
    assert [float(value).hex() for value in values] == PINNED
    assert log_draw(np.uint64(2**64 - 1)) == 0.0
    assert log_draw(np.uint64(0)) == pytest.approx(-53 * math.log(2))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 2.5])
def test_power_law_quantiles_follow_the_distribution_function(exponent: float) -> None:
    low, high = 5.0, 400.0
    drawn = [power_draw(u, low, high, exponent) for u in (0.0, 0.25, 0.5, 0.9)]
    xs = np.linspace(low, high, 400_001)
    mass = np.concatenate([[0.0], np.cumsum((xs[1:] ** -exponent + xs[:-1] ** -exponent) / 2)])
    expected = np.interp([0.0, 0.25, 0.5, 0.9], mass / mass[-1], xs)
    assert drawn == pytest.approx(expected, rel=1e-3)

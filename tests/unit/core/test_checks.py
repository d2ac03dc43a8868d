"""Plain values are what they should be, or are refused in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.checks import whole_number
from sim.errors import InputError


@pytest.mark.parametrize("value", [0, -3, 10**30, np.int64(5), np.uint8(7)])
def test_whole_numbers_come_back_as_plain_ones(value: Any) -> None:
    assert whole_number(value, "priority") == value
    assert type(whole_number(value, "priority")) is int


@pytest.mark.parametrize("value", [True, 1.0, "3", None, np.float64(2), np.bool_(True), [1]])
def test_what_is_no_whole_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InputError, match=r"^priority must be a whole number, got .+\.$"):
        whole_number(value, "priority")


def test_a_lower_bound_is_in_the_sentence() -> None:
    assert whole_number(1, "max_friends", low=1) == 1
    with pytest.raises(InputError, match="must be a whole number of at least 1, got 0"):
        whole_number(0, "max_friends", low=1)


def test_a_long_value_is_cut_in_the_sentence() -> None:
    with pytest.raises(InputError) as refused:
        whole_number("x" * 1000, "at")
    assert len(str(refused.value)) < 100

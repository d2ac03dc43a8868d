"""Conclusions say what their interval allows, and no more."""

from typing import Any

import numpy as np
import pytest

from sim.errors import InputError
from sim.lab import conclusion, paired_difference, unpaired_difference
from sim.lab.statistics.differences import amount


def said(first: list[float], second: list[float], **more: Any) -> str:
    found = paired_difference(first, second)
    return conclusion(found, what="reach", first="baseline", second="warned", **more)


def test_an_interval_that_holds_nothing_shows_neither_a_difference_nor_its_absence() -> None:
    text = said([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 7, 6], unit="members")
    assert text.startswith("Inconclusive for reach: the mean of warned minus the baseline is")
    assert "includes 0" in text
    assert "0.333 members" in text
    assert "6 pairs" in text
    assert "a true difference of this size would need" in text
    assert "(80 % power)" in text
    for word in ("equal", "same", "no difference", "no effect", "larger", "smaller", "alike"):
        assert word not in text


def test_a_shown_difference_is_said_with_its_bounds() -> None:
    text = said([5, 6, 7, 6, 5], [3, 3, 4, 3, 2])
    assert text == (
        "warned reaches 2.8 less than the baseline (95 % interval 2.24 to 3.36 by t, 5 pairs)."
    )


def test_differences_of_shares_are_points() -> None:
    found = paired_difference([0.1, 0.2, 0.1, 0.2, 0.1], [0.3, 0.4, 0.3, 0.4, 0.31])
    text = conclusion(found, what="share reached", first="baseline", second="b=1", unit="share")
    assert text.startswith("b=1 reaches 20.2 points more than the baseline (95 % interval 19.6 to")
    text = conclusion(
        found,
        what="share reached",
        first="baseline",
        second="b=1",
        unit="share",
        means=(0.14, 0.342),
    )
    assert text.startswith(
        "b=1 reaches 34.2 % against 14.0 % under the baseline: +20.2 points (95 % interval 19.6 to"
    )


def test_few_replicates_are_called_few() -> None:
    assert "so few replicates" in said([1, 2, 3], [9, 10, 12])
    assert "so few replicates" in said([1, 2, 3], [2, 1, 5])
    assert "so few" not in said([1, 2, 3, 1, 2], [9, 10, 12, 9, 9])


def test_one_replicate_says_nothing_of_other_seeds() -> None:
    assert said([1], [4]) == (
        "warned reaches 3 more than the baseline in one replicate; a single pair gives no interval."
    )
    assert "is the same in warned and the baseline in one replicate" in said([1], [1])


def test_networks_without_spread_between_them_say_nothing_of_others() -> None:
    found = paired_difference([0, 0, 0, 0], [1, 0, 0, 1], networks=[0, 1, 0, 1])
    assert conclusion(found, what="reach", first="baseline", second="warned") == (
        "No conclusion about reach: the mean of warned minus the baseline is 0.5 over 4 pairs, but "
        "there are too few networks to estimate the variation between them."
    )


def test_identical_arms_are_the_same_here() -> None:
    assert said([1, 2], [1, 2]) == (
        "No difference: reach was the same in both paired runs of the baseline and warned."
    )
    assert "in all 3 paired runs" in said([1, 2, 3], [1, 2, 3])
    found = unpaired_difference([1, 1], [1, 1])
    assert "same in all runs" in conclusion(found, what="reach", first="a", second="b")


def test_a_difference_without_spread_has_no_interval() -> None:
    text = said([1, 2, 3], [3, 4, 5])
    assert text.startswith("warned reaches 2 more than the baseline in each of 3 pairs")
    assert "no interval" in text


def test_arms_are_alike_only_within_a_margin_that_was_named() -> None:
    first = list(np.arange(20.0))
    second = [value + (0.1 if place % 2 else -0.1) for place, value in enumerate(first)]
    assert "Inconclusive" in said(first, second)
    assert "by less than 0.5 (95 % interval" in said(first, second, margin=0.5)
    assert "Inconclusive" in said(first, second, margin=0.04)


def test_a_difference_that_is_shown_may_still_not_matter() -> None:
    text = said([5, 6, 7, 6, 5], [5.1, 6.2, 7.1, 6.1, 5.2], margin=1)
    assert "more than the baseline" in text
    assert "less than the 1 that would matter" in text


def test_arms_without_a_number_say_nothing() -> None:
    assert said([float("nan")], [1]).startswith("No conclusion about reach")


def test_unpaired_arms_are_counted_in_runs() -> None:
    found = unpaired_difference([1, 2, 3, 4, 5], [8, 9, 10, 11, 12])
    text = conclusion(found, what="reach", first="a", second="b")
    assert "5 runs per condition" in text


def test_a_need_beyond_a_million_runs_is_not_told() -> None:
    first = [float(value) for value in range(6)]
    second = [value + apart for value, apart in zip(first, (1, -1, 1, -1, 1, -0.9999), strict=True)]
    assert "would need" not in said(first, second)
    assert "would need" not in said([0, 0], [1, -1])  # a mean of 0: no size to be shown


def test_names_from_outside_stay_one_clean_line() -> None:
    found = paired_difference([1, 2], [1, 3])
    text = conclusion(found, what="reach", first="a\x1b[31m\nb", second="c")
    assert "\x1b" not in text
    assert "\n" not in text


def test_a_margin_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        said([1, 2], [1, 3], margin=0)


def test_amounts_have_three_digits() -> None:
    assert [amount(v) for v in (0.0, 12.345, 1e20, -123456.7)] == ["0", "12.3", "1e+20", "-123,457"]

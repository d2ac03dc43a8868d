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


CLAIMS = ("equal", "same", "no difference", "no effect", "larger", "smaller", "alike")
FAR = [value + apart for value, apart in zip(range(6), (1, -1, 1, -1, 1, -0.9999), strict=True)]
SAID: list[tuple[list[float], list[float], dict[str, Any], list[str], tuple[str, ...]]] = [
    ([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 7, 6], {"unit": "members"}, [
        "Inconclusive for reach: the mean of warned minus the baseline is", "includes 0",
        "0.333 members", "6 pairs", "a true difference of this size would need", "(80 % power)",
    ], CLAIMS),
    ([5, 6, 7, 6, 5], [3, 3, 4, 3, 2], {}, [
        "warned reaches 2.8 less than the baseline (95 % interval 2.24 to 3.36 by t, 5 pairs).",
    ], ()),
    ([1, 2, 3], [9, 10, 12], {}, ["so few replicates"], ()),
    ([1, 2, 3], [2, 1, 5], {}, ["so few replicates"], ()),
    ([1, 2, 3, 1, 2], [9, 10, 12, 9, 9], {}, [], ("so few",)),
    ([1], [4], {}, [
        "warned reaches 3 more than the baseline in one replicate; a single pair gives no interval."
    ], ()),
    ([1], [1], {}, ["is the same in warned and the baseline in one replicate"], ()),
    ([1, 2], [1, 2], {}, [
        "No difference: reach was the same in both paired runs of the baseline and warned.",
    ], ()),
    ([1, 2, 3], [1, 2, 3], {}, ["in all 3 paired runs"], ()),
    ([1, 2, 3], [3, 4, 5], {}, [
        "warned reaches 2 more than the baseline in each of 3 pairs", "no interval",
    ], ()),
    ([5, 6, 7, 6, 5], [5.1, 6.2, 7.1, 6.1, 5.2], {"margin": 1}, [
        "more than the baseline", "less than the 1 that would matter",
    ], ()),
    ([float("nan")], [1], {}, ["No conclusion about reach"], ()),
    ([0, 1, 2, 3, 4, 5], FAR, {}, [], ("would need",)),  # beyond a million runs
    ([0, 0], [1, -1], {}, [], ("would need",)),  # a mean of 0: no size to be shown
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "more", "shown", "unsaid"), SAID)
def test_no_more_is_said_than_the_pairs_allow(
    first: list[float], second: list[float], more: Any, shown: list[str], unsaid: tuple[str, ...]
) -> None:
    text = said(first, second, **more)
    assert all(part in text for part in shown)
    assert not any(word in text for word in unsaid)


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


def test_networks_without_spread_between_them_say_nothing_of_others() -> None:
    found = paired_difference([0, 0, 0, 0], [1, 0, 0, 1], networks=[0, 1, 0, 1])
    assert conclusion(found, what="reach", first="baseline", second="warned") == (
        "No conclusion about reach: the mean of warned minus the baseline is 0.5 over 4 pairs, but "
        "there are too few networks to estimate the variation between them."
    )


def test_unpaired_arms_may_be_the_same_and_are_counted_in_runs() -> None:
    found = unpaired_difference([1, 1], [1, 1])
    assert "same in all runs" in conclusion(found, what="reach", first="a", second="b")
    found = unpaired_difference([1, 2, 3, 4, 5], [8, 9, 10, 11, 12])
    assert "5 runs per condition" in conclusion(found, what="reach", first="a", second="b")


def test_arms_are_alike_only_within_a_margin_that_was_named() -> None:
    first = list(np.arange(20.0))
    second = [value + (0.1 if place % 2 else -0.1) for place, value in enumerate(first)]
    assert "Inconclusive" in said(first, second)
    assert "by less than 0.5 (95 % interval" in said(first, second, margin=0.5)
    assert "Inconclusive" in said(first, second, margin=0.04)


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

"""A column is within its bound, or the sentence says what it must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.bounds import Bound, require
from sim.errors import InputError

SIZES = {"agents": 4}


@pytest.mark.parametrize(
    ("bound", "column"),
    [
        (Bound("u1"), np.array([0, 255, 3, 9], np.uint8)),
        (Bound("u4", (None,), below="agents"), np.array([0, 3], np.uint32)),
        (Bound("u4", (None,), below="agents"), np.empty(0, np.uint32)),
        (Bound("u4", (None,), below=4, none=9), np.array([9, 3], np.uint32)),
        (Bound("u1", (2,), below=3, bits=0x7F), np.array([128, 130], np.uint8)),
        (Bound("i4", ("agents", 2), low=-1), np.full((4, 2), -1, np.int32)),
        (Bound("f8", (1,)), np.array([np.nan])),
    ],
)
def test_what_is_within_passes(bound: Bound, column: Any) -> None:
    require([("ages", column), ("unknown", column)], {"ages": bound}, SIZES, "a test")


@pytest.mark.parametrize(
    ("bound", "column"),
    [
        (Bound("u1"), np.zeros(5, np.uint8)),
        (Bound("u1"), np.zeros(4, np.int8)),
        (Bound("u1"), np.zeros((4, 1), np.uint8)),
        (Bound("u4", (None,), below="agents"), np.array([0, 4], np.uint32)),
        (Bound("u1", (2,), below=3, bits=0x7F), np.array([128, 131], np.uint8)),
        (Bound("i4", (1,), low=-1), np.array([-2], np.int32)),
        (Bound("f8", (1,), below=3), np.array([np.nan])),
    ],
)
def test_what_is_not_is_refused(bound: Bound, column: Any) -> None:
    with pytest.raises(InputError, match="The column 'ages' of a test must hold"):
        require([("ages", column)], {"ages": bound}, SIZES, "a test")


def test_the_sentence_says_what_is_allowed() -> None:
    bound = Bound("i4", ("agents", None), below="agents", low=-1)
    assert bound.said(SIZES) == "4 by any values of int32, each -1 to 3"
    assert Bound("u1").said(SIZES) == "4 values of uint8"

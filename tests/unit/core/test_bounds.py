"""A column is within its bound, or the sentence says what it must hold."""

from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from sim.core import Bound
from sim.core.bounds import DeclaredColumns, declared, prefixed, require, taken, under
from sim.errors import InputError
from tests.raising import raises

SIZES = {"agents": 4, "first": 2}


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
        (Bound("f4", (2,), low=0, high=1), np.array([0, 1], np.float32)),
        (Bound("u4", (None,), low="first", below="agents"), np.array([3, 2], np.uint32)),
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
        (Bound("f8", (1,), low=0), np.array([np.nan])),
        (Bound("f8", (1,), high=1), np.array([np.nan])),
        (Bound("f4", (2,), low=0, high=1), np.array([0, 1.5], np.float32)),
        (Bound("u4", (None,), low="first", below="agents"), np.array([1, 3], np.uint32)),
    ],
)
def test_what_is_not_is_refused(bound: Bound, column: Any) -> None:
    with pytest.raises(InputError, match="The column 'ages' of a test must hold"):
        require([("ages", column)], {"ages": bound}, SIZES, "a test")


def test_the_sentence_says_what_is_allowed_or_another_stands_for_it() -> None:
    with pytest.raises(InputError, match=r"^They are wrong\.$"):
        require([("ages", np.zeros(3))], {"ages": Bound("u1")}, SIZES, "a test", "They are wrong.")
    bound = Bound("i4", ("agents", None), below="agents", low=-1)
    assert bound.said(SIZES) == "4 by any values of int32, each -1 to 3"
    assert Bound("u1").said(SIZES) == "4 values of uint8"
    bound = Bound("u4", (None,), low="first", below="agents")
    assert bound.said(SIZES) == "any values of uint32, each 2 to 3"


def test_columns_are_of_the_declared_types_and_shapes_or_named() -> None:
    bounds = {"ages": Bound("u1", below=3), "where": Bound("i4", ("agents", 2))}
    where = np.zeros((4, 2), np.int32)
    given: dict[str, Any] = {"where": where, "more": np.ones(1), "ages": np.full(4, 9, "u1")}
    own = declared(given, bounds, SIZES, "Column {!r}")
    assert list(own) == ["ages", "where"]
    assert own["ages"] is given["ages"]  # values are not looked at
    for other, got in (
        (np.zeros((4, 3), np.int32), r"int32 \(4, 3\)"),
        (np.zeros((4, 2), np.int64), r"int64 \(4, 2\)"),
    ):
        said = rf"Column 'where' must be int32 \(4, 2\), got {got}\."
        raises(InputError, said, declared, given | {"where": other}, bounds, SIZES, "Column {!r}")
    del given["where"]
    raises(InputError, "Column 'where' is missing", declared, given, bounds, SIZES, "Column {!r}")


def test_columns_of_a_part_are_found_again_under_its_prefix() -> None:
    one, other = np.ones(1), np.ones(2)
    held = prefixed("a.", {"x": one, "a.x": other}) | {"b.x": other, "x": other}
    assert list(held) == ["a.x", "a.a.x", "b.x", "x"]
    assert under("a.", held) == {"x": one, "a.x": other}


class Ages(DeclaredColumns):
    """Three columns: one filled, one wide, one of another length."""

    bounds = MappingProxyType({
        "years": Bound("u1", below=150, fill=18),
        "where": Bound("i4", ("agents", 2), low=-1, fill=-1), "words": Bound("u8", ("words",)),
    })  # fmt: skip


def test_a_table_is_filled_and_grown_by_its_declaration() -> None:
    ages = Ages()
    ages.hold(ages.vacant({"agents": 1, "words": 1}))
    ages.dump()["years"][0] = 7
    ages.grow_to({"agents": 3, "words": 1})
    said = {name: column.tolist() for name, column in ages.dump().items()}
    assert said == {"years": [7, 18, 18], "where": [[-1, -1]] * 3, "words": [0]}
    assert [column.dtype.str for column in ages.dump().values()] == ["|u1", "<i4", "<u8"]
    assert ages.nbytes == 3 + 3 * 8 + 8


def test_what_is_taken_is_a_copy_of_the_declared_type_in_the_declared_order() -> None:
    where, years = np.zeros((2, 2), np.int32), np.array([1, 2], np.uint8)
    given: dict[str, Any] = {"words": np.array([5], np.int64), "where": where, "years": years}
    own = taken(given, Ages.bounds, "a test")
    assert list(own) == ["years", "where", "words"]
    assert own["words"].dtype == np.uint64
    own["years"][0] = 9
    assert years[0] == 1
    del given["words"]
    with pytest.raises(InputError, match="The column 'words' of a test is missing"):
        taken(given, Ages.bounds, "a test")

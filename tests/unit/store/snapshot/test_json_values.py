"""Metadata is JSON that reads back as it was, or is refused by its address."""

import enum
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.store.snapshot.schema import from_json, plain, to_json, utf8

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_whatever_json_can_hold_reads_back(value: Any) -> None:
    assert from_json(to_json(value)) == value


@given(st.text(st.characters(codec=None)))
def test_lone_surrogates_survive_in_text_that_utf8_can_hold(text: str) -> None:
    written = to_json({"text": text})
    assert from_json(written.encode().decode())["text"] == text


def test_people_find_their_own_letters() -> None:
    assert to_json({"text": "桥已关闭"}) == '{"text": "桥已关闭"}'


def test_types_of_numpy_become_those_of_python() -> None:
    given_values = (
        np.int64(-3),
        np.uint64(2**64 - 1),
        np.float32(0.5),
        np.bool_(True),
        np.str_("a"),
    )
    found = plain([*given_values, np.arange(2), (1, 2), Color.RED])
    assert found == [-3, 2**64 - 1, 0.5, True, "a", [0, 1], [1, 2], 1]
    assert {type(each) for each in found} == {int, float, bool, str, list}


class Color(enum.IntEnum):
    """An integer that prints as a word."""

    RED = 1


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": [0.0, float("nan")]}, "meta.a[1] is nan; a snapshot holds finite numbers only."),
        ({"a": float("-inf")}, "meta.a is -inf; a snapshot holds finite numbers only."),
        ({"a": np.float32("inf")}, "meta.a is inf; a snapshot holds finite numbers only."),
        ({"a": {1: 2}}, "meta.a has the key 1; keys must be text."),
        ({"a": {3}}, "meta.a is a set, which a snapshot cannot hold."),
        ({"a": b"x"}, "meta.a is a bytes, which a snapshot cannot hold."),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_address(value: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        plain(value)
    assert str(caught.value) == sentence


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="more than 64 levels deep"):
        plain(endless)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "[" * 100_000, "9" * 5_000])
def test_hostile_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever text
        from_json(text)


def test_text_for_tables_is_text_that_utf8_can_hold() -> None:
    assert utf8("a\ud800b") == "a?b"
    assert utf8(7) == "7"
    assert json.loads(to_json("\ud800")) == "\ud800"

from typing import Any

import numpy as np
import pytest

from sim.errors import InputError
from sim.scenario.sections import flattened, read_range, split_vary
from tests.raising import raises


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("0.1:0.5:9", [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]),
        ("5:20:4", [5, 10, 15, 20]),
        ("0.001:1:4:log", [0.001, 0.01, 0.1, 1.0]),
        ("-1:1:3", [-1, 0, 1]),
        ("1e-2:1e-1:2", [0.01, 0.1]),
        ("5,10", [5, 10]),
        ("0.3", [0.3]),
        ("blend, random", ["blend", "random"]),
        ("random:10,random:100", ["random:10", "random:100"]),
        ("true,false", [True, False]),
        ([1, 2.5], [1, 2.5]),
        (range(3), [0, 1, 2]),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (0.5, [0.5]),
    ],
)
def test_values_are_read_as_they_are_written(said: Any, values: list[Any]) -> None:
    found = list(read_range(said))
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "got nothing"),
        ("0.5:0.1:3", "rises from LOW to HIGH, got '0.5:0.1:3'"),
        ("1:1:3", "rises"),
        ("0:1e999:3", "rises"),
        ("0:1:1", "COUNT of '0:1:1' is a whole number of at least 2"),
        ("0:1:many", "COUNT"),
        ("0:1:3:log", "begins above 0"),
        ("1,1", "each value is listed once"),
        ([], "no value in its list"),
        ([float("nan")], "finite"),
        ({"low": 1}, "written as LOW:HIGH:COUNT"),
        (None, "written as LOW:HIGH:COUNT"),
    ],
)
def test_what_is_no_range_is_refused(said: Any, why: str) -> None:
    raises(InputError, why, read_range, said)


def test_a_share_of_the_way_is_a_value_and_keys_are_joined() -> None:
    assert [read_range("0:10").at(s) for s in (0, 0.25, 1)] == [0, 2.5, 10]
    assert [read_range("1:4").at(s, is_whole=True) for s in (0, 0.3, 0.5, 0.99, 1)] == [
        1, 2, 3, 4, 4,
    ]  # fmt: skip
    assert read_range("1:100:log").at(0.5) == 10
    assert read_range("1:1000:log").at(0.5, is_whole=True) == 32
    assert [read_range("a,b").at(s) for s in (0, 0.49, 0.5, 1)] == ["a", "a", "b", "b"]
    said = {"beta": "0:1:3", "messages": {"1": {"parameters": {"gamma": [0.1]}}}}
    assert flattened(said) == {"beta": "0:1:3", "messages.1.parameters.gamma": [0.1]}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("beta", "--vary takes KEY=LOW:HIGH:COUNT"),
        ("=1", "--vary takes"),
        ("beta=2:1", "--vary beta: a range rises"),
    ],
)
def test_what_varies_nothing_is_refused(words: str, why: str) -> None:
    raises(InputError, why, split_vary, words)

"""Plain values and Python text are what they should be, or are refused in one sentence."""

import ast
import gc
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sim.core.checks import expression, parsed, whole_number
from sim.errors import InputError
from tests.unit.core.test_threads import together


@pytest.mark.parametrize("value", [0, -3, 10**30, np.int64(5), np.uint8(7)])
def test_whole_numbers_come_back_as_plain_ones(value: Any) -> None:
    assert whole_number(value, "priority") == value
    assert type(whole_number(value, "priority")) is int


@pytest.mark.parametrize("value", [True, 1.0, "3", None, np.float64(2), np.bool_(True), [1]])
def test_what_is_no_whole_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InputError, match=r"^priority must be a whole number, got .+\.$"):
        whole_number(value, "priority")


def test_a_lower_bound_is_in_the_sentence_and_a_long_value_cut() -> None:
    assert whole_number(1, "max_friends", low=1) == 1
    with pytest.raises(InputError, match="must be a whole number of at least 1, got 0"):
        whole_number(0, "max_friends", low=1)
    with pytest.raises(InputError) as refused:
        whole_number("x" * 1000, "at")
    assert len(str(refused.value)) < 100


def test_trees_are_those_of_python() -> None:
    assert ast.dump(expression("a * 2")) == ast.dump(ast.parse("a * 2", mode="eval").body)
    assert ast.dump(parsed(b"a = 2")) == ast.dump(ast.parse("a = 2"))
    with pytest.raises(SyntaxError):
        expression("a b")


@pytest.fixture
def restless() -> Iterator[None]:
    """Collect garbage all the time, and let other threads run meanwhile."""

    def give_way(*_ignored: object) -> None:
        time.sleep(1e-5)

    before = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(5)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(give_way)


def test_threads_that_read_at_once_do_not_disturb_each_other(restless: None) -> None:
    failed: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(30):
                expression("+".join(["1"] * 30))
        except BaseException as error:
            failed.append(error)

    together(*[read] * 4)
    assert failed == []

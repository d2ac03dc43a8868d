from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim.io.importing.scan_kernels import WIDE, intern, parse_lines, rehash

Columns = tuple[int, int, int, int]
Parsed = tuple[list[int], list[int], list[float], bool]


class Reading:
    """A text, read into so many rows of room."""

    def __init__(self, text: str, columns: Columns, sign: int = WIDE, room: int = 50) -> None:
        self.data, self.columns, self.sign = np.frombuffer(text.encode(), np.uint8), columns, sign
        self.ends, self.extra = np.zeros((2, room), np.int64), np.zeros((2, room))
        self.tally = np.zeros(3, np.int64)

    def on(self, at: int = 0) -> tuple[int, int, bool]:
        text = self.data, at, self.data.size, self.sign, np.array(self.columns)
        given: Any = (*text, *self.ends, *self.extra, self.tally)
        at, count, fine = parse_lines(*given)
        return int(at), int(count), bool(fine)


def _parse(text: str, delimiter: str, columns: Columns) -> Parsed:
    read = Reading(text, columns, WIDE if delimiter == " " else ord(delimiter))
    _, count, fine = read.on()
    one, two = (ends[:count].tolist() for ends in read.ends)
    return one, two, read.extra[0, :count].tolist(), fine


BARE = (0, 1, -1, -1)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("1 2\n", " "), ("\t1 \t  2\t\r\n", " "), ("1\t2\textra words\n", "\t"),
        (" 1 , 2 \r\n", ","), ("1;2;\n", ";"), ("1|2|x|y\n", "|"), ("1\t\t2\n", " "),
    ],
)  # fmt: skip
def test_two_numbers_are_read_from_any_layout(text: str, delimiter: str) -> None:
    assert _parse(text, delimiter, BARE) == ([1], [2], [0.0], True)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("1\n", " "), ("1 x\n", " "), ("1 2x\n", " "), ("1.0 2\n", " "), ("- 2\n", " "),
        ("1,\n", ","), (",2\n", ","), ("1 x,2\n", ","), ("1,2 3\n", ","), ("1\t\t2\n", "\t"),
        ("9223372036854775808 1\n", " "),
    ],
)  # fmt: skip
def test_anything_else_stops_at_its_line(text: str, delimiter: str) -> None:
    assert _parse("3" + (delimiter + "4\n") + text, delimiter, BARE)[3] is False
    assert _parse("3" + (delimiter + "4\n") + text, delimiter, BARE)[0] == [3]


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-(2**63) + 1, 2**63 - 1))
def test_ids_have_all_of_64_bits(a: int, b: int) -> None:
    assert _parse(f"{a} {b}\n", " ", BARE) == ([a], [b], [0.0], True)


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
@example(0.1)
@example(1e-300)
@example(1341100972.75)
def test_weights_are_read_to_fourteen_digits(value: float) -> None:
    assert _parse(f"1,2,{value!r}\n", ",", (0, 1, 2, -1))[2] == [pytest.approx(value, rel=1e-14)]


@pytest.mark.parametrize("cell", ["", "x", "nan", "inf", "1e", "1e+", ".", "1.2.3", "1e999", "--1"])
def test_a_weight_that_is_no_finite_number_is_wrong(cell: str) -> None:
    assert _parse(f"1,2,{cell}\n", ",", (0, 1, 2, -1))[3] is False


def test_columns_may_come_in_any_order() -> None:
    assert _parse("0.5 x 8 9\n", " ", (3, 2, 0, -1)) == ([9], [8], [0.5], True)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("word\t8 x 9 y\n", " "), ("word 8\tx\t 9\n", " "),
        ("a b,8,,9,\n", ","), ("\t8\t\t9\n", "\t"),
    ],
)  # fmt: skip
def test_cells_that_nobody_asked_for_are_passed_over(text: str, delimiter: str) -> None:
    assert _parse(text, delimiter, (1, 3, -1, -1)) == ([8], [9], [0.0], True)


def test_times_are_read_beside_weights() -> None:
    read = Reading("1 2 0.5 1341100972.75\n3 4 1 -7e1\n", (0, 1, 2, 3))
    read.on()
    assert read.extra[:, :2].tolist() == [[0.5, 1.0], [1341100972.75, -70.0]]


@pytest.mark.parametrize("cell", ["123456789012345678901234567", "0.000" + "7" * 40, "9" * 300])
def test_digits_beyond_the_seventeenth_count_by_their_place(cell: str) -> None:
    assert _parse(f"1,2,{cell}\n", ",", (0, 1, 2, -1))[2] == [pytest.approx(float(cell), rel=1e-14)]


def test_a_table_that_is_half_full_finds_every_id() -> None:
    ids = np.arange(60, dtype=np.int64) * 977 - 20_000  # some fall on the same place
    keys, slots = np.empty(128, np.int64), np.zeros(128, np.uint32)
    numbers = np.zeros(60, np.uint32)
    rehash(ids, 60, keys, slots)
    assert sorted(keys[slots > 0].tolist()) == ids.tolist()
    assert intern(ids, 0, 60, 60, ids.copy(), keys, slots, numbers) == (60, 60)
    assert numbers.tolist() == list(range(60))


def test_comments_are_counted_and_reading_stops_where_room_ends() -> None:
    read = Reading("# one\n\n  % two\n// three\n1 2\n   \r\n", BARE)
    read.on()
    assert read.tally.tolist() == [6, 3, 2]
    read = Reading("1 2\n3 4\n5 6\n", BARE, room=2)
    assert read.on() == (8, 2, True)
    assert read.on(8) == (12, 1, True)
    assert read.ends[:, 0].tolist() == [5, 6]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 30), max_size=60))
def test_ids_are_numbered_in_order_of_appearance(values: list[int]) -> None:
    known = list(dict.fromkeys(values))
    column = np.array(values, np.int64)
    ids, keys, slots = np.empty(64, np.int64), np.empty(128, np.int64), np.zeros(128, np.uint32)
    half = len(known) // 2
    ids[:half] = known[:half]
    rehash(ids, half, keys, slots)
    numbers = np.empty(column.size, np.uint32)
    reached = intern(column, 0, column.size, half, ids, keys, slots, numbers)
    assert reached == (column.size, len(known))
    assert [known[i] for i in numbers] == values


def test_numbering_stops_where_there_is_no_room() -> None:
    ids, keys, slots = np.empty(2, np.int64), np.empty(8, np.int64), np.zeros(8, np.uint32)
    numbers = np.zeros(4, np.uint32)
    assert intern(np.array([5, 5, 6, 7]), 0, 4, 0, ids, keys, slots, numbers) == (3, 2)

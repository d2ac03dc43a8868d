"""Times and signs of ties go where their ties go."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Ties
from sim.errors import InputError

Arc = tuple[int, int, int, int]
ARCS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(-1, 50), st.sampled_from([-1, 1])),
    max_size=40,
)


def built(arcs: list[Arc], **options: Any) -> Ties:
    sources, targets, times, signs = np.array(arcs, np.int64).reshape(-1, 4).T
    return Ties.from_arcs(sources, targets, 8, time=times, sign=signs, **options)


def marks_of(ties: Ties) -> dict[tuple[int, int], tuple[int, int]]:
    sources = np.repeat(np.arange(ties.agents), ties.out_degree).tolist()
    pairs = zip(sources, ties.targets.tolist(), strict=True)
    return dict(zip(pairs, zip(ties.time.tolist(), ties.sign.tolist(), strict=True), strict=True))


def naive(arcs: list[Arc], *, both: bool = False) -> dict[tuple[int, int], tuple[int, int]]:
    """The first known time and the last sign of each pair, one arc after the other."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for source, target, time, sign in arcs:
        for pair in [(source, target), (target, source)] if both else [(source, target)]:
            earlier = found.get(pair, (-1, 0))[0]
            known = [when for when in (earlier, time) if when >= 0]
            found[pair] = (min(known, default=-1), sign)
    return {pair: marks for pair, marks in found.items() if pair[0] != pair[1]}


@given(ARCS, st.booleans())
def test_a_tie_has_the_first_time_and_the_last_sign_of_its_arcs(
    arcs: list[Arc], both: bool
) -> None:
    assert marks_of(built(arcs, directed=not both)) == naive(arcs, both=both)


@given(ARCS)
def test_the_reverse_has_the_marks_of_the_same_ties(arcs: list[Arc]) -> None:
    ties = built(arcs)
    turned = {(b, a): marks for (a, b), marks in marks_of(ties.reverse).items()}
    assert turned == marks_of(ties)
    mutual = built(arcs, directed=False)
    turned = {(b, a): marks for (a, b), marks in marks_of(mutual.reverse).items()}
    assert turned == marks_of(mutual)


@given(ARCS, ARCS)
def test_adding_a_batch_is_the_same_as_passing_all_at_once(
    arcs: list[Arc], more: list[Arc]
) -> None:
    ties = built(arcs)
    sources, targets, times, signs = np.array(more, np.int64).reshape(-1, 4).T
    ties.add(sources, targets, time=times, sign=signs)
    assert marks_of(ties) == naive(arcs + more)


def test_ties_and_agents_that_come_later_are_of_unknown_time_and_for() -> None:
    ties = built([(0, 1, 5, -1), (2, 3, 9, 1)])
    ties.add([0, 4], [1, 5])
    assert marks_of(ties) == {(0, 1): (5, -1), (2, 3): (9, 1), (4, 5): (-1, 1)}
    ties = built([(0, 1, 5, -1)])
    ties.grow(3)
    assert (ties.time.tolist(), ties.sign.tolist()) == ([5], [-1])


def test_marks_that_a_batch_brings_make_columns_for_all() -> None:
    ties = Ties.from_arcs([0, 1], [1, 2], 4)
    assert (ties.time.size, ties.sign.size) == (0, 0)
    ties.add([1, 2], [2, 3], time=[7, 8])
    assert ties.time.tolist() == [-1, 7, 8]
    assert ties.sign.size == 0
    ties.add([2], [3], sign=[-1])
    assert (ties.time.tolist(), ties.sign.tolist()) == ([-1, 7, 8], [1, 1, -1])


def test_marks_are_dumped_and_restored_and_counted() -> None:
    ties = built([(0, 1, 5, -1), (2, 3, 9, 1)])
    assert ties.nbytes == Ties.from_arcs([0, 2], [1, 3], 8).nbytes + 2 * (8 + 1)
    meta, columns = ties.dump()
    assert {"time", "sign"} <= columns.keys()
    assert marks_of(Ties.restore(meta, columns)) == marks_of(ties)
    plain = Ties.from_arcs([0, 2], [1, 3], 8).dump()
    assert not {"time", "sign"} & plain[1].keys()
    assert Ties.restore(*plain).sign.size == 0


def test_places_of_pairs_are_found() -> None:
    ties = Ties.from_arcs([0, 0, 3], [1, 2, 0], 5)
    assert ties.places([3, 0, 0, 4, 1], [0, 2, 1, 0, 0]).tolist() == [2, 1, 0, -1, -1]
    assert Ties.from_arcs([], [], 3).places([0], [1]).tolist() == [-1]


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ({"time": [1]}, r"Ties need one whole time each \(2\), got int64 \(1,\)"),
        ({"time": [1.5, 2.0]}, r"Ties need one whole time each \(2\), got float64 \(2,\)"),
        ({"time": [3, -2]}, "Tie 1: time must be at least 0, or -1, got -2"),
        ({"sign": [1, 0]}, "Tie 1: sign must be -1 or 1, got 0"),
        ({"sign": [True, False]}, "Ties need one whole sign each"),
    ],
)
def test_marks_that_are_none_are_refused(marks: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Ties.from_arcs([0, 1], [1, 2], **marks)


@pytest.mark.parametrize("column", ["time", "sign"])
def test_damaged_marks_of_a_dump_are_refused(column: str) -> None:
    meta, columns = built([(0, 1, 5, -1), (2, 3, 9, 1)]).dump()
    with pytest.raises(InputError, match=f"Ties need one whole {column} each"):
        Ties.restore(meta, columns | {column: columns[column][:1]})

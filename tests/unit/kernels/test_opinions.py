"""Means, bins and sides against plain loops."""

from typing import Any

import numpy as np
import pytest

from sim.core import Parameters, rng
from sim.jit.mix import gate
from sim.spread.cascade.contacts import bitmap
from sim.spread.opinions import averaging_kernels as kernels
from sim.spread.opinions.averaging_kernels import distances, impacts
from sim.spread.opinions.groups_kernels import GroupKind, any_discord, gather, persuade
from sim.spread.opinions.meetings import formula_of, rule_of
from sim.spread.opinions.pairs_kernels import (
    CELL_SHIFT,
    Conversions,
    OpinionTies,
    Preference,
    meet_all,
    meet_biased,
    meet_one,
    place_in,
    weigh,
)
from tests.unit.kernels.networks import lent

# whom each of five hears: 0 hears 1, 2, 3; 1 hears 0; 2 hears 0, 4; 3 hears nobody; 4 hears 2
HEARD = [[1, 2, 3], [0], [0, 4], [], [2]]
SOURCES = lent(np.array([u for row in HEARD for u in row], np.uint32))
LENGTHS = np.array([len(row) for row in HEARD])
ROWS = lent(np.stack([np.cumsum(LENGTHS) - LENGTHS, LENGTHS], axis=1).astype(np.uint32))
TRUST = lent(np.array([65535, 0, 32768, 65535, 65535, 13107, 65535], np.uint16))
X = lent(np.array([0.0, 0.5, 1.0, -1.0, 0.25]))
EVERYBODY = np.empty(0, np.uint64)
AWAY = bitmap(5, [2])
NO_TRUST = lent(np.empty(0, np.uint16))
NOBODY = np.empty(0, np.uint8)
HEARERS = np.array([0, 1, 2, 4], np.uint32)
NO_TRAITS = np.empty((5, 0))
KEY = rng.key(1, rng.Stream.TRUST)


def out(kernel: Any, *given: object) -> list[float]:
    found = np.full(5, np.nan)
    kernel(ROWS, SOURCES, *given, X, found)
    return list(found.tolist())


def test_means_of_those_heard_by_trust_and_without_who_is_away() -> None:
    assert out(kernels.means, NO_TRUST, EVERYBODY, 0, 5) == [0.5 / 3, 0.0, 0.125, -1.0, 1.0]
    found = out(kernels.means, TRUST, EVERYBODY, 0, 5)
    weight = 32768 / 65535
    assert found[0] == pytest.approx((0.5 - weight) / (1 + weight))
    assert found[2] == pytest.approx(0.25 * 0.2 / 1.2)
    assert out(kernels.means, NO_TRUST, AWAY, 0, 5) == [-0.25, 0.0, 0.125, -1.0, 0.25]
    assert np.isnan(out(kernels.means, NO_TRUST, EVERYBODY, 1, 3)).tolist() == [1, 0, 0, 1, 1]


def test_means_within_a_bound() -> None:
    def within(bound: float, itself: int, absent: Any = EVERYBODY) -> list[float]:
        found = np.empty(5)
        kernels.means_within(ROWS, SOURCES, absent, 0, 5, bound, itself, X, found)
        return list(found.tolist())

    assert within(0.5, 1) == [0.25, 0.25, 1.0, -1.0, 0.25]
    assert within(0.5, 0) == [0.5, 0.0, 1.0, -1.0, 0.25]
    assert within(1.0, 1)[0] == pytest.approx((0 + 0.5 + 1 - 1) / 4)
    assert within(1.0, 1, AWAY)[0] == pytest.approx((0 + 0.5 - 1) / 3)


def test_foes_mean_the_opposite() -> None:
    signs = np.array([1, -1, 1, -1, 1, 1, -1], np.int8)
    assert out(kernels.signed_means, signs, EVERYBODY, 0, 5) == [-0.5, 0.0, 0.125, -1.0, -1.0]
    assert out(kernels.signed_means, signs, AWAY, 0, 5)[0] == -0.25


def test_shares() -> None:
    found = np.empty(5)
    kernels.shares_at(ROWS, SOURCES, EVERYBODY, 0, 5, 1.0, X, found)
    assert found.tolist() == [1 / 3, 0, 0, 0, 1]
    kernels.shares_at(ROWS, SOURCES, AWAY, 0, 5, 1.0, X, found)
    assert found.tolist() == [0, 0, 0, 0, 0]


def test_signs_are_drawn_by_pair_and_share() -> None:
    signs = np.empty(7, np.int8)
    kernels.draw_signs(ROWS, SOURCES, 0, 5, KEY, gate(0.5), signs)
    pairs: dict[tuple[int, int], int] = {}
    for v, row in enumerate(HEARD):
        for u, sign in zip(row, signs[ROWS[v, 0] :].tolist(), strict=False):
            assert pairs.setdefault((min(u, v), max(u, v)), sign) == sign
            low = rng.uniforms(KEY, min(u, v), max(u, v))[0] < 0.5
            assert sign == (-1 if low else 1)
    kernels.draw_signs(ROWS, SOURCES, 0, 5, KEY, gate(0.0), signs)
    assert (signs == 1).all()


def test_bins_hold_their_lower_edge_and_crossings_are_listed_once() -> None:
    tally = np.zeros(4, np.int64)
    x = np.array([0.0, 0.25, 0.4, 0.5, 1.0, 1.0 + 1e-12, -0.1, 2.0, np.nan])
    assert kernels.count_bins(x, 0.0, 1.0, 1e-9, tally) == 3
    assert tally.tolist() == [1, 2, 1, 2]
    touched = np.empty(6, np.uint32)
    side = np.array([0, 0, 1, 1, 0], np.uint8)
    assert kernels.crossings(X, 0.1, side, bitmap(5, [4]), touched) == 2
    assert touched[:2].tolist() == [1, 3]


def test_sway_moves_listeners_by_their_hearings() -> None:
    x = np.array([0.0, 0.0, np.nan, 0.5, 0.0])
    hearings = np.zeros(5, np.uint16)
    left = 0.5 ** np.arange(3.0)
    speakers = np.array([0, 1, 4], np.uint32)  # they reach 1, 2, 3; 0; 2: rows of listeners
    given = ROWS, SOURCES, speakers, EVERYBODY, 1.0, left, -1.0, 1.0
    assert kernels.sway(*given, x, hearings) == 3
    assert np.array_equal(x, [0.5, 0.5, np.nan, 0.75, 0.0], equal_nan=True)
    assert not hearings.any()
    twice = np.array([0, 2], np.uint32)
    x = np.zeros(5)
    away = bitmap(5, [0])
    both = np.array([[0, 1], [1, 0], [1, 1], [2, 0], [2, 0]], np.uint32)
    kernels.sway(both, np.array([1, 1], np.uint32), twice, away, 1.0, left, -1.0, 1.0, x, hearings)
    assert x.tolist() == [0, 0.75, 0, 0, 0]


class Halves(Parameters):
    """Goes a part of the way."""

    part: float = 0.5

    def meet(self, listener: float, speaker: float) -> float:
        return listener + self.part * (speaker - listener)


class Copies(Parameters):
    """Takes up the last that it hears, or the opposite of its own."""

    def decide(self, own: float, heard: Any, coin: float) -> float:
        return heard[heard.size - 1] if coin < 0.9 else 1.0 - own


def draws(k: int, number: int) -> float:
    return float(rng.uniforms(KEY, k, number)[0])


def turns(count: int) -> list[tuple[int, int]]:
    return [(k, int(HEARERS[int(float(rng.uniforms(KEY, k)[0]) * 4)])) for k in range(count)]


def room() -> tuple[Any, Any, Any]:
    """(done, claim, touched) for five."""
    return bitmap(5), np.full(5, np.uint64(2**64 - 1)), np.empty(6, np.uint32)


def ties(trust: Any, absent: Any, fixed: Any) -> OpinionTies:
    return OpinionTies(ROWS, SOURCES, trust, HEARERS, absent, fixed, NO_TRAITS)


def test_the_absent_and_the_stubborn_stay() -> None:
    found, given = X.copy(), ties(NO_TRUST, AWAY, np.array([0, 0, 0, 1, 1], np.uint8))
    done, claim, touched = room()
    told = Conversions(9.0, done, claim, touched[:0])
    formula_of(Halves()).run(meet_one, given, KEY, 0, 100, 1, found, told, np.int64(0))
    assert found[2:].tolist() == X[2:].tolist()
    assert (found[:2] != X[:2]).all()


def test_all_within_a_bound_are_heard_at_once() -> None:
    for trust, absent in ((NO_TRUST, EVERYBODY), (TRUST, AWAY)):
        x = X.copy()
        expected = X.tolist()
        for _, i in turns(50):
            near = [e for e, j in enumerate(HEARD[i]) if abs(expected[j] - expected[i]) <= 0.8]
            near = [e for e in near if not (absent.size and HEARD[i][e] == 2)]
            if not near or (absent.size and i == 2) or i == 4:
                continue
            first = int(ROWS[i, 0])
            share = [trust[first + e] / 65535 if trust.size else 1.0 for e in near]
            mean = sum(w * expected[HEARD[i][e]] for w, e in zip(share, near, strict=True)) / len(
                near
            )
            expected[i] += 0.5 * (mean - expected[i])
        fixed = np.array([0, 0, 0, 0, 1], np.uint8)
        formula_of(Halves()).run(meet_all, ties(trust, absent, fixed), KEY, 0, 50, 0.8, x)
        np.testing.assert_allclose(x, expected, rtol=0, atol=1e-14)


def nearness() -> Preference:
    """Return weights distance**-3 in [-1, 1]; whoever looks past them finds absurd ones."""
    ends = np.array([1e-5, 2.0]).view(np.uint64) >> np.uint64(CELL_SHIFT)
    cells = np.arange(int(ends[0]), int(ends[1]) + 2, dtype=np.uint64)
    room = np.full(1 << 16, 1e30)
    table = room[: cells.size]
    table[:] = (cells << np.uint64(CELL_SHIFT)).view(np.float64) ** -3.0
    gap = np.empty(3)
    return Preference(3.0, 1e-5, 2.0, table, int(ends[0]), gap, gap.view(np.uint64), np.empty(3))


def biased(media: Any, absent: Any, mutual: int, fixed: Any = NOBODY) -> Any:
    x = X.copy()
    told = ties(TRUST, absent, fixed), KEY, 0, 200, mutual, x, nearness(), media, 0.5, 2.0
    formula_of(Halves()).run(meet_biased, *told)
    return x


@pytest.mark.parametrize("strange", [np.nan, -np.nan, np.inf, -np.inf, 1e300, -7.0])
def test_a_strange_opinion_is_weighed_as_the_farthest_there_is(strange: float) -> None:
    # 0.5, 1 and 2 are lower edges of cells: their weights 8, 1 and 1/8 are exact
    heard = np.array([0.0, 0.5, strange, -1.0, 0.0])
    assert weigh(ROWS, SOURCES, EVERYBODY, 0, heard, nearness()) == 8 + 0.125 + 1
    assert weigh(ROWS, SOURCES, AWAY, 0, heard, nearness()) == 8 + 1
    own = np.array([strange, 0.5, 1.0, -1.0, 0.0])
    assert weigh(ROWS, SOURCES, EVERYBODY, 0, own, nearness()) == 3 * 0.125


def test_biased_meetings_join_the_like_minded_and_media_are_heard_in_turn() -> None:
    found = biased(np.empty(0), EVERYBODY, 2)
    np.testing.assert_allclose(found, [0.25, 0.25, 0.625, -1.0, 0.625])  # the like-minded agree
    alone = biased(np.empty(0), AWAY, 1, np.array([0, 1, 0, 0, 0], np.uint8))
    assert alone[[1, 2, 4]].tolist() == X[[1, 2, 4]].tolist()  # 4 hears 2 alone
    found = biased(np.array([0.9, 0.9]), AWAY, 0)
    assert abs(found[4] - 0.9) < 1e-6
    assert found[2] == X[2]


def groups(everybody: int, distinct: int, all_move: int, absent: Any = EVERYBODY) -> Any:
    x = X.copy()
    done, claim, touched = room()
    formula = rule_of(Copies())
    formula.run(
        gather, ROWS, SOURCES, HEARERS, GroupKind(everybody, distinct, all_move), absent,
        np.array([0, 0, 0, 0, 1], np.uint8), KEY, 0, 12, np.empty(2), x,
        Conversions(9.0, done, claim, touched), np.int64(0),
    )  # fmt: skip
    return x


@pytest.mark.parametrize("everybody", [0, 1])
@pytest.mark.parametrize("distinct", [0, 1])
@pytest.mark.parametrize("all_move", [0, 1])
def test_groups_gather_in_order(everybody: int, distinct: int, all_move: int) -> None:
    expected = X.tolist()
    for k in range(12):
        first = float(rng.uniforms(KEY, k)[0])
        i = int(first * 5) if everybody else int(HEARERS[int(first * 4)])
        among = [j for j in range(5) if j != i] if everybody else HEARD[i]
        if distinct and len(among) < 2:
            continue
        group: list[int] = []
        attempt = 8
        while len(group) < 2:
            j = among[int(draws(k, attempt) * len(among))]
            attempt += 1
            if not (distinct and j in group):
                group.append(j)
        new = expected[group[1]] if draws(k, 2) < 0.9 else 1.0 - expected[i]
        for j in [i, *(group if all_move else [])]:
            if j != 4:
                expected[j] = new
    assert groups(everybody, distinct, all_move).tolist() == expected


def test_no_group_gathers_without_its_members() -> None:
    assert groups(0, 1, 1, bitmap(5, [2, 3])).tolist() == X.tolist()


@pytest.mark.parametrize("cross", [0, 1])
def test_pairs_persuade_those_who_hear_them(cross: int) -> None:
    listeners = [[u for u in range(5) if v in HEARD[u]] for v in range(5)]
    lengths = np.array([len(row) for row in listeners])
    rows = lent(np.stack([np.cumsum(lengths) - lengths, lengths], axis=1).astype(np.uint32))
    targets = lent(np.array([v for row in listeners for v in row], np.uint32))
    x = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    expected = x.tolist()
    for k, i in turns(30):
        j = HEARD[i][int(draws(k, 1) * len(HEARD[i]))]
        one, two = expected[i], expected[j]
        if i == 3 or j == 3 or (one != two and not cross):
            continue
        for speaker, new in ((i, two), (j, one)):
            for v in listeners[speaker]:
                if v not in {3, 4}:
                    expected[v] = new
    done, claim, touched = room()
    fixed = np.array([0, 0, 0, 0, 1], np.uint8)
    persuade(
        ROWS, SOURCES, rows, targets, HEARERS, cross, bitmap(5, [3]), fixed, KEY, 0, 30, x,
        Conversions(0.5, done, claim, touched), np.int64(0),
    )  # fmt: skip
    assert x.tolist() == expected


def test_discord() -> None:
    agreed, but_three, but_four = np.ones((3, 5)) - np.eye(5)[[0, 3, 4]]
    agreed[0] = 1.0
    given = ROWS, SOURCES
    assert not any_discord(*given, 0, EVERYBODY, NOBODY, agreed)
    assert any_discord(*given, 0, EVERYBODY, NOBODY, but_four)
    assert any_discord(*given, 1, EVERYBODY, NOBODY, but_three)
    assert not any_discord(*given, 1, bitmap(5, [3]), NOBODY, but_three)
    assert not any_discord(*given, 0, bitmap(5, [3]), NOBODY, but_three)
    fixed = np.array([0, 0, 1, 0, 1], np.uint8)
    assert not any_discord(*given, 0, EVERYBODY, fixed, but_four)


def test_places_in_rows_and_distances_count_ties_that_lead_here() -> None:
    assert [place_in(ROWS, SOURCES, 0, u) for u in range(5)] == [-1, 0, 1, 2, -1]
    assert place_in(ROWS, SOURCES, 3, 0) == -1
    found = np.zeros((5, 5), np.uint8)
    distances(ROWS, SOURCES, 0, 5, np.empty(5, np.uint32), found)
    assert found.tolist() == [
        [0, 1, 1, 1, 2], [1, 0, 2, 2, 3], [1, 2, 0, 2, 1], [0, 0, 0, 0, 0], [2, 3, 1, 3, 0],
    ]  # fmt: skip


def test_impacts_of_the_others_and_of_the_like() -> None:
    apart = np.array([[0, 1, 2], [1, 0, 1], [0, 1, 0]], np.uint8)
    near = 1.0 / np.maximum(np.arange(256.0), 1)
    p, s = np.array([1.0, 2.0, 4.0]), np.array([8.0, 16.0, 32.0])
    x, found = np.array([0.0, 1.0, 1.0]), np.empty(3)
    impacts(apart, near, p, s, 0, EVERYBODY, 0, 3, x, found)
    assert found.tolist() == [2 + 2, 1 - 32, -16]
    impacts(apart, near, p, s, 1, bitmap(3, [1]), 0, 3, x, found)
    assert found.tolist() == [2, 1 - 32, 0]
    impacts(apart, near, p, s, 1, EVERYBODY, 0, 1, x, found)
    assert found[0] == pytest.approx(4 / np.sqrt(2))

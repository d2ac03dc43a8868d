"""Claims against plain Python that throws the same coins."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.jit import claims
from sim.jit.claims import BATCH, FREE, claim_coins, claim_given, claim_skips, commit_once
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, lent, share

NO_TRUST, NO_DEGREE = lent(np.empty(0, np.uint16)), lent(np.empty(0, np.uint32))
KEYS = [key_of(1, Stream.COINS), np.uint64(5), np.uint64(2**63 + 5)]
SPEAKERS = [0, 3, 9, 10, 44]


def lowest(net: Net, tries: list[tuple[int, int, int]]) -> dict[int, int]:
    """The lowest claim on each open listener, of (bits, speaker, listener)."""
    best: dict[int, int] = {}
    for bits, u, v in tries:
        if not net.is_closed(v):
            best[v] = min(best.get(v, 2**64), claimed(bits, u))
    return best


def fallen(net: Net, key: Any, chance: Any) -> dict[int, int]:
    coins = [(coin(key, u, v), u, v, e) for u in SPEAKERS for e, v in net.row(u)]
    return lowest(net, [(b, u, v) for b, u, v, e in coins if share(b) < chance(u, v, e)])


def check(net: Net, touched: int, expected: dict[int, int]) -> None:
    assert net.claims() == expected
    assert sorted(net.touched[:touched].tolist()) == sorted(expected)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.7, 1.0])
def test_coins_fall_by_their_address(key: np.uint64, p: float) -> None:
    net = Net()
    net.close(5, 63, 64)
    whole = *net.place(), NO_TRUST, NO_DEGREE, ids(*SPEAKERS), 0, len(SPEAKERS), key, p
    touched = call(claim_coins, *whole, net.done, net.claim, net.touched, 0)
    check(net, touched, fallen(net, key, lambda u, v, e: p))


@pytest.mark.parametrize("by_trust", [True, False])
def test_trust_multiplies_the_chance_and_the_number_of_sources_divides_it(by_trust: bool) -> None:
    net, key, p = Net(), KEYS[0], 0.9 if by_trust else 1.0
    weights = (net.trust, NO_DEGREE) if by_trust else (NO_TRUST, net.degree)
    whole = *net.place(), *weights, ids(*SPEAKERS), 0, len(SPEAKERS), key, p
    touched = call(claim_coins, *whole, net.done, net.claim, net.touched, 0)

    def chance(u: int, v: int, e: int) -> float:
        return 0.9 / 65535 * int(net.trust[e]) if by_trust else 1.0 / int(net.degree[v])

    check(net, touched, fallen(net, key, chance))


def test_coins_that_are_given_decide() -> None:
    net = Net()
    net.close(7)
    draws = np.random.default_rng(2)
    coins = draws.integers(0, 2**64, len(net.arcs), dtype=np.uint64)
    chance = draws.random(len(net.arcs))
    whole = *net.place(), chance, coins, ids(*SPEAKERS), 0, len(SPEAKERS)
    touched = call(claim_given, *whole, net.done, net.claim, net.touched, 0)
    tries = [(int(coins[e]), u, v) for u in SPEAKERS for e, v in net.row(u)
             if share(int(coins[e])) < chance[e]]  # fmt: skip
    check(net, touched, lowest(net, tries))


def skipped(net: Net, key: Any, p: float, speakers: list[int]) -> list[tuple[int, int, int]]:
    """Ties at geometric gaps: the floor of log(u) / log(1 - p) is the number passed over."""
    found = []
    for u in speakers:
        row, at, k = net.row(u), -1, 0
        while True:
            bits = coin(key, u, k)
            at += 1 + int(np.log(2.0**-53 + share(bits)) / np.log1p(-p))
            if at >= len(row):
                break
            found.append((bits, u, row[at][1]))
            k += 1
    return found


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("p", [5e-324, 0.01, 0.3, 0.999])
def test_skips_visit_the_ties_at_geometric_gaps(key: np.uint64, p: float) -> None:
    net = Net()
    net.close(5)
    whole = *net.place(), ids(*SPEAKERS), 0, len(SPEAKERS), key, claims.gap_scale(p)
    touched = call(claim_skips, *whole, net.done, net.claim, net.touched, 0)
    check(net, touched, lowest(net, skipped(net, key, p, SPEAKERS) if p > 1e-9 else []))


@pytest.mark.parametrize("skips", [False, True])
def test_batches_that_overflow_and_parts_of_the_speakers_change_nothing(skips: bool) -> None:
    net, key, p = Net(agents=3 * BATCH, ties=9000), KEYS[1], 0.8
    speakers = sorted({3, *range(0, 3000, 7)})
    part: Any = (claim_skips, (claims.gap_scale(p),)) if skips else (claim_coins, (p,))
    before = () if skips else (NO_TRUST, NO_DEGREE)
    m = 0
    for lo, hi in [(0, 5), (5, 200), (200, len(speakers))]:
        whole = *net.place(), *before, ids(*speakers), lo, hi, key, *part[1]
        m = part[0](*whole, net.done, net.claim, net.touched, m)
    tries = skipped(net, key, p, speakers) if skips else [
        (coin(key, u, v), u, v) for u in speakers for _, v in net.row(u)
        if share(coin(key, u, v)) < p
    ]  # fmt: skip
    check(net, m, lowest(net, tries))


def test_neither_the_order_of_the_speakers_nor_the_type_of_a_key_decides() -> None:
    one, two = Net(), Net()
    whole: Any
    for net, speakers in ((one, SPEAKERS), (two, SPEAKERS[::-1])):
        whole = *net.place(), NO_TRUST, NO_DEGREE, ids(*speakers), 0, 5, KEYS[0], 0.6
        call(claim_coins, *whole, net.done, net.claim, net.touched, 0)
    assert one.claims() == two.claims()
    one, two = Net(), Net()
    for net, key in ((one, np.uint64(5)), (two, 5)):
        whole = *net.place(), NO_TRUST, NO_DEGREE, ids(*SPEAKERS), 0, 5, key, 0.3
        call(claim_coins, *whole, net.done, net.claim, net.touched, 0)
    assert one.claims() == two.claims()


def test_commit_marks_names_the_sources_and_frees() -> None:
    net = Net()
    net.claim[[2, 70]] = [claimed(9, 44), claimed(8, 3)]
    sources = np.empty(2, np.uint32)
    commit_once(ids(2, 70), 2, net.done, net.claim, sources)
    assert sources.tolist() == [44, 3]
    assert (net.claim == FREE).all()
    assert [v for v in range(net.agents) if net.is_closed(v)] == [2, 70]


def test_marks_are_bits_are_taken_back_and_the_first_is_told() -> None:
    done = np.zeros(4, np.uint64)
    claims.mark(ids(0, 63, 64, 200), done)
    assert [v for v in range(256) if not claims.is_open(done, np.uint64(v))] == [0, 63, 64, 200]
    claims.unmark(ids(63, 5, 200), done)
    assert [int(word) for word in done] == [1, 1, 0, 0]
    assert claims.first_marked(ids(7, 63, 64, 0), done) == 2
    assert claims.first_marked(ids(7, 63), done) == -1


def test_ties_of_speakers_are_counted_and_rows_approached_without_a_change() -> None:
    net = Net()
    expected = sum(len(net.row(u)) for u in SPEAKERS[1:4])
    assert claims.count_ties(net.rows, ids(*SPEAKERS), 1, 4) == expected
    net = Net()
    assert call(claims.approach, *net.place(), ids(*SPEAKERS), 0, 0) == 0
    ends = [(net.row(u)[0][1], net.row(u)[-1][1]) for u in SPEAKERS if net.row(u)]
    expected = np.bitwise_xor.reduce(np.array(ends).reshape(-1))
    assert call(claims.approach, *net.place(), ids(*SPEAKERS), 0, 5) == expected


@pytest.mark.parametrize("bits", [0, 1 << 11, 2**63, 2**64 - 1])
def test_gaps_are_finite_for_every_draw_and_chance(bits: int) -> None:
    for p in (5e-324, 1e-300, 1e-17, 0.5, 1 - 2.0**-53):
        assert 0 <= claims.gap(np.uint64(bits), claims.gap_scale(p)) <= 2**62
    assert claims.gap_scale(0.5) == pytest.approx(1 / np.log(0.5))

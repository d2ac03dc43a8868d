"""Draws by address: the same everywhere, and without a pattern along or across any axis."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.core.rng import Salt, Stream, fold, key, uniforms, words

SEEDS = st.integers(-(2**200), 2**200)


def test_streams_are_never_renumbered() -> None:
    places = {stream.name: (stream.number, stream.salt) for stream in Stream}
    assert places == {
        "TIES": (1, 0), "TRUST": (2, 0), "PERSONALITY": (4, 0), "VERIFYING": (4, 0x56455249),
        "KNOWING": (4, 0x4B4E4F57), "INTERESTS": (5, 0), "TOPICS": (5, 1),
        "DRIFTING": (5, 0x44524946), "FADING": (5, 0x46414445), "ACTIVITY": (6, 0),
        "NAMES": (7, 0), "COINS": (8, 0), "THRESHOLDS": (9, 0), "SPONTANEOUS": (10, 0),
        "OUTCOMES": (11, 0), "CONTACTS": (12, 0), "SEEDS": (13, 0), "ANALYSIS": (14, 0),
        "TRYING": (15, 0), "NEAR": (15, 1), "WALKS": (15, 2), "FRIENDS": (15, 3),
        "DISTILLING": (15, 0x44495354), "MODEL": (16, 0), "WAKE": (17, 0),
        "LEAVING": (17, 0x4C454156), "ARRIVING": (17, 0x4E455743), "OWN_HOURS": (17, 0x484F5552),
        "CHRONOTYPES": (18, 0), "WRITE": (19, 0), "QUOTES": (19, 2), "REPLIES": (19, 3),
        "FEED": (20, 0), "ACTS": (21, 0), "MEETING": (21, 7), "DECIDING": (21, 0x4D494E44),
        "TEXTS": (22, 0), "LANGUAGES": (22, 0x4C414E47), "MODEL_ONCE": (23, 0),
        "EXPOSURES": (24, 0), "OPENINGS": (25, 0), "SIGNS": (26, 0), "MEETINGS": (27, 0),
        "LEVELS": (28, 0), "INTERVENTIONS": (29, 0), "CHOSEN": (30, 0), "BATCHES": (31, 0),
        "MEMBER_FACTORS": (32, 0), "ITEM_FACTORS": (33, 0), "FACTOR_ROUNDS": (34, 0),
        "FACTOR_MISSES": (35, 0), "MIXING": (36, 0), "CLUSTERING": (37, 0), "LAYOUT": (38, 0),
        "SAMPLE": (39, 0), "WAITING": (40, 0), "PLUGINS": (41, 0), "PLUGINS_ONCE": (42, 0),
        "PLACED": (43, 0), "STAYS": (44, 0), "TURNS": (45, 0), "EQUALS": (46, 0), "NEWEST": (47, 0),
        "TOPIC_FACTORS": (48, 0), "OFFERED": (49, 0), "WELCOME": (50, 0),
        "ALIKE": (51, 0), "AUDIENCES": (52, 0), "CHOOSING": (53, 0), "CHECKING": (53, 1),
        "REACHES": (53, 2), "REHEARSALS": (53, 3), "AT_RANDOM": (53, 4),
        "TRAJECTORIES": (58, 0), "RESAMPLES": (58, 1), "MEMBER_LANGUAGES": (22, 0x4D454D42),
    }  # fmt: skip


def test_draws_are_those_of_every_other_version() -> None:
    # part of the world format: a world of today must go on the same tomorrow
    assert int(key(7, Stream.COINS)) == 0x332A4BC4D9856755
    assert int(words(key(7, Stream.COINS), 5)[0]) == 0xB8973619E28DB453
    assert int(words(key(7, Stream.CONTACTS, 3, 2), 5, 9)[0]) == 0x51520BCF0DF90A44


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_seeds_of_64_bits_stay_themselves(seed: int) -> None:
    assert fold(seed) == seed


@given(seed=SEEDS)
def test_any_integer_is_a_seed(seed: int) -> None:
    assert 0 <= fold(seed) < 2**64
    assert key(seed, Stream.COINS).dtype == np.uint64


@given(seed=st.integers(0, 2**64 - 1), i=st.integers(0, 2**32 - 1), j=st.integers(0, 2**32 - 1))
def test_words_follow_the_chain_of_mixes(seed: int, i: int, j: int) -> None:
    def mix(z: int) -> int:
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    k = key(seed, Stream.MODEL, 4, 2)
    first = mix((int(k) + i * 0x9E3779B97F4A7C15) % 2**64)
    assert int(words(k, i)[0]) == first
    assert int(words(k, i, j)[0]) == mix((first + j * 0xD1B54A32D192ED03) % 2**64)


def test_addresses_broadcast_and_a_plain_integer_is_a_key() -> None:
    k = key(1, Stream.MODEL)
    grid = words(k, np.arange(3)[:, None], np.arange(4))
    assert grid.shape == (3, 4)
    assert grid[2, 1] == words(k, 2, 1)[0]
    for value in (5, 2**62, 2**63, 2**64 - 1):
        plain: Any = value
        np.testing.assert_array_equal(words(plain, [1, 2]), words(np.uint64(value), [1, 2]))


def test_uniforms_lie_in_the_unit_interval() -> None:
    drawn = uniforms(key(1, Stream.MODEL), np.arange(100_000))
    assert 0.0 <= drawn.min() < 1e-4
    assert 1 - 1e-4 < drawn.max() < 1.0
    assert abs(drawn.mean() - 0.5) < 4 * (1 / 12 / 100_000) ** 0.5


# Patterns. A generator is a function of (seed, stream, tick, id, second id), arrays or integers.

Generator = Callable[..., np.ndarray]
COUNT = 1 << 13
LINE = np.arange(COUNT)
GRID = LINE // 20, LINE // 20 + 1 + LINE % 20


FREE = [stream for stream in Stream if stream.is_ticked and stream.salts is Salt.FIXED]
"""Streams that draw anew each tick, by a number of the patterns below."""


def ours(seed: Any, stream: Any, tick: Any, i: Any, j: Any) -> np.ndarray:
    places = np.broadcast_arrays(*(np.atleast_1d(x) for x in (seed, stream, tick, i, j)))
    if all(np.ndim(x) == 0 for x in (seed, stream, tick)):
        return words(key(seed, FREE[stream], tick), places[3], places[4])
    rows = zip(*(p.tolist() for p in places), strict=True)
    return np.array([words(key(s, FREE[p], t), a, b)[0] for s, p, t, a, b in rows], np.uint64)


def planted(seed: Any, stream: Any, tick: Any, i: Any, j: Any) -> np.ndarray:
    """One mix of a plain sum: faultless along an axis, wrong across axes."""
    parts = [np.asarray(x, np.uint64) for x in (seed, stream, tick, i, j)]
    total = np.atleast_1d(sum(parts[1:], parts[0]))
    with np.errstate(over="ignore"):
        z = (total ^ (total >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unmixed(seed: Any, stream: Any, tick: Any, i: Any, j: Any) -> np.ndarray:
    """A multiple of the address and nothing more: wrong along every axis."""
    total = sum(np.asarray(x, np.uint64) for x in (seed, stream, tick, i, j))
    with np.errstate(over="ignore"):
        return np.atleast_1d(total * np.uint64(0x9E3779B97F4A7C15))


ALONG: dict[str, tuple[Any, ...]] = {
    "ids": (1, 8, 3, LINE, 0), "second ids": (1, 8, 3, 5, LINE),
    "spaced ids": (1, 8, 3, LINE * 1024, 0), "rows of ties": (1, 8, 3, *GRID),
    "ticks": (1, 8, LINE, 5, 0), "seeds": (LINE, 8, 3, 5, 0),
    "streams and ticks": (1, LINE % 16, LINE // 16, 5, 0),
}  # fmt: skip
ACROSS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "next tick": ((1, 8, 3, LINE, 0), (1, 8, 4, LINE, 0)),
    "next stream": ((1, 8, 3, LINE, 0), (1, 9, 3, LINE, 0)),
    "next seed": ((1, 8, 3, LINE, 0), (2, 8, 3, LINE, 0)),
    "seed up, tick down": ((1, 8, 3, LINE, 0), (2, 8, 2, LINE, 0)),
    "stream up, tick down": ((1, 8, 3, LINE, 0), (1, 9, 2, LINE, 0)),
    "next second id": ((1, 8, 3, LINE, 4), (1, 8, 3, LINE, 5)),
    "both ways of a tie": ((1, 8, 3, *GRID), (1, 8, 3, *GRID[::-1])),
}


def evenness(values: np.ndarray, boxes: int) -> float:
    return float(stats.chisquare(np.bincount(values.astype(np.int64), minlength=boxes)).pvalue)


def along(bits: np.ndarray) -> list[float]:
    """p-values of the sequence: bytes at three places, neighbours, and how often p = .1 falls."""
    tests = [evenness(bits >> np.uint64(shift) & np.uint64(255), 256) for shift in (56, 27, 0)]
    top = bits >> np.uint64(60)
    tests += [evenness(top[:-lag] * np.uint64(16) + top[lag:], 256) for lag in (1, 2, 16, 20)]
    falls = np.flatnonzero(bits < np.uint64(2**64 // 10))
    tests.append(float(stats.binomtest(falls.size, bits.size, 0.1).pvalue))
    return [*tests, _geometric(np.diff(falls) - 1)]


def _geometric(gaps: np.ndarray) -> float:
    seen = np.bincount(np.minimum(gaps, 30), minlength=31)
    law = np.append(0.1 * 0.9 ** np.arange(30), 0.9**30)
    return float(stats.chisquare(seen, law * seen.sum()).pvalue)


def across(one: np.ndarray, two: np.ndarray) -> list[float]:
    """p-values of two sequences side by side; 0 where a value of one is found in the other."""
    grid = (one >> np.uint64(60)) * np.uint64(16) + (two >> np.uint64(60))
    crowd = [int(x).bit_count() for x in one ^ two]
    z = (np.mean(crowd) - 32) / (4 / len(crowd) ** 0.5)
    slope = stats.pearsonr(one.astype(float), two.astype(float)).pvalue
    shared = np.intersect1d(one, two).size
    return [evenness(grid, 256), float(2 * stats.norm.sf(abs(z))), float(slope), float(shared == 0)]


def worst(generator: Generator, axis: str) -> float:
    if axis in ALONG:
        return min(along(generator(*ALONG[axis])))
    one, two = ACROSS[axis]
    return min(across(generator(*one), generator(*two)))


@pytest.mark.parametrize("axis", [*ALONG, *ACROSS])
def test_no_pattern_along_or_across_an_axis(axis: str) -> None:
    assert worst(ours, axis) > 1e-4


@pytest.mark.parametrize("axis", ["ids", "second ids", "ticks"])
def test_a_plain_sum_passes_along_an_axis(axis: str) -> None:
    assert worst(planted, axis) > 1e-4


@pytest.mark.parametrize(
    ("wrong", "axis"),
    [
        *((planted, axis) for axis in (*ACROSS, "rows of ties")),
        *((unmixed, axis) for axis in ("ids", "second ids", "ticks", "seeds")),
    ],
)
def test_sums_are_caught_across_axes_and_unmixed_words_along_each(
    wrong: Generator, axis: str
) -> None:
    assert worst(wrong, axis) < 1e-6


def test_flipping_a_bit_of_the_address_flips_half_of_the_word() -> None:
    k = key(1, Stream.COINS)
    base = words(k, LINE[:1024], 7)
    for bit in range(20):
        other = words(k, LINE[:1024] ^ (1 << bit), 7)
        assert abs(np.mean([int(x).bit_count() for x in base ^ other]) - 32) < 5 * 4 / 1024**0.5


def test_ticks_have_keys_of_their_own_and_seeds_that_are_large_differ() -> None:
    keys = [int(key(1, Stream.CONTACTS, tick, salt)) for tick in range(100) for salt in range(20)]
    assert len(set(keys)) == 2000
    assert abs(np.mean([(a ^ b).bit_count() for a, b in pairwise(keys)]) - 32) < 0.5
    seeds = [5, 5 + 2**64, 5 + 2**65, 5 + 2**128, -5, -5 - 2**64, -1, 2**64 - 5 + 2**64]
    assert len({fold(seed) for seed in seeds}) == len(seeds)

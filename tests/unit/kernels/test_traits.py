"""The kernels of the drawn columns against plain Python that throws the same coins."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.agents.columns import popularity_table
from sim.agents.interests_kernels import fade
from sim.agents.traits_kernels import (
    LEAN,
    fill_activity,
    fill_interests,
    fill_personality,
    fill_topics,
    hash_texts,
)
from sim.core.rng import Stream, key, uniforms, words
from sim.jit.mix import gate
from sim.network.analysis.compatibility_kernels import common_circle

SEEDS = [0, 7, 2**63 + 5]
U64 = (1 << 64) - 1


def coin(k: np.uint64, i: int, j: int) -> int:
    return int(words(k, i, j)[0])


def naive_topics(k: np.uint64, table: npt.NDArray[np.uint8], community: int) -> list[int]:
    wanted, taken, attempt = 4 + coin(k, community, 0) % 3, list[int](), 1
    while len(taken) < wanted:
        topic = int(table[coin(k, community, attempt) >> 52])
        taken += [topic] * (topic not in taken)
        attempt += 1
    return [taken[slot % wanted] for slot in range(8)]


def naive_interests(k: np.uint64, table: npt.NDArray[np.uint8], i: int, own: list[int]) -> int:
    wanted, mask, attempt = 3 + (coin(k, i, 0) >> 62), 0, 1
    while mask.bit_count() < wanted:
        bits = coin(k, i, attempt)
        leans = bool(own) and bits % 1024 < int(LEAN * 1024)
        mask |= 1 << (own[(bits >> 10) % 8] if leans else int(table[bits >> 52]))
        attempt += 1
    return mask


@pytest.mark.parametrize("seed", SEEDS)
def test_personality_is_the_mean_of_three_uniforms_as_a_byte(seed: int) -> None:
    k = key(seed, Stream.PERSONALITY)
    out = np.empty((200, 5), np.uint8)
    fill_personality(k, 1000, out)
    bits = words(k, np.arange(1000, 1200)[:, None], np.arange(5)[None, :])
    parts = [(bits >> np.uint64(21 * part)) & np.uint64(2**21 - 1) for part in range(3)]
    assert np.array_equal(out, sum(parts) * 256 // (3 << 21))


@pytest.mark.parametrize("seed", SEEDS)
def test_activity_is_a_cubed_uniform_above_its_floor(seed: int) -> None:
    k = key(seed, Stream.ACTIVITY)
    out = np.empty(500, np.float32)
    fill_activity(k, 9, out)
    u = uniforms(k, np.arange(9, 509))
    assert np.array_equal(out, (0.01 + 0.99 * (u * u * u)).astype(np.float32))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [12, 56, 64])
def test_topics_and_interests_equal_plain_python(seed: int, size: int) -> None:
    k, k2 = key(seed, Stream.INTERESTS), key(seed, Stream.TOPICS)
    table = popularity_table(size)
    topics = np.empty((6, 8), np.uint8)
    fill_topics(k2, table, topics)
    assert topics.tolist() == [naive_topics(k2, table, c) for c in range(6)]
    community = np.arange(-1, 149, dtype=np.int32) % 7 - 1
    out = np.empty(150, np.uint64)
    fill_interests(k, 50, community, topics.astype(np.uint8), table, size, out)
    own = [topics[c].tolist() if c >= 0 else [] for c in community.tolist()]
    assert out.tolist() == [naive_interests(k, table, 50 + i, own[i]) for i in range(150)]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_small_vocabulary_is_used_up_and_never_left(size: int) -> None:
    table = popularity_table(size)
    topics = np.empty((3, 8), np.uint8)
    fill_topics(key(7, Stream.INTERESTS), table, topics)
    out = np.empty(300, np.uint64)
    community = np.arange(300, dtype=np.int32) % 3
    fill_interests(key(7, Stream.INTERESTS), 0, community, topics, table, size, out)
    counts = np.bitwise_count(out)
    assert int(out.max()) < 1 << size
    assert int(counts.min()) == min(3, size)


def test_interests_fill_up_from_the_lowest_when_the_draws_run_out() -> None:
    table, out = np.full(4096, 2, np.uint8), np.empty(50, np.uint64)
    none, no_topics = np.full(50, -1, np.int32), np.zeros((0, 8), np.uint8)
    fill_interests(key(7, Stream.INTERESTS), 0, none, no_topics, table, 6, out)
    assert set(out.tolist()) == {0b111, 0b1111, 0b11111, 0b111111}


def fnv_mixed(raw: bytes) -> int:
    h = 0xCBF29CE484222325
    for byte in raw:
        h = (h ^ byte) * 0x100000001B3 & U64
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & U64
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & U64
    return h ^ (h >> 31)


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_hashes_equal_plain_fnv(parts: list[bytes]) -> None:
    offsets = np.cumsum([0, *map(len, parts)]).astype(np.int64)
    out = np.empty(len(parts), np.uint64)
    hash_texts(np.frombuffer(b"".join(parts), np.uint8), offsets, out)
    assert out.tolist() == [fnv_mixed(part) for part in parts]


KEY = key(7, Stream.FADING)


def _fade(masks: list[int], chance: float) -> tuple[int, list[int]]:
    held = np.array(masks, np.uint64)
    lost = fade(np.arange(held.size, dtype=np.uint32), KEY, gate(chance), held)
    return lost, held.tolist()


def test_each_whose_coin_falls_loses_one_and_never_the_last() -> None:
    before = [0b1011, 0b1000, 0, 1 << 63 | 1, 0b111]
    lost, after = _fade(before, 1.0)
    assert lost == 3
    assert after[1:3] == before[1:3]
    for old, new in zip(before, after, strict=True):
        assert new & ~old == 0
        assert (old ^ new).bit_count() == (old.bit_count() > 1)
    assert _fade(before, 0.0) == (0, before)


def test_interests_are_lost_alike_and_coins_fall_as_often_as_asked() -> None:
    _, after = _fade([0b10101] * 3000, 1.0)
    counts = [sum(not mask >> bit & 1 for mask in after) for bit in (0, 2, 4)]
    assert sum(counts) == 3000
    assert max(abs(count - 1000) for count in counts) < 4 * np.sqrt(3000 * 2 / 9)
    lost, _ = _fade([0b11] * 3000, 0.2)
    assert abs(lost - 600) < 4 * np.sqrt(3000 * 0.2 * 0.8)


def test_what_rows_have_in_common_is_counted_by_sets() -> None:
    rows = [[], [1, 4, 9], [4, 9, 12, 30], [2], [1, 4, 9]]
    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    ids = np.array([one for row in rows for one in row], np.uint32)
    first, second = (side.ravel() for side in np.indices((5, 5)))
    out = np.empty(25, np.int64)
    common_circle(starts, ids, first.astype(np.int64), second.astype(np.int64), out)
    wanted = [len(set(a) & set(b)) for a in rows for b in rows]
    assert out.tolist() == wanted

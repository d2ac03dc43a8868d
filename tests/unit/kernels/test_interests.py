"""Interests that fade, and rows compared for what they have in common."""

import numpy as np

from sim.agents.interests_kernels import fade
from sim.core.rng import Stream, key
from sim.jit.mix import gate
from sim.network.analysis.compatibility_kernels import common_circle

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

"""Feeds put together place by place, against plain Python."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.platform.feed.rerank_kernels import mix_shares, spread_out

rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=7
)


def alike(one: int, other: int) -> float:
    either = (one | other).bit_count()
    return (one & other).bit_count() / either if either else 0.0


@settings(max_examples=30)
@given(rows, rows, st.integers(1, 8))
def test_each_place_goes_to_what_is_best_beside_those_above(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], slots: int
) -> None:
    both = [*first, *second]
    stops = np.array([0, len(first), len(both)], np.int64)
    scores, tags, author = (np.array(column) for column in zip(*both, strict=True))
    draw = (np.arange(len(both)) * 5 % 7).astype(np.uint64)
    out = np.empty(len(both), np.float32)
    spread_out(
        stops, scores.astype(np.float32), draw, tags.astype(np.uint64), author.astype(np.uint32),
        slots, 1.5, 0.25, out,
    )  # fmt: skip
    for low, high in ((0, len(first)), (len(first), len(both))):
        chosen: list[int] = []
        rest = list(range(low, high))
        while rest and len(chosen) < slots:
            worth = {
                c: scores[c]
                - 1.5 * max([alike(int(tags[c]), int(tags[k])) for k in chosen], default=0.0)
                - 0.25 * sum(author[c] == author[k] for k in chosen)
                for c in rest
            }
            top = max(rest, key=lambda c: (np.float32(worth[c]), draw[c], -c))
            assert abs(out[top] - worth[top]) < 1e-5
            chosen.append(top)
            rest.remove(top)
        assert all(out[a] >= out[b] for a, b in pairwise(chosen))


@settings(max_examples=30)
@given(rows, st.sampled_from([0.0, 0.25, 0.6, 1.0]))
def test_shares_are_places_in_order(found: list[tuple[int, int, int]], ratio: float) -> None:
    scores = np.array([row[0] for row in found], np.float32)
    kind = np.array([row[1] % 2 for row in found], np.uint8)
    draw = np.arange(len(found), dtype=np.uint64)
    out = np.empty(len(found), np.float32)
    mix_shares(np.array([0, len(found)]), scores, draw, kind, ratio, out)
    for side, share in ((1, ratio), (0, 1 - ratio)):
        own = sorted(np.flatnonzero(kind == side), key=lambda c: (-scores[c], -int(draw[c])))
        if share:
            expected = [-(k + 0.5) / share for k in range(len(own))]
            assert np.allclose(out[own], expected)
        else:
            assert (out[own] < -1e29).all()
            assert (np.diff(out[own]) < 0).all()

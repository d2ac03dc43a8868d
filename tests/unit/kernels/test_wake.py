"""Who is online, and who posts."""

import numpy as np
import pytest

from sim.agents import rhythm_kernels as wake
from sim.core import rng
from sim.core.rng import Stream

KEY = rng.key(3, Stream.WAKE, 1)


def test_only_the_active_are_online_by_activity_and_hour() -> None:
    activity = np.array([1.0, 1.0, 0.0, 0.6, 0.6], np.float32)
    status = np.array([1, 2, 1, 1, 1], np.uint8)
    kind = np.array([0, 0, 0, 1, 2], np.uint8)
    out, curve = np.empty(6, np.uint32), np.array([1.0, 2.0, 0.0])
    assert out[: wake.wake(activity, status, 1, kind, curve, KEY, out)].tolist() == [0, 3]
    assert wake.expected(activity, status, 1, kind, curve) == 2.0


def test_agents_are_online_by_their_draw_and_kinds_follow_their_shares() -> None:
    activity = np.linspace(0, 1, 200).astype(np.float32)
    status, kind, out = np.ones(200, np.uint8), np.zeros(200, np.uint8), np.empty(201, np.uint32)
    count = wake.wake(activity, status, 1, kind, np.array([0.5]), KEY, out)
    drawn = rng.uniforms(KEY, np.arange(200))
    assert out[:count].tolist() == np.flatnonzero(drawn < activity * 0.5).tolist()
    kinds, later = np.empty(20_000, np.uint8), np.empty(10, np.uint8)
    wake.fill_kinds(KEY, 0, np.array([0.2, 0.5, 1.0]), kinds)
    wake.fill_kinds(KEY, 500, np.array([0.2, 0.5, 1.0]), later)
    assert np.bincount(kinds) / kinds.size == pytest.approx([0.2, 0.3, 0.5], abs=0.015)
    assert (kinds[500:510] == later).all()


def test_posts_are_about_the_interests_of_their_authors() -> None:
    count = 3000
    online, traits = np.arange(count, dtype=np.uint32), np.full((count, 5), 128, np.uint8)
    interests = np.full(count, (1 << 40) | (1 << 3) | 1, np.uint64)
    interests[::5] = 0
    columns = [np.zeros(count, kind) for kind in ("u4", "u8", "u1", "u1")]
    author, tags, topic, appeal = columns
    halves = interests.view(np.uint32).reshape(-1, 2)
    made = wake.write(
        online, traits, halves, 0.5, KEY, author, tags.view(np.uint32).reshape(-1, 2), topic, appeal
    )
    assert abs(made / count - 0.5 * (0.5 + 128 / 255)) < 0.03
    own = interests[author[:made]]
    assert ((tags[:made] & ~own) == 0).all()
    assert (topic[:made][own == 0] == 255).all()
    about = np.bitwise_count(tags[:made][own > 0])
    assert (about.min(), about.max()) == (1, 2)
    assert abs((about == 2).mean() - 0.25 * 2 / 3) < 0.03
    assert np.bincount(topic[:made][own > 0], minlength=41)[[0, 3, 40]].min() > made / 5
    assert abs(appeal[:made].mean() / 255 - 1 / 3) < 0.02

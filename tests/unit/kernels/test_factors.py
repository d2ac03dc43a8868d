"""One step of learning by hand, and what many steps come to."""

from typing import Any

import numpy as np
import pytest

from sim.platform.feed.factors_kernels import begin, compose, dots, guess, learn, learn_posts

KEY = np.uint64(9)


def columns(members: int, items: int, factors: int) -> tuple[Any, ...]:
    mine, its = np.empty((members, factors), np.float32), np.empty((items, factors), np.float32)
    begin(KEY, 0, members, 0.2, mine)
    begin(np.uint64(10), 0, items, 0.2, its)
    return np.zeros(members, np.float32), mine, np.zeros(items, np.float32), its


def test_one_step_by_hand() -> None:
    bias, mine = np.array([0.5], np.float32), np.array([[1.0, 2.0]], np.float32)
    item_bias, its = np.array([0.25], np.float32), np.array([[0.5, -0.5]], np.float32)
    acts = np.zeros(1, np.int64)
    told = learn(
        acts, acts, np.array([3.0], np.float32), acts, 1.0, 0.1, 0.2, False, bias, mine, item_bias,
        its,
    )  # fmt: skip
    error = 3.0 - (1.0 + 0.5 + 0.25 + 0.5 - 1.0)  # 1.75
    assert told == pytest.approx(error**2)
    assert bias[0] == pytest.approx(0.5 + 0.1 * (error - 0.2 * 0.5))
    assert item_bias[0] == pytest.approx(0.25 + 0.1 * (error - 0.2 * 0.25))
    assert mine[0] == pytest.approx([1 + 0.1 * (error * 0.5 - 0.2), 2 + 0.1 * (-error * 0.5 - 0.4)])
    assert its[0] == pytest.approx(
        [0.5 + 0.1 * (error - 0.2 * 0.5), -0.5 + 0.1 * (2 * error + 0.1)], abs=1e-6
    )


def test_chances_are_learned_by_log_odds_and_first_factors_addressed() -> None:
    bias, mine, item_bias, its = columns(1, 1, 1)
    mine[:] = its[:] = 0
    acts = np.zeros(1, np.int64)
    learn(acts, acts, np.ones(1, np.float32), acts, 0.0, 0.1, 0.0, True, bias, mine, item_bias, its)
    assert bias[0] == pytest.approx(0.1 * 0.5)
    whole, part = np.empty((6, 3), np.float32), np.empty((2, 3), np.float32)
    begin(KEY, 0, 6, 1.0, whole)
    begin(KEY, 4, 6, 1.0, part)
    assert (whole[4:] == part).all()
    assert np.abs(whole).max() <= 0.5
    assert np.unique(whole).size == 18


def test_two_camps_are_told_apart() -> None:
    members, items = (a.ravel().astype(np.int64) for a in np.mgrid[0:8, 0:8])
    likes = ((members % 2) == (items % 2)).astype(np.float32)
    state = columns(8, 8, 2)
    for _ in range(150):
        learn(members, items, likes, np.arange(64), 0.5, 0.1, 0.01, False, *state)
    out = np.empty(64)
    written: tuple[Any, ...] = (*state, out)
    guess(members, items, 0.5, *written)
    assert np.abs(out - likes).max() < 0.1


def test_dots_are_guesses_without_biases() -> None:
    bias, mine, item_bias, its = columns(5, 4, 3)
    members, items = np.array([0, 4, 2], np.uint32), np.array([3, 0, 0], np.int64)
    out, expected = np.empty(3, np.float32), np.empty(3)
    dots(members, items, mine, its, out)
    given: tuple[Any, ...] = (bias, mine, item_bias, its, expected)
    guess(members.astype(np.int64), items, 0.0, *given)
    assert out == pytest.approx(expected, abs=1e-7)


def test_a_post_begins_with_its_author_and_the_mean_of_its_topics() -> None:
    authors = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    topics = np.zeros((64, 2), np.float32)
    topics[[0, 63]] = [[10.0, 0.0], [0.0, 20.0]]
    tags = np.array([0, 1, 1 | 1 << 63], np.uint64)
    out = np.empty((3, 2), np.float32)
    compose(tags, np.array([1, 0, 0]), authors, topics, out)
    assert out.tolist() == [[3, 4], [11, 2], [6, 12]]


def test_one_step_about_a_post_by_hand() -> None:
    mine, posts, authors = (np.array([[x]], np.float32) for x in (1.0, 2.0, 3.0))
    bias, author_bias = (np.array([x], np.float32) for x in (0.5, 0.25))
    topics, one = np.zeros((64, 1), np.float32), np.ones(1, np.float32)
    act, tags = np.zeros(1, np.int64), np.array([0b110], np.uint64)
    learn_posts(
        act, act, one, act, 0.1, 0.2, mine, bias, posts, act, author_bias, authors, tags, topics
    )
    error = 1 - 1 / (1 + np.exp(-2.5))
    assert mine[0, 0] == pytest.approx(1 + 0.1 * (2 * error - 0.2))
    assert bias[0] == pytest.approx(0.5 + 0.1 * (error - 0.2 * 0.5))
    assert posts[0, 0] == pytest.approx(2 + 0.1 * (error - 0.2 * 2))
    assert author_bias[0] == pytest.approx(0.25 + 0.1 * (error - 0.2 * 0.25))
    assert authors[0, 0] == pytest.approx(3 + 0.1 * (error - 0.2 * 3))
    assert topics[:4, 0] == pytest.approx([0, 0.1 * error / 2, 0.1 * error / 2, 0])

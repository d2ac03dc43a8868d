"""Matrix factorisation by stochastic gradient descent: each act updates a member and an item.

A prediction is ``middle + bias of the member + bias of the item + dot(their factors)``; each act
takes one gradient step on its squared error (its logistic loss for values 0 and 1), regularised
towards 0. Acts are processed sequentially, so that the result is the same on any machine and with
any number of threads. Koren, Bell & Volinsky, Computer 42(8), 2009; for values of 0 and 1, Johnson,
NIPS workshop 2014.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F32, F64, I64, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import ones, uniform, word, word2
from sim.jit.words import Number, Word

_NONE, _BIT = np.uint64(0), np.uint64(1)
_HALF = 0.5
_ONE = 1.0


@kernel
def begin(key: Word, low: int, high: int, scale: float, factors: F32) -> None:
    """Write initial factors of rows from ``low``: draws within +- scale / 2, at (row, factor)."""
    for i in range(low, high):
        own = word(key, i)
        for k in range(factors.shape[1]):
            factors[i - low, k] = np.float32(scale * (uniform(word2(own, k)) - _HALF))


@kernel
def _dot(member: Number, item: Number, factors: F32, others: F32) -> float:
    total = 0.0
    for k in range(factors.shape[1]):  # float(), compiled, keeps a float32: the product is one
        total += np.float64(factors[member, k] * others[item, k])
    return total


@kernel
def _chance(odds: float) -> float:
    return float(_ONE / (_ONE + np.exp(-odds)))


@kernel
def learn(
    members: I64, items: I64, values: F32, order: I64, middle: float, rate: float, pull: float,
    is_chance: bool, bias: F32, factors: F32, item_bias: F32, item_factors: F32,
) -> float:  # fmt: skip
    """Take one step for each act, in the given order; return the sum of squared errors before.

    ``is_chance``: values are 0 or 1, and guesses log-odds. Biases and factors change in place.
    """
    total = 0.0
    for step in range(order.size):
        at = order[step]
        m, i = members[at], items[at]
        found = middle + float(bias[m]) + float(item_bias[i]) + _dot(m, i, factors, item_factors)
        error = float(values[at]) - (_chance(found) if is_chance else found)
        total += error * error
        bias[m] += np.float32(rate * (error - pull * float(bias[m])))
        item_bias[i] += np.float32(rate * (error - pull * float(item_bias[i])))
        for k in range(factors.shape[1]):
            mine, its = float(factors[m, k]), float(item_factors[i, k])
            factors[m, k] = np.float32(mine + rate * (error * its - pull * mine))
            item_factors[i, k] = np.float32(its + rate * (error * mine - pull * its))
    return total


@kernel
def compose(tags: U64, by: I64, authors: F32, topics: F32, out: F32) -> None:
    """Write the initial factors of posts: their author's, plus the mean of their topics'."""
    for p in range(tags.size):
        share = _share_of(tags[p])
        for k in range(out.shape[1]):
            out[p, k] = authors[by[p], k]
        left = tags[p]
        while left != _NONE:
            t = _lowest(left)
            left &= left - _BIT
            for k in range(out.shape[1]):
                out[p, k] += np.float32(share * float(topics[t, k]))


@kernel
def learn_posts(
    members: I64, rows: I64, values: F32, order: I64, rate: float, pull: float, factors: F32,
    bias: F32, posts: F32, by: I64, author_bias: F32, authors: F32, tags: U64, topics: F32,
) -> None:  # fmt: skip
    """Take one step for each act on a post, in the given order.

    The log-odds are ``bias + dot(member, post)``. The member and the post move by the error; the
    author and the topics move with the post, so that later posts start there. All but the topics
    are regularised towards 0.
    """
    for step in range(order.size):
        at = order[step]
        m, i = members[at], rows[at]
        a = by[i]
        error = float(values[at]) - _chance(float(bias[i]) + _dot(m, i, factors, posts))
        bias[i] += np.float32(rate * (error - pull * float(bias[i])))
        author_bias[a] += np.float32(rate * (error - pull * float(author_bias[a])))
        share = rate * error * _share_of(tags[i])
        for k in range(factors.shape[1]):
            mine, its, theirs = float(factors[m, k]), float(posts[i, k]), float(authors[a, k])
            factors[m, k] = np.float32(mine + rate * (error * its - pull * mine))
            posts[i, k] = np.float32(its + rate * (error * mine - pull * its))
            authors[a, k] = np.float32(theirs + rate * (error * mine - pull * theirs))
            left = tags[i]
            while left != _NONE:
                t = _lowest(left)
                left &= left - _BIT
                topics[t, k] = np.float32(float(topics[t, k]) + share * mine)


@kernel
def _share_of(tags: Word) -> float:
    """Return 1 / (number of topics); 0 without topics."""
    many = ones(tags)
    return _ONE / many if many > 0 else 0.0


@kernel
def _lowest(tags: Word) -> Number:
    """Return the index of the lowest set bit of a nonzero word."""
    return ones((tags & (~tags + _BIT)) - _BIT)


@kernel
def guess(
    members: I64, items: I64, middle: float, bias: F32, factors: F32, item_bias: F32,
    item_factors: F32, out: F64,
) -> None:  # fmt: skip
    """Write the prediction for each pair, float64 (pairs,); parameters as in :func:`learn`."""
    for p in range(members.size):
        m, i = members[p], items[p]
        own = np.float64(bias[m] + item_bias[i])
        out[p] = middle + own + _dot(m, i, factors, item_factors)


@kernel
def dots(members: U32, items: I64, factors: F32, item_factors: F32, out: F32) -> None:
    """Write the dot product of each pair's factors, without biases."""
    for p in range(members.size):
        total = np.float32(0.0)
        for k in range(factors.shape[1]):
            total += factors[members[p], k] * item_factors[items[p], k]
        out[p] = total

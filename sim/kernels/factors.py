"""Factors of members and of what they act on: each act moves both a little way towards each other.

A guess is ``middle + bias of the member + bias of the item + dot(their factors)``; after an act the
gradient of its squared error (of its logistic loss, where values are 0 and 1) is followed by one
step, with a pull towards 0. Acts are taken one after another, so that the result is the same on any
machine and any number of threads. Koren, Bell & Volinsky, Computer 42(8), 2009; for values of 0 and
1, Johnson, NIPS workshop 2014.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word, word2
from sim.kernels.types import F32, F64, I64, U32, Number, Word

__all__ = ["begin", "dots", "guess", "learn"]

_HALF = 0.5
_ONE = 1.0


@kernel
def begin(key: Word, low: int, high: int, scale: float, factors: F32) -> None:
    """Write the first factors of rows ``low`` to ``high``: addressed draws about 0.

    Parameters
    ----------
    key
        uint64; row i, factor k is drawn at address (i, k).
    low, high
        Numbers of the members or items; row ``i - low`` of ``factors`` is written.
    scale
        The draws lie within +- scale / 2.
    factors
        float32 (high - low, k), written.
    """
    for i in range(low, high):
        own = word(key, i)
        for k in range(factors.shape[1]):
            factors[i - low, k] = np.float32(scale * (uniform(word2(own, k)) - _HALF))


@kernel
def _dot(member: Number, item: Number, factors: F32, others: F32) -> float:
    total = 0.0
    for k in range(factors.shape[1]):
        total += float(factors[member, k]) * float(others[item, k])
    return total


@kernel
def _chance(odds: float) -> float:
    return float(_ONE / (_ONE + np.exp(-odds)))


@kernel
def learn(
    members: I64, items: I64, values: F32, order: I64, middle: float, rate: float, pull: float,
    is_chance: bool, bias: F32, factors: F32, item_bias: F32, item_factors: F32,
) -> float:  # fmt: skip
    """Take one step for each act, in the order given; returns the sum of squared errors before.

    Parameters
    ----------
    members, items, values
        int64, int64, float32 (acts,): row of the member, row of the item, what came of it.
    order
        int64 (steps,): which act each step takes.
    middle
        What is guessed of nobody and nothing.
    rate, pull
        Length of a step; weight of the pull towards 0.
    is_chance
        Whether values are 0 or 1, and guesses log-odds.
    bias, factors
        float32 (members,) and (members, k), changed.
    item_bias, item_factors
        float32 (items,) and (items, k), changed.
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
def guess(
    members: I64, items: I64, middle: float, bias: F32, factors: F32, item_bias: F32,
    item_factors: F32, out: F64,
) -> None:  # fmt: skip
    """Write the guess of each pair, float64 (pairs,); parameters as :func:`learn`."""
    for p in range(members.size):
        m, i = members[p], items[p]
        own = float(bias[m]) + float(item_bias[i])
        out[p] = middle + own + _dot(m, i, factors, item_factors)


@kernel
def dots(members: U32, items: I64, factors: F32, item_factors: F32, out: F32) -> None:
    """Write the dot product of each pair's factors, float32 (pairs,): a guess without biases.

    Parameters
    ----------
    members, items
        uint32 and int64 (pairs,): rows.
    factors, item_factors
        float32 (members, k) and (items, k).
    out
        float32 (pairs,), written.
    """
    for p in range(members.size):
        total = np.float32(0.0)
        for k in range(factors.shape[1]):
            total += factors[members[p], k] * item_factors[items[p], k]
        out[p] = total

"""The mixing function is the published one, and its draws are those of the Python side."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.rng import uniforms, words
from sim.jit.mix import gate, mix, uniform, word, word2

WORDS = st.integers(0, 2**64 - 1)
IDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("step", "output"), [(1, 0xE220A8397B1DCDAF), (2, 0x6E789E6AA1B965F4), (3, 0x06C45D188009454F)]
)
def test_mix_gives_the_published_outputs_of_splitmix64(step: int, output: int) -> None:
    # the generator seeded by 0 mixes the multiples of its golden increment
    state = step * 0x9E3779B97F4A7C15 % 2**64
    assert int(mix(np.uint64(state))) == output


@settings(deadline=None)
@given(key=WORDS, i=IDS, j=IDS)
def test_words_of_kernels_are_those_of_the_python_side(key: int, i: int, j: int) -> None:
    with np.errstate(over="ignore"):
        first = word(np.uint64(key), np.uint32(i))  # type: ignore[arg-type]
        second = word2(np.uint64(first), np.uint32(j))  # type: ignore[arg-type]
    assert int(first) == int(words(np.uint64(key), i)[0])
    assert int(second) == int(words(np.uint64(key), i, j)[0])


@pytest.mark.parametrize("key", [5, 2**62])
def test_keys_may_be_small_python_integers(key: int) -> None:
    plain: Any = key
    with np.errstate(over="ignore"):
        assert int(mix(plain)) == int(mix(np.uint64(key)))
        assert int(word(plain, 3)) == int(word(np.uint64(key), 3))
        assert int(word2(plain, 3)) == int(word2(np.uint64(key), 3))
        assert uniform(plain) == uniform(np.uint64(key))


@settings(deadline=None)
@given(key=WORDS, i=IDS)
def test_uniforms_of_kernels_are_those_of_the_python_side(key: int, i: int) -> None:
    value = uniform(words(np.uint64(key), i)[0])
    assert value == uniforms(np.uint64(key), i)[0]
    assert 0.0 <= value < 1.0


def test_uniform_reaches_both_ends_of_its_range() -> None:
    assert uniform(np.uint64(0)) == 0.0
    assert uniform(np.uint64(2**64 - 1)) == 1.0 - 2.0**-53


@pytest.mark.parametrize(
    ("p", "threshold"), [(0, 0), (-1, 0), (1, 2**53), (2, 2**53), (0.5, 2**52)]
)
def test_gate_is_the_chance_in_53_bits(p: float, threshold: int) -> None:
    assert int(gate(float(p))) == threshold


@settings(deadline=None)
@given(bits=WORDS, low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_coin_that_falls_falls_under_a_larger_chance_too(
    bits: int, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    assert (bits >> 11) >= int(gate(low)) or (bits >> 11) < int(gate(high))

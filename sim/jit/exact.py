"""Logarithm and exponential in plain IEEE arithmetic, so that networks are identical everywhere.

The C library's ``log`` and ``exp`` differ in the last bit between platforms; one such bit shifts a
geometric skip. These use only additions, multiplications and divisions in a fixed order, which
IEEE 754 defines exactly. Errors stay within 4 units in the last place.
"""

from __future__ import annotations

import numpy as np

from sim.jit.jit import kernel
from sim.jit.words import ONE, S11

_S52 = np.uint64(52)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_UNIT = np.uint64(0x3FF0000000000000)
_LN2_HIGH = 0.69314718036912381649  # ln 2 in two parts: the first has spare zero bits
_LN2_LOW = 1.9082149292705877e-10
_SQRT2 = 1.4142135623730951
_BIAS = 1023


@kernel
def _series(s: float) -> float:
    """Return 2 artanh(s) for |s| < .172: the logarithm of (1 + s) / (1 - s)."""
    z = s * s
    tail = 1.0 / 21.0
    tail = tail * z + 1.0 / 19.0
    tail = tail * z + 1.0 / 17.0
    tail = tail * z + 1.0 / 15.0
    tail = tail * z + 1.0 / 13.0
    tail = tail * z + 1.0 / 11.0
    tail = tail * z + 1.0 / 9.0
    tail = tail * z + 1.0 / 7.0
    tail = tail * z + 1.0 / 5.0
    tail = tail * z + 1.0 / 3.0
    return 2.0 * s + 2.0 * s * (z * tail)


@kernel
def exact_log(x: float) -> float:
    """Return the natural logarithm of a normal ``x`` > 0."""
    raw = np.uint64(np.float64(x).view(np.uint64))
    exponent = np.int64(raw >> _S52) - _BIAS
    m = float(np.uint64((raw & _MANTISSA) | _UNIT).view(np.float64))
    if m > _SQRT2:
        m *= 0.5
        exponent += 1
    return exponent * _LN2_HIGH + (_series((m - 1.0) / (m + 1.0)) + exponent * _LN2_LOW)


@kernel
def log_draw(bits: np.uint64) -> float:
    """Return the logarithm of a draw from (0, 1]: ln(((bits >> 11) + 1) / 2**53), in [-36.8, 0]."""
    return exact_log(float((bits >> S11) + ONE) * 1.1102230246251565e-16)


@kernel
def log1m(p: float) -> float:
    """Return ln(1 - p) for p in [0, 1); accurate for very small p."""
    if p < 0.25:
        return -_series(p / (2.0 - p))
    return exact_log(1.0 - p)


@kernel
def exact_exp(x: float) -> float:
    """Return e**x for -700 < x < 700."""
    halvings = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - halvings * _LN2_HIGH) - halvings * _LN2_LOW
    total = 1.0
    for i in range(18, 0, -1):
        total = 1.0 + total * r / i
    power = np.uint64(np.uint64(np.int64(halvings) + _BIAS) << _S52)
    return total * float(np.uint64(power).view(np.float64))


@kernel
def power_draw(u: float, low: float, high: float, exponent: float) -> float:
    """Return a draw from a power law.

    ``u`` in [0, 1); density proportional to x**-``exponent`` on [``low``, ``high``], 0 < low <=
    high. Uses the inverse of the distribution function.
    """
    ratio = exact_log(high / low)
    if abs(exponent - 1.0) < 1e-9:
        return low * exact_exp(u * ratio)
    a = 1.0 - exponent
    return low * exact_exp(exact_log(1.0 - u * (1.0 - exact_exp(a * ratio))) / a)

"""Student's t distribution, in closed form: what intervals of a few paired runs rest upon."""

from __future__ import annotations

from math import atan, cos, pi, sin, sqrt, tan

from sim.errors import InputError

_HALVINGS = 60  # of an angle: past the last bit of a double


def within(t: float, freedom: int) -> float:
    """Return the chance that Student's t lies between ``-t`` and ``t``.

    Parameters
    ----------
    t
        0 or more.
    freedom
        Degrees of freedom, 1 or more.

    Source: Abramowitz & Stegun, Handbook of mathematical functions, 26.7.3 and 26.7.4.

    Examples
    --------
    >>> round(within(1.0, 1), 6)
    0.5
    """
    return _within_angle(atan(t / sqrt(freedom)), freedom)


def half_width(share: float, freedom: int) -> float:
    """Return the ``t`` such that Student's t lies between ``-t`` and ``t`` with a given chance.

    Parameters
    ----------
    share
        The chance, in [0, 1).
    freedom
        Degrees of freedom: pairs less one, 1 or more.

    Raises
    ------
    InputError
        For a share or degrees of freedom outside these ranges.

    Examples
    --------
    >>> round(half_width(0.95, 2), 4)
    4.3027
    """
    if not 0 <= share < 1 or freedom < 1:
        raise InputError(
            f"An interval needs a share in [0, 1) and freedom of 1 or more, "
            f"got {share} and {freedom}."
        )
    low, high = 0.0, pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _within_angle(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return tan(low) * sqrt(freedom)


def _within_angle(angle: float, freedom: int) -> float:
    odd = freedom % 2
    square = cos(angle) ** 2
    term, total = (cos(angle), 0.0) if odd else (1.0, 0.0)
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= square * step / (step + 1)
    if odd:
        return 2 / pi * (angle + sin(angle) * total)
    return sin(angle) * total

"""Novelty, which fades as a stretched exponential (Wu & Huberman, PNAS 2007)."""

from __future__ import annotations

import math


def fresh_minutes(minutes: float, fading: float = 0.4) -> float:
    """Return what the first minutes of a story count: the integral of ``exp(-fading t^0.4)``.

    Parameters
    ----------
    minutes
        Age of the story, at least 0.
    fading
        How fast novelty fades, at least 0; 0 never, 0.4 in the paper.

    Returns
    -------
    float
        Minutes of undiminished novelty, between 0 and ``minutes``; an incomplete gamma function.

    Examples
    --------
    >>> round(fresh_minutes(69.0) / fresh_minutes(1e9), 3)
    0.5
    """
    if fading <= 0.0:
        return minutes
    x = fading * minutes**0.4
    if x < 1e-3:  # the closed form would lose its digits; the series has three terms to spare
        return float(minutes * (1.0 - 5.0 / 7.0 * x + 5.0 / 18.0 * x * x))
    root = math.sqrt(x)
    half = math.sqrt(math.pi) * math.erf(root)
    incomplete = 1.5 * (0.5 * half - root * math.exp(-x)) - x * root * math.exp(-x)
    return float(2.5 * fading**-2.5 * incomplete)

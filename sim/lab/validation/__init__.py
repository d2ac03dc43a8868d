"""Validation: :func:`validate` runs the claims of model cards again, and compares.

A claim is a number, a curve or a law, with the runs that measure it and its source
(:class:`ModelClaim`); running it gives a verdict with an interval. Every propagation model claims
at least its laws. ``hubbub validate`` prints the table; README.md beside this file is one.
"""

from __future__ import annotations

from sim.lab.validation.claim import (
    ClaimVerdict,
    Compared,
    ModelClaim,
    compared_mean,
    compared_share,
    judge,
)
from sim.lab.validation.running import Validation, claims_of, validate, validate_now

__all__ = [
    "ClaimVerdict",
    "Compared",
    "ModelClaim",
    "Validation",
    "claims_of",
    "compared_mean",
    "compared_share",
    "judge",
    "validate",
    "validate_now",
]

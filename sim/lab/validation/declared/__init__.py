"""The declared claims of built-in models, one module a family: ``declared_claims``."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from importlib import import_module

from sim.lab.validation.claim import ModelClaim

__all__ = ["FAMILIES", "declared_claims"]

FAMILIES = ("epidemics", "cascades", "thresholds", "rumours", "word_of_mouth", "competition",
            "popularity", "opinions")  # fmt: skip
"""The modules."""


@lru_cache(maxsize=1)
def declared_claims() -> dict[str, tuple[ModelClaim, ...]]:
    """Return every declared claim by the model's name."""
    found: dict[str, list[ModelClaim]] = defaultdict(list)
    for family in FAMILIES:
        for claim in import_module(f"{__name__}.{family}").CLAIMS:
            found[claim.model].append(claim)
    return {model: tuple(claims) for model, claims in found.items()}

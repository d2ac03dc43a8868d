"""Surrogates: tables that decide as a model did."""

from __future__ import annotations

__all__ = ["agreement_of"]


def agreement_of(path: str) -> str:
    """Return how well a surrogate agrees with its model, in a sentence."""
    return path

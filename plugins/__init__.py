"""The built-in models; they enter through the same door as anybody's."""

from plugins import (
    diffusion,
    epidemics,
    hybrid,
    independent_cascade,
    linear_threshold,
    viral,
)

__all__ = [
    "diffusion",
    "epidemics",
    "hybrid",
    "independent_cascade",
    "linear_threshold",
    "viral",
]

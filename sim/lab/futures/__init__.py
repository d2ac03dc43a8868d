"""Branches of one world under different interventions, compared with common random numbers."""

from sim.lab.futures.comparing import (
    Future,
    compare,
    compare_now,
    future_in_words,
    future_of,
    message_in_words,
)
from sim.lab.futures.outcome import Futures

__all__ = [
    "Future",
    "Futures",
    "compare",
    "compare_now",
    "future_in_words",
    "future_of",
    "message_in_words",
]

"""Branches of one world under different interventions, compared with common random numbers."""

from sim.lab.futures.comparing import compare, compare_futures
from sim.lab.futures.future import Future, future_of
from sim.lab.futures.outcome import Futures
from sim.lab.futures.words import future_in_words, message_in_words

__all__ = [
    "Future",
    "Futures",
    "compare",
    "compare_futures",
    "future_in_words",
    "future_of",
    "message_in_words",
]

"""Mutually exclusive (rival) messages: contests and tie-breaking rules."""

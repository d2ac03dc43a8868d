"""Undo history, time travel and branching of a running world."""

"""Experiments on worlds: the same seed under two conditions, side by side."""

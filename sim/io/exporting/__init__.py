"""Worlds in the formats of other programs."""

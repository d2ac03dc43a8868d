"""Epidemic models."""

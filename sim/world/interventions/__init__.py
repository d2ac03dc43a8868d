"""Interventions: changes to a world at a tick or on a condition."""

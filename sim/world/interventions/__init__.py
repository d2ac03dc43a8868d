"""Interventions: what is to be done to a world at a tick or on a condition."""

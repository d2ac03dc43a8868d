"""Journalling of a running world: log of acts, checkpoints, retention, saves."""

"""Snapshots: a world as one file, whole or not at all."""

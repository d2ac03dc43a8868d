"""Frames: immutable snapshots of a running world, and their parts."""

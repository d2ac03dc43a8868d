"""Frames: immutable pictures of a running world, and their parts."""

"""Opinions, and how hearing others moves them."""

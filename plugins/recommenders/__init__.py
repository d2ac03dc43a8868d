"""Recommenders of feeds and of friends."""

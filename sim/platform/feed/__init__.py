"""Feeds: candidates, recommenders, slots, and why something was shown."""

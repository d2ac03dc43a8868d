"""Threshold models: enough of those one hears."""

"""Metrics of a world as time series, and alerts on them."""

"""Metrics of a world as time series, and alarms on them."""

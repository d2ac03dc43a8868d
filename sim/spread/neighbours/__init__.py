"""Models that decide by what all neighbours say in sum: thresholds, pressure."""

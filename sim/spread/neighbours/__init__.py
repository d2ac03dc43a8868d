"""Models that decide by sums over neighbours: thresholds, complex contagion, pressure."""

"""Models that decide for each exposure: chances, attempts, triggering sets, attention."""

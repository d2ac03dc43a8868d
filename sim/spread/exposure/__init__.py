"""Models that decide per exposure: chances, attempts, triggering sets, attention."""

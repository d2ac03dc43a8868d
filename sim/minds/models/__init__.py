"""Calls to model servers: limits, retries, budget, replies that can be replayed."""

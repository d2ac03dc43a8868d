"""Rumour models, and others in which what is stale is no longer passed on."""

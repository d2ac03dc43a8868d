"""Models in continuous time: the same rules with rates, event by event."""

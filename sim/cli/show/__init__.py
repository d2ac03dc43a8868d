"""The verbs that only look at a world."""

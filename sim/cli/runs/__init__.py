"""The verbs that run worlds, scenarios and comparisons."""

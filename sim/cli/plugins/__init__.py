"""The verbs about plugins."""

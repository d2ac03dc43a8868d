"""The verbs that make, import, open, save and recover worlds."""

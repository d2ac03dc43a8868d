"""Compartmental models: states, who infects whom, what happens by itself."""

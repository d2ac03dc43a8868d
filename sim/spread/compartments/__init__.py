"""Compartmental models: states, contact rules, spontaneous changes."""

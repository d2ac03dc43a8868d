"""Directed ties as sorted rows that may change in every tick."""

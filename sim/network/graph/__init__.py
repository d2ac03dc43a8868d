"""Directed ties as CSR (sorted rows) that may change in every tick."""

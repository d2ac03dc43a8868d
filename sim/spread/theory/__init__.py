"""Equations of models: mean field, pairs, edge-based, trees."""

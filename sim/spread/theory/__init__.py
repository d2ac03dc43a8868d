"""Analytic equations of models: mean field, pairs, edge-based, branching trees."""

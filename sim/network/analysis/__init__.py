"""Measures of a network: centrality, communities, distances, clustering."""

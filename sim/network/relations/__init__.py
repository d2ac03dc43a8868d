"""Data on ties outside the graph: types, groups, blocks, trust."""

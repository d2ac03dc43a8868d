"""Network measures, one module each: centrality, communities, paths, clustering, reputation."""

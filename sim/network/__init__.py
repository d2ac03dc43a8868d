"""Who hears whom: the graph and its changes, generators, measures, relations of members."""

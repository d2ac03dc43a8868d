"""Who hears whom: the graph, random generators, network measures, relations; nothing exported."""

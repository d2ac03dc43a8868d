"""What is known of ties beside the graph: types, groups, blocks, trust."""

"""What ties are beside that they are: types, groups, blocks, trust."""

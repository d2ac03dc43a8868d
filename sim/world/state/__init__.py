"""The state of a world: dump, restore, copy, restore in place."""

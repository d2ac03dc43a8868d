"""The state of a world: dumped, restored, copied, turned back."""

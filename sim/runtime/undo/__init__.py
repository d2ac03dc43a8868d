"""The way back: undo history, travel through time, branches."""

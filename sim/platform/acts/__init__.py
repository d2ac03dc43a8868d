"""Acts of members: policies decide, effects follow, a log remembers."""

"""The journal: what was done to a live world, on the disk before it is acknowledged."""

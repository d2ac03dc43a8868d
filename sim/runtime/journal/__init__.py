"""The journal writer of a live world: acts, checkpoints, retention."""

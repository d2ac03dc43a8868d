"""Live worlds on the disk: where they lie, backups, erasure."""

"""Worlds with a journal on the disk: places, backups, erasure of profiles."""

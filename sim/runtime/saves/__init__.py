"""Worlds with a journal on the disk: files, backups, erasure of profiles."""

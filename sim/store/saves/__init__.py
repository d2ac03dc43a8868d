"""The folder of saved worlds: list, rename, copy, shrink, remove."""

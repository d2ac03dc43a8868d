"""The history database: what members did, wrote and decided."""

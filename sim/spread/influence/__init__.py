"""Influence: which seeds reach most, and which members or ties to block, by live edges."""

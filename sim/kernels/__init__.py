"""Loops over arrays, compiled; they import nothing of ours."""

"""Prompts, and how answers are read as acts."""

"""Prompt templates, their rendering, and parsing of answers into acts."""

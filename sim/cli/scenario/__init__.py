"""Scenarios: a whole run in one file that people share."""

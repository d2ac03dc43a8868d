"""Popularity: how many take a message up, from laws of the whole."""

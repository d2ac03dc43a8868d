"""Channels: plugins that choose which ties carry a message, or who hears whom this tick."""

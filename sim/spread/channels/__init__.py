"""Channels: plugins that say which ties carry a message, or who hears whom this tick."""

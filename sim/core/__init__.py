"""Parameters, the plugin registry, addressed randomness, the clock, events, text."""

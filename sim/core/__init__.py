"""Parameters, the plugin registry, addressed randomness, text, settings, events."""

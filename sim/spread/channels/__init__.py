"""What a channel is: a plugin that says which ties carry a message, or who hears whom this tick."""

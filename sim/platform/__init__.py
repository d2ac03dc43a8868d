"""The social platform: posts, feeds, what members do, and its part of a tick."""

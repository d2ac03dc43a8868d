"""Feeds: posts, who is shown them and why, and what members do with what they see."""

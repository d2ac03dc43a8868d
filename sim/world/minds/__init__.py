"""Members with a mind of their own, as the world keeps them."""

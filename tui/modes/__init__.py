"""The modes of the screen, and the lines around them."""

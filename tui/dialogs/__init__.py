"""Modal dialogs of the screen, one module each."""

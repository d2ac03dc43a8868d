"""Modal dialogs of the screen, one module each; nothing is exported here."""

"""Actions: one table drives keys, palette, ``:`` line, footer and help."""

"""Export of worlds to the formats of other programs."""

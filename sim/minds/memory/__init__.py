"""What a minded member remembers and reflects on."""

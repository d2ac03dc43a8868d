"""Opinion dynamics: base classes of models, initial opinions, and measures."""

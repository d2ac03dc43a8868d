"""One message under one model: its state, its record, and what a model is."""

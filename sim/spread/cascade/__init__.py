"""One message under one model: cascade state, adoption log, contacts, the model contract."""

"""Messages that people weigh and pass on."""

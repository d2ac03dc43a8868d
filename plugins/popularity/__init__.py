"""Built-in models of aggregate popularity: Bass, Hawkes, novelty, competing memes."""

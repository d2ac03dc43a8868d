"""Built-in epidemic models: SI, SIS, SIR, SEIR and others; modules register on import."""

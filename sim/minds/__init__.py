"""Language models and other minds: asking them, what they are told, how members decide."""

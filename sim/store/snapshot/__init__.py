"""The single-file world format: schema, header, trailer, checks; ``snapshot`` saves and loads."""

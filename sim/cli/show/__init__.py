"""Read-only verbs about a world: ``hubbub show``, ``info``, ``verify``, ``replay``."""

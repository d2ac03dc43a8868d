"""The ``hubbub plugin`` verbs: list, enable, new, check, bench; nothing is exported here."""

"""The command line ``hubbub``: the verbs of the screen, without one."""

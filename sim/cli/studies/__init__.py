"""``hubbub study``: studies in files, run, stopped, gone on with, reported."""

"""The gallery: scenarios that come with the program, each with what should be seen and its source.

``hubbub scenario list`` lists them; ``hubbub run gallery:NAME`` runs one.
"""

"""Verbs about language models and minded members: ``hubbub llm``, ``hubbub ask``."""

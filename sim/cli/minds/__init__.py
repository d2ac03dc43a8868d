"""The verbs about language models and minded members."""

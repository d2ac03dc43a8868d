"""Minds, which decide members' acts: language models, archetypes, surrogates, and their prompts."""

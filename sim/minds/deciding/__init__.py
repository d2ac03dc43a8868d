"""A round of decisions: scenes, questions under way, outcomes."""

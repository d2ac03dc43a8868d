"""The population as columns: traits, interests, names, foreign ids, stages of life, queries."""

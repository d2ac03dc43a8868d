"""The population as columns: traits, interests, names, ids, stages of life, queries."""

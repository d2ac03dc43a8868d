"""The feed pipeline: candidates, recommender scores, slots, exposures, explanations."""

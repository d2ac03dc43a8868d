"""The program itself: start-up, output, models, health."""

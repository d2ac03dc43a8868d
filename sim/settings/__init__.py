"""What a person sets once, where it is read from, and the program's own log."""

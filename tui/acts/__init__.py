"""What the acts of the table do: each takes the app and the words typed after its command."""

"""Built-in word-of-mouth models: viral marketing, exponential delays, strong and weak ties."""

"""Questions of people to a running world, answered between two ticks."""

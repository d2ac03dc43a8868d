"""Acts of members on the platform: policies, effects, requests, and the act log."""

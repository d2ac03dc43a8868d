"""Opinion dynamics."""

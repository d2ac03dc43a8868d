"""Health checks of a running world, and the exporter of its metrics."""

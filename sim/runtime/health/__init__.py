"""Health of a running world: checks, memory watch, Prometheus exporter."""

"""Language models: calls that cannot overspend, hang, or leak; replies that can be replayed."""

"""Random networks by name, each drawn edge by edge."""

"""Build wheels and sdists: a PEP 517 frontend."""

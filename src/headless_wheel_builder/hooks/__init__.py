"""Call the hooks of build backends (PEP 517) through pyproject-hooks."""

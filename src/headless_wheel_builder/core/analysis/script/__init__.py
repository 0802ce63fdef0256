"""setup.py, followed as a syntax tree: what it would call setup() with, as far as that can be known.

It is followed the way that a plain build on Linux with CPython would go. Where that turns on something from outside, an
environment variable, the platform, or what cannot be known, it is followed once more the other way, and compared.
"""

"""Programs that run in containers: the standard library only, on Python 3.8 and newer."""

"""The parts of the hook host, for the interpreter of a build environment."""

"""Many builds in one run: which there are, in which order they are done, by whom, and what becomes of each."""

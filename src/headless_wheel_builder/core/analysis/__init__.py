"""What a source tree says of what a build of it would make, read without running any of it."""

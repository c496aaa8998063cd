"""One agent directory as a unit."""

"""Use cases of this room alone; those that bill live in `engine`."""

"""Sound as arrays: decode, level, cut, alter. Nothing here writes a file."""

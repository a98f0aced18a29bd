"""One module for each kind of board, and their registry."""

"""eitk: from a folder of music clips to a light on a board."""

__version__ = "0.3.0.dev0"

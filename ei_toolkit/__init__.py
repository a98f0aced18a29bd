"""eitk: audio classifiers on microcontrollers, with the Edge Impulse API or entirely offline."""

__version__ = "0.3.0.dev0"

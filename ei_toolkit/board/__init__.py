"""Boards: find, build, flash and open them; parse their output; stream audio to a virtual board; verify its scores."""

"""Boards: found, flashed, opened as a stream of lines; what a line says; and the sound that an emulated one hears."""

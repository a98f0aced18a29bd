"""`python -m ei_toolkit` is `eitk`."""

from ei_toolkit.commands.app import main

main()

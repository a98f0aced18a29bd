"""What a setting's type does not say: names that must be known, numbers that must lie in a range."""

from __future__ import annotations

from ei_toolkit.config.settings import Settings
from ei_toolkit.errors import ConfigurationError

BOARDS = ("nano33ble", "emulated", "host")


def check_settings(settings: Settings) -> None:
    """Raise ConfigurationError for a value that no command could use.

    What [build] names is left to the studio: the cloud has targets and engines that eitk has never heard of.
    """
    if settings.board.name not in BOARDS:
        names = ", ".join(BOARDS)
        raise ConfigurationError(
            f"board.name = {settings.board.name!r} is not one of {names}", hint=f"Set board.name to one of {names}."
        )
    for key in ("threshold", "hysteresis"):
        if not 0 <= (value := getattr(settings.board, key)) <= 1:
            raise ConfigurationError(f"board.{key} = {value} is not between 0 and 1", hint=f"Set board.{key} to 0…1.")
    if settings.studio.project < 0:
        raise ConfigurationError(
            f"studio.project = {settings.studio.project} is no project id",
            hint="Set studio.project to the number in the project's address, or to 0 for the one of the key.",
        )

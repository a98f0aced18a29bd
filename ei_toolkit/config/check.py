"""What a setting's type does not say: names that must be known, numbers that must lie in a range."""

from __future__ import annotations

from ei_toolkit.config.settings import Settings
from ei_toolkit.errors import ConfigurationError

BOARDS = ("nano33ble", "emulated", "host")
TARGETS = ("arduino", "zip")
ENGINES = ("tflite-eon", "tflite-eon-ram-optimized", "tflite")


def check_settings(settings: Settings) -> None:
    """Raise ConfigurationError for a value that no command could use."""
    _check_known("board.name", settings.board.name, BOARDS)
    _check_known("build.target", settings.build.target, TARGETS)
    _check_known("build.engine", settings.build.engine, ENGINES)
    for key in ("threshold", "hysteresis"):
        if not 0 <= (value := getattr(settings.board, key)) <= 1:
            raise ConfigurationError(f"board.{key} = {value} is not between 0 and 1", hint=f"Set board.{key} to 0…1.")
    if settings.studio.project < 0:
        raise ConfigurationError(
            f"studio.project = {settings.studio.project} is no project id",
            hint="Set studio.project to the number in the project's address, or to 0 for the one of the key.",
        )


def _check_known(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        names = ", ".join(known)
        raise ConfigurationError(f"{key} = {value!r} is not one of {names}", hint=f"Set {key} to one of {names}.")

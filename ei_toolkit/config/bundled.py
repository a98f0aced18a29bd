"""Where firmware and dataset indexes lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from ei_toolkit.errors import EitkError

PACKAGE = Path(__file__).resolve().parents[1]


def bundled(name: str) -> Path:
    """The folder `firmware` or `datasets` that this installation carries.

    Raises EitkError where the installation is incomplete.
    """
    for folder in (PACKAGE / "_bundled" / name, PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise EitkError(
        f"this installation of eitk has no {name}", hint="Install it again: pip install --force-reinstall eitk"
    )

"""Addresses of folders that are not on this machine, such as s3://bucket/clips."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
AS_PATH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")


def is_address(text: str) -> bool:
    """Whether a text is an address and no path. A drive, as in C:/clips, is a path."""
    return ADDRESS.match(text) is not None


def place_of(path: Path, folder: Path) -> str:
    """Return an address that was given where a path is expected, else the path from `folder`.

    A Path has only one of the two slashes of an address.
    """
    text, changed = AS_PATH.subn(r"\1://", path.as_posix(), count=1)
    return text if changed else str(folder / path)


def shown_address(address: str) -> str:
    """Return the address for messages: without a user name, password or query, which may be secret."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()

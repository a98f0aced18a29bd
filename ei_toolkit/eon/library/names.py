"""Names of a library, whatever the project is called."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 60


def library_name(project: str) -> str:
    """`Music Genre Classifier` -> `Music_Genre_Classifier`: spaces become `_`, hyphens stay, accents go."""
    plain = unicodedata.normalize("NFKD", project).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9-]+", "_", plain).strip("_-")[:MAX_NAME]
    return name if re.match(r"[A-Za-z0-9]", name) else "Project"


def header_name(project: str) -> str:
    """The umbrella header that a sketch includes."""
    return f"{library_name(project)}_inferencing.h"


def archive_name(project: str, target: str, deploy_version: int) -> str:
    """`ei-music-genre-classifier-arduino-1.0.3.zip`."""
    lower = re.sub(r"[_-]+", "-", library_name(project).lower())
    kind = "cpp" if target == "zip" else target
    return f"ei-{lower}-{kind}-1.0.{deploy_version}.zip"

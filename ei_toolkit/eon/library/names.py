"""Names of a library and text inside C++, whatever the project and its labels are called."""

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


def c_string(text: str) -> str:
    """A C string literal: quotes, backslashes and trigraphs escaped, control characters as octal, UTF-8 as it is."""
    escaped = (_escaped(character) for character in text)
    return '"' + "".join(escaped) + '"'


def one_line(text: str) -> str:
    """Text for a comment or a property: printable, on one line, unable to end the comment or continue the line."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.replace("\\", "/").replace("*/", "* /").split())


def _escaped(character: str) -> str:
    if character in '"\\?':
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))

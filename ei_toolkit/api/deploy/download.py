"""Fetch one deployment and its model into `.eitk/builds/<version>/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from ei_toolkit.api.answer import Answer
from ei_toolkit.api.deploy.zipcheck import check_zip
from ei_toolkit.api.project import Studio
from ei_toolkit.errors import ApiError

LARGEST_ZIP = 512 * 2**20
LARGEST_MODEL = 64 * 2**20
TFLITE_MARK = b"TFL3"  # FlatBuffer file identifier, at byte 4
MODEL_NAMES = {"int8": ("int8",), "float32": ("float32",)}


@dataclass(frozen=True)
class Deployment:
    """What the studio says about one version."""

    version: int
    format: str
    engine: str
    model_type: str
    impulse: int
    created: str


def deployment_of(studio: Studio, version: int) -> Deployment:
    """One version of the deployment history. Raises ApiError where it does not exist."""
    answer = Answer(studio.transport.get(studio.path("deployment", "history", version)), "the deployment")
    found = answer.object("deployment")
    return Deployment(
        found.integer("deploymentVersion"),
        found.text("deploymentFormat"),
        found.text("engine"),
        found.text("modelType", "int8"),
        found.integer("impulseId", 0),
        found.text("created", ""),
    )


def download_zip(studio: Studio, version: int, folder: Path) -> Path:
    """The zip of a deployment, checked, under the name that the studio gives it.

    Raises ApiError where it is missing, cut off or unsafe; nothing is left behind then.
    """
    temporary = folder / "download.zip"
    try:
        path = studio.path("deployment", "history", version, "download")
        headers = studio.transport.download(path, temporary, largest=LARGEST_ZIP)
        check_zip(temporary)
        return temporary.replace(folder / safe_name(headers, f"deployment-{version}.zip"))
    finally:
        temporary.unlink(missing_ok=True)
        temporary.with_name("download.zip.part").unlink(missing_ok=True)


def download_model(studio: Studio, variant: str, to: Path, impulse_id: int | None = None) -> Path:
    """The .tflite of a variant, found by its name in the studio's list of downloads.

    Raises ApiError where there is none or what comes is no TensorFlow Lite model.
    """
    answer = Answer(studio.transport.get(studio.path("downloads"), impulseId=impulse_id), "the list of downloads")
    link = _tflite_link(answer.objects("downloads"), variant)
    part = to.with_name(to.name + ".new")
    try:
        studio.transport.download(_path_of(studio, link), part, largest=LARGEST_MODEL)
        with part.open("rb") as file:
            if file.read(8)[4:8] != TFLITE_MARK:
                raise ApiError(f"the {variant} model that the studio sent is no TensorFlow Lite model")
        return part.replace(to)
    finally:
        part.unlink(missing_ok=True)
        part.with_name(part.name + ".part").unlink(missing_ok=True)


def safe_name(headers: Mapping[str, str], otherwise: str) -> str:
    """The file name of a Content-Disposition, reduced to letters, digits, dots, dashes and underscores."""
    message = Message()
    message["Content-Disposition"] = headers.get("Content-Disposition", "")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(message.get_filename() or "").name).strip("-.")
    return name if name.endswith(".zip") and len(name) < 200 else otherwise


def _tflite_link(downloads: list[Answer], variant: str) -> str:
    """By name and type: the ids differ between studios."""
    for download in downloads:
        words = f"{download.text('name', '')} {download.text('type', '')}".lower()
        is_model = "tensorflow lite" in words or "tflite" in words
        if is_model and all(word in words for word in MODEL_NAMES[variant]) and "keras" not in words:
            return download.text("link")
    raise ApiError(f"the studio has no {variant} TensorFlow Lite model to download", hint="eitk train")


def _path_of(studio: Studio, link: str) -> str:
    """A link as a path below the API address; one that leads elsewhere would carry the key there."""
    base = urlsplit(studio.transport.endpoint.api_url)
    parts = urlsplit(link)
    if parts.netloc and parts.netloc != base.netloc:
        raise ApiError("the studio's download link leads to another host", why=parts.netloc)
    path = parts.path.removeprefix(base.path) if parts.path.startswith(f"{base.path}/") else parts.path
    if not path.startswith("/api/"):
        raise ApiError("the studio's download link is not understood", why=link[:100])
    return path + (f"?{parts.query}" if parts.query else "")

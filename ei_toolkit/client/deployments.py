"""A zip from a server is hostile until checked: no path out of its folder, no links, no bomb."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.project import Studio
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.archive import MIB, Limits, check_archive, read_entries
from ei_toolkit.config.atomic_write import replace_file, replace_folder
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.dataset.provenance import PROVENANCE_NAME
from ei_toolkit.errors import ApiError, ArchiveError

LIBRARY_LIMITS = Limits(total_bytes=1024 * MIB, ratio=200)  # C sources compress about five times
MODEL_HASH = re.compile(rb'#define\s+EITK_MODEL_SHA256\s+"([0-9a-f]{64})"')


def check_zip(path: Path) -> None:
    """Raise ApiError unless the file is a whole archive that is safe to unpack."""
    try:
        check_archive(path, LIBRARY_LIMITS)
    except ArchiveError as error:
        raise ApiError(
            "the downloaded library is rejected", why=error.why or error.what, hint="Build it again: eitk build"
        ) from None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_model_in_zip(archive: Path, model: Path) -> None:
    """Raise ApiError where the library says which model it was made of, and that is not `model`.

    Libraries of eitk's own studio say so; then a training between build and download cannot go unnoticed.
    """
    for _name, source in read_entries(archive, lambda name: name.suffix in (".h", ".cpp"), LIBRARY_LIMITS):
        found = MODEL_HASH.search(source)
        if found and found[1].decode() != sha256_of(model):
            raise ApiError(
                "the library and the model are of different trainings",
                why=f"the library was made of model {found[1].decode()[:12]}",
                hint="Build it again: eitk build",
            )


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


def download_model(studio: Studio, variant: str, to: Path, impulse_id: int | None = None) -> Path:
    """The .tflite of a variant, found by its name in the studio's list of downloads.

    Raises ApiError where there is none or what comes is no TensorFlow Lite model.
    """
    answer = Answer(studio.transport.get(studio.path("downloads"), impulseId=impulse_id), "the list of downloads")
    link = _tflite_link(answer.objects("downloads"), variant)
    with replace_file(to) as part:
        studio.transport.download(_path_of(studio, link), part, largest=LARGEST_MODEL)
        with part.open("rb") as file:
            if file.read(8)[4:8] != TFLITE_MARK:
                raise ApiError(f"the {variant} model that the studio sent is no TensorFlow Lite model")
    return to


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


@dataclass(frozen=True)
class BuildSpec:
    """What a build was asked to be."""

    target: str
    engine: str
    model_type: str


def pin(studio: Studio, version: int, wanted: BuildSpec, paths: ProjectPaths, provenance: Path) -> Lock:
    """Fetch version `version` into `.eitk/builds/` and write eitk.lock; both change in one step each, the lock last.

    `provenance` says which clips the model was trained on, and is kept with it; it need not be there.
    Raises ApiError where the studio has something else under that version, or sends what cannot be used.
    """
    deployment = deployment_of(studio, version)
    _check(deployment, wanted, version)
    folder = paths.builds / str(version)
    with replace_folder(folder) as fresh:
        archive = download_zip(studio, version, fresh)
        model = download_model(studio, wanted.model_type, fresh / "model.tflite", deployment.impulse or None)
        check_model_in_zip(archive, model)
        if provenance.is_file():
            shutil.copyfile(provenance, fresh / PROVENANCE_NAME)
    lock = lock_of(
        version, deployment.impulse, wanted, deployment.created, folder / archive.name, folder / model.name, paths.root
    )
    write_lock(paths.lock, lock)
    return lock


def _check(deployment: Deployment, wanted: BuildSpec, version: int) -> None:
    there = (deployment.version, deployment.format, deployment.engine, deployment.model_type)
    asked = (version, wanted.target, wanted.engine, wanted.model_type)
    if there != asked:
        raise ApiError(
            "the studio built something else than was asked for",
            why=f"asked for version {asked}, got {there}",
            hint="Build it again: eitk build",
        )


def lock_of(
    version: int, impulse: int, wanted: BuildSpec, created: str, archive: Path, model: Path, root: Path
) -> Lock:
    """The lock of a deployment whose files are in place."""
    return Lock(
        deployment_version=version,
        impulse=impulse,
        engine=wanted.engine,
        model_type=wanted.model_type,
        target=wanted.target,
        zip=archive.relative_to(root).as_posix(),
        zip_sha256=sha256_of(archive),
        model=model.relative_to(root).as_posix(),
        model_sha256=sha256_of(model),
        created=created,
    )

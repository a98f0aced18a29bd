"""Deployments: download and check them, keep them below .eitk/builds/, and pin one in eitk.lock.

A deployment is a zip with a library, or a program: the model file (.eim) of a Linux target.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.archive import MIB, Limits, check_archive, read_entries
from ei_toolkit.config.atomic_write import replace_file, replace_folder
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.dataset.provenance import PROVENANCE_NAME
from ei_toolkit.errors import ApiError, ArchiveError

LIBRARY_LIMITS = Limits(total_bytes=1024 * MIB, ratio=200)  # C sources compress about five times
MAX_ZIP_BYTES = 512 * MIB
MAX_MODEL_BYTES = 64 * MIB
MAX_NAME_LENGTH = 200
TFLITE_IDENTIFIER = b"TFL3"  # FlatBuffer file identifier, at byte 4
MODEL_HASH = re.compile(rb'#define\s+EITK_MODEL_SHA256\s+"([0-9a-f]{64})"|"model_?[sS]ha256": ?"([0-9a-f]{64})"')
PROGRAM_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe")  # of programs for Linux, and for macOS on 64 bits
BUILD_AGAIN = "Build it again: eitk build"


@dataclass(frozen=True)
class BuildSpec:
    """The target, engine and model type that are requested of a build."""

    target: str
    engine: str
    model_type: str


class Deployment(Response, frozen=True):
    """One version in the deployment history of the studio."""

    deployment_version: int
    deployment_format: str
    engine: str
    model_type: str = "int8"
    impulse_id: int = 0
    created: str = ""


class Download(Response, frozen=True):
    """One entry of the studio's list of downloads."""

    link: str = ""
    name: str = ""
    type: str = ""


class _Parameter(Response, frozen=True):
    param: str = ""


class _Target(Response, frozen=True):
    format: str = ""
    parameters: tuple[_Parameter, ...] = ()


class _Targets(Response, frozen=True):
    targets: tuple[_Target, ...] = ()


class _OneDeployment(Response, frozen=True):
    deployment: Deployment


class _DownloadList(Response, frozen=True):
    downloads: tuple[Download, ...]


def pin(studio: Studio, version: int, spec: BuildSpec, paths: ProjectPaths, provenance: Path) -> Lock:
    """Download version `version` into `.eitk/builds/` and write eitk.lock; each changes in one step, the lock last.

    Raises as `download`.
    """
    lock = download(studio, version, spec, paths, provenance)
    write_lock(paths.lock, lock)
    return lock


def download(studio: Studio, version: int, spec: BuildSpec, paths: ProjectPaths, provenance: Path) -> Lock:
    """Download version `version` into `.eitk/builds/`, and return what eitk.lock would contain.

    `provenance` is the file with the training provenance of the model; it is copied beside the model if it exists.
    Raises ApiError where the version was built otherwise, or a download is not valid.
    """
    deployment = deployment_of(studio, version)
    _check_spec(deployment, spec, version)
    folder = paths.builds / str(version)
    with replace_folder(folder) as partial:
        file = download_file(studio, version, spec.target, partial)
        model = download_model(studio, spec.model_type, partial / "model.tflite", deployment.impulse_id or None)
        check_model_in_file(file, model)
        if provenance.is_file():
            shutil.copyfile(provenance, partial / PROVENANCE_NAME)
    return lock_of_files(deployment, spec, folder / file.name, folder / model.name, paths)


def lock_of_files(deployment: Deployment, spec: BuildSpec, file: Path, model: Path, paths: ProjectPaths) -> Lock:
    """Return the lock for a deployment whose files are below the project's folder."""
    return Lock(
        deployment_version=deployment.deployment_version,
        impulse=deployment.impulse_id,
        engine=spec.engine,
        model_type=spec.model_type,
        target=spec.target,
        zip=file.relative_to(paths.root).as_posix(),
        zip_sha256=sha256_of(file),
        model=model.relative_to(paths.root).as_posix(),
        model_sha256=sha256_of(model),
        created=deployment.created,
    )


def declared_parameters(studio: Studio, target: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return those of the values that are parameters of the target in this studio."""
    found = studio.transport.read(studio.path("deployment", "targets"), _Targets).targets
    declared = {parameter.param for one in found if one.format == target for parameter in one.parameters}
    return {name: value for name, value in values.items() if name in declared}


def deployment_of(studio: Studio, version: int) -> Deployment:
    """Return one version of the deployment history. Raises ApiError where it does not exist."""
    return studio.transport.read(studio.path("deployment", "history", version), _OneDeployment).deployment


def download_file(studio: Studio, version: int, target: str, folder: Path) -> Path:
    """Download the zip or program of a deployment into `folder`, check it, and name it as the studio does.

    Raises ApiError where it is missing, incomplete or unsafe; no file remains then.
    """
    temporary = folder / "download"
    try:
        path = studio.path("deployment", "history", version, "download")
        headers = studio.transport.download(path, temporary, max_bytes=MAX_ZIP_BYTES)
        suffix = check_file(temporary, target)
        return temporary.replace(folder / safe_name(headers, f"deployment-{version}{suffix}"))
    finally:
        temporary.unlink(missing_ok=True)


def download_model(studio: Studio, variant: str, to: Path, impulse_id: int | None = None) -> Path:
    """Download the .tflite of a variant, which is found by its name in the studio's list of downloads.

    Raises ApiError where there is none, or the download is not a TensorFlow Lite model.
    """
    downloads = studio.transport.read(studio.path("downloads"), _DownloadList, impulseId=impulse_id).downloads
    path = path_of_link(studio, tflite_link(downloads, variant))
    with replace_file(to) as partial:
        studio.transport.download(path, partial, max_bytes=MAX_MODEL_BYTES)
        with partial.open("rb") as file:
            if file.read(8)[4:8] != TFLITE_IDENTIFIER:
                raise ApiError(f"the {variant} model of the studio is not a TensorFlow Lite model", why=path)
    return to


def check_file(path: Path, target: str) -> str:
    """Check the file of a deployment, make a program executable, and return the suffix of its name.

    Raises ApiError unless it is a complete archive that is safe to unpack, or for a runner target a program.
    """
    with path.open("rb") as file:
        is_program = file.read(4) in PROGRAM_MAGIC
    if is_program and target.startswith("runner-"):
        path.chmod(0o755)
        return ".eim"
    check_zip(path)
    return ".zip"


def check_zip(path: Path) -> None:
    """Raise ApiError unless the file is a complete archive that is safe to unpack."""
    try:
        check_archive(path, LIBRARY_LIMITS)
    except ArchiveError as error:
        raise ApiError("the downloaded library is rejected", why=error.why or error.what, hint=BUILD_AGAIN) from None


def check_model_in_file(file: Path, model: Path) -> None:
    """Raise ApiError where the deployment contains the hash of its model, and that is not the hash of `model`.

    Deployments of eitk's own studio contain it, so that a training between build and download is noticed.
    """
    for source in _parts_with_hash(file):
        found = MODEL_HASH.search(source)
        made_of = (found[1] or found[2]).decode() if found else sha256_of(model)
        if made_of != sha256_of(model):
            raise ApiError(
                "the library and the model are of different trainings",
                why=f"the library was made of model {made_of[:12]}",
                hint=BUILD_AGAIN,
            )


def _parts_with_hash(file: Path) -> Iterator[bytes]:
    """Yield the sources of a library, or the whole program."""
    if file.suffix == ".eim":
        yield file.read_bytes()
        return
    for _name, source in read_entries(file, lambda name: name.suffix in (".h", ".cpp", ".js"), LIBRARY_LIMITS):
        yield source


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(headers: Mapping[str, str], otherwise: str) -> str:
    """Return the file name of a Content-Disposition, reduced to letters, digits, dots, dashes and underscores.

    It has the suffix of the name `otherwise`, or it is that name.
    """
    message = Message()
    message["Content-Disposition"] = headers.get("Content-Disposition", "")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(message.get_filename() or "").name).strip("-.")
    return name if name.endswith(Path(otherwise).suffix) and len(name) < MAX_NAME_LENGTH else otherwise


def tflite_link(downloads: Sequence[Download], variant: str) -> str:
    """Return the link of a variant, found by name and type because the ids differ between studios.

    Raises ApiError where there is none.
    """
    for download in downloads:
        words = f"{download.name} {download.type}".lower()
        is_model = "tensorflow lite" in words or "tflite" in words
        if is_model and variant in words and "keras" not in words and download.link:
            return download.link
    raise ApiError(f"the studio has no {variant} TensorFlow Lite model to download", hint="eitk train")


def path_of_link(studio: Studio, link: str) -> str:
    """Return a link as a path below the API address. Raises ApiError for another host, which must not get the key."""
    base = urlsplit(studio.transport.endpoint.api_url)
    try:
        parts = urlsplit(link)
    except ValueError as error:
        raise ApiError("the studio's download link is not an address", why=str(error)) from None
    if parts.netloc and parts.netloc != base.netloc:
        raise ApiError("the studio's download link leads to another host", why=parts.netloc)
    path = parts.path.removeprefix(base.path) if parts.path.startswith(f"{base.path}/") else parts.path
    if not path.startswith("/api/"):
        raise ApiError("the studio's download link is not a path of the API", why=link[:100])
    return path + (f"?{parts.query}" if parts.query else "")


def _check_spec(deployment: Deployment, spec: BuildSpec, version: int) -> None:
    requested = (version, spec.target, spec.engine, spec.model_type)
    built = (
        deployment.deployment_version,
        deployment.deployment_format,
        deployment.engine,
        deployment.model_type,
    )
    if built != requested:
        raise ApiError(
            "the studio built something else than was requested",
            why=f"requested {', '.join(map(str, requested))}; built {', '.join(map(str, built))}",
            hint=BUILD_AGAIN,
        )

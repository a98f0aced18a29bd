"""Download a finished build and pin it in eitk.lock."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.api.deploy.download import Deployment, deployment_of, download_model, download_zip
from ei_toolkit.api.deploy.zipcheck import check_model_in_zip, sha256_of
from ei_toolkit.api.project import Studio
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.dataset.heard import HEARD_NAME
from ei_toolkit.errors import ApiError


@dataclass(frozen=True)
class Wanted:
    """What a build was asked to be."""

    target: str
    engine: str
    model_type: str


def pin(studio: Studio, version: int, wanted: Wanted, paths: ProjectPaths, heard: Path) -> Lock:
    """Fetch version `version` into `.eitk/builds/` and write eitk.lock; both change in one step each, the lock last.

    `heard` says which clips the model was trained on, and is kept with it; it need not be there.
    Raises ApiError where the studio has something else under that version, or sends what cannot be used.
    """
    deployment = deployment_of(studio, version)
    _check(deployment, wanted, version)
    folder = paths.builds / str(version)
    fresh = paths.builds / f"{version}.part"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        archive = download_zip(studio, version, fresh)
        model = download_model(studio, wanted.model_type, fresh / "model.tflite", deployment.impulse or None)
        check_model_in_zip(archive, model)
        if heard.is_file():
            shutil.copyfile(heard, fresh / HEARD_NAME)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    lock = lock_of(
        version, deployment.impulse, wanted, deployment.created, folder / archive.name, folder / model.name, paths.root
    )
    write_lock(paths.lock, lock)
    return lock


def _check(deployment: Deployment, wanted: Wanted, version: int) -> None:
    there = (deployment.version, deployment.format, deployment.engine, deployment.model_type)
    asked = (version, wanted.target, wanted.engine, wanted.model_type)
    if there != asked:
        raise ApiError(
            "the studio built something else than was asked for",
            why=f"asked for version {asked}, got {there}",
            hint="Build it again: eitk build",
        )


def lock_of(version: int, impulse: int, wanted: Wanted, created: str, archive: Path, model: Path, root: Path) -> Lock:
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

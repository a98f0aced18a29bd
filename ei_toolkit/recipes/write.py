"""Write a recipe as eitk.toml, with the user's folder and name filled in."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.errors import ConfigurationError, UsageError


def recipe_names() -> list[str]:
    """Names of the recipes, in alphabetical order."""
    return sorted(
        f.name.removesuffix(".toml") for f in resources.files(__package__).iterdir() if f.name.endswith(".toml")
    )


def recipe_text(name: str) -> str:
    """The text of a recipe. Raises UsageError for an unknown name."""
    if name not in recipe_names():
        raise UsageError(f"there is no recipe {name!r}", hint="Recipes: " + ", ".join(recipe_names()))
    return resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def write_recipe(recipe: str, folder: Path, *, clips: Path | None, name: str | None, force: bool) -> Path:
    """Write `folder`/eitk.toml from a recipe and return its path.

    Raises ConfigurationError where one is already there and `force` is not set.
    """
    import tomlkit

    file = folder / CONFIG_NAME
    if file.exists() and not force:
        raise ConfigurationError(f"{file} is already there", hint="Edit it, or replace it with: eitk init --force")
    document = tomlkit.parse(recipe_text(recipe))
    if name is not None:
        document["project"]["name"] = name
    if clips is not None:
        document["dataset"]["root"] = os.path.relpath(clips.resolve(), folder)
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".toml.part")
    partial.write_text(tomlkit.dumps(document), encoding="utf-8")
    partial.replace(file)
    return file
